"""`isotherm snapshot`: what the engine is asked, and what is printed."""

from __future__ import annotations

import json

import pytest
from isotherm.v1 import event_pb2, snapshot_pb2, stack_pb2, template_pb2

IDENTITY = {"tenant": "default", "stack_name": "web", "stack_id": "root-id"}


def snapshot(name: str = "nightly", status: int = 2, **fields: object) -> snapshot_pb2.Snapshot:
    return snapshot_pb2.Snapshot(id=f"id of {name}", name=name, status=status, action=1, **fields)


@pytest.fixture
def saving(engine, stack_in, happening):
    """Return an engine that does what it is asked, after an event that was there before."""
    begun = snapshot(status=1, status_reason="Stack SNAPSHOT started")
    engine.events = [happening("web", "CREATE_COMPLETE")]
    engine.answers |= {
        "IdentifyStack": stack_pb2.IdentifyStackResponse(stack_identity=IDENTITY),
        "GetTemplate": template_pb2.GetTemplateResponse(template="resources: {}"),
        "ListEvents": event_pb2.ListEventsResponse(events=engine.events[:1]),
        "StackSnapshot": snapshot_pb2.StackSnapshotResponse(snapshot=begun),
        "ShowSnapshot": snapshot_pb2.ShowSnapshotResponse(snapshot=snapshot()),
        "StackRestore": snapshot_pb2.StackRestoreResponse(),
        "DeleteSnapshot": snapshot_pb2.DeleteSnapshotResponse(),
        "ShowStack": stack_in("SNAPSHOT_COMPLETE"),
    }
    return engine


def test_a_snapshot_is_printed_as_it_begins(saving, isotherm) -> None:
    result = isotherm("snapshot", "take", "web", "--name", "nightly", "-o", "json")
    (request,) = saving.asked["StackSnapshot"]

    assert (request.stack_identity.stack_id, request.name) == ("root-id", "nightly")
    assert request.request_id
    printed = json.loads(result.stdout)
    assert (printed["id"], printed["status"], printed["data"]) == ("id of nightly", "IN_PROGRESS", None)
    assert "WatchEvents" not in saving.asked


def test_with_wait_a_snapshot_is_printed_when_it_is_complete(saving, isotherm, happening) -> None:
    saving.events += [happening("web", "SNAPSHOT_IN_PROGRESS"), happening("web", "SNAPSHOT_COMPLETE")]
    result = isotherm("snapshot", "take", "web", "--wait", "-o", "json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["status"] == "COMPLETE"
    assert "SNAPSHOT_COMPLETE" in result.stderr
    assert saving.asked["ShowSnapshot"][0].snapshot_id == "id of nightly"


def test_a_snapshot_that_could_not_be_taken_is_a_failure(saving, isotherm, happening, stack_in) -> None:
    saving.events += [happening("web", "SNAPSHOT_IN_PROGRESS"), happening("first", "SNAPSHOT_FAILED", reason="full")]
    saving.events += [happening("web", "SNAPSHOT_FAILED", reason="Resource SNAPSHOT failed")]
    saving.answers["ShowStack"] = stack_in("SNAPSHOT_FAILED")
    result = isotherm("snapshot", "take", "web", "--wait")

    assert result.exit_code == 1
    assert 'stack "web" is SNAPSHOT_FAILED' in result.stderr
    assert result.stderr.splitlines()[-2:] == [
        "  the snapshot is id of nightly",
        "  to remove it: isotherm snapshot delete web id of nightly",
    ]


def test_who_does_not_wait_for_a_snapshot_any_longer_knows_its_id(saving, isotherm, happening, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    saving.events += [happening("web", "SNAPSHOT_IN_PROGRESS")]
    monkeypatch.setattr("engine.cli.drawing.Lines.event", interrupt)  # as Ctrl-C would at the first event
    result = isotherm("snapshot", "take", "web", "--wait")

    assert result.exit_code == 130
    assert 'stack "web" goes on' in result.stderr
    assert "isotherm snapshot delete web id of nightly" in result.stderr


def test_snapshots_are_listed_page_by_page(saving, isotherm) -> None:
    pages = [
        snapshot_pb2.StackListSnapshotsResponse(snapshots=[snapshot("c"), snapshot("b")], next_marker="m"),
        snapshot_pb2.StackListSnapshotsResponse(snapshots=[snapshot("a")]),
    ]
    saving.answers["StackListSnapshots"] = pages
    header, *rows = isotherm("snapshot", "list", "web").stdout.splitlines()

    assert header.split() == ["ID", "NAME", "ACTION", "STATUS", "CREATION_TIME"]
    assert [row.split() for row in rows] == [["id", "of", n, n, "CREATE", "COMPLETE"] for n in "cba"]
    assert [request.marker for request in saving.asked["StackListSnapshots"]] == ["", "m"]
    assert saving.asked["StackListSnapshots"][0].stack_identity.stack_name == "web"


def test_a_limit_is_kept(saving, isotherm) -> None:
    page = snapshot_pb2.StackListSnapshotsResponse(snapshots=[snapshot("a")], next_marker="m")
    saving.answers["StackListSnapshots"] = page

    assert len(isotherm("snapshot", "list", "web", "--limit", "1").stdout.splitlines()) == 2
    assert saving.asked["StackListSnapshots"][0].limit == 1


def test_one_is_shown_and_only_programs_get_its_data(saving, isotherm) -> None:
    data = {"name": "web", "template": "resources: {}", "environment": {"parameters": {"secret": "sesame"}}}
    saving.answers["ShowSnapshot"] = snapshot_pb2.ShowSnapshotResponse(snapshot=snapshot(data=data))

    assert "sesame" not in isotherm("snapshot", "show", "web", "1").stdout
    printed = json.loads(isotherm("snapshot", "show", "web", "1", "-o", "json").stdout)
    assert printed["data"]["environment"] == {"parameters": {"secret": "sesame"}}
    assert saving.asked["ShowSnapshot"][0].snapshot_id == "1"


def test_one_is_removed(saving, isotherm) -> None:
    result = isotherm("snapshot", "delete", "web", "1")
    (request,) = saving.asked["DeleteSnapshot"]

    assert (result.exit_code, result.stdout) == (0, "")
    assert (request.stack_identity.stack_name, request.snapshot_id) == ("web", "1")
    assert request.request_id


def test_a_stack_comes_back_to_one(saving, isotherm, happening, stack_in) -> None:
    saving.events += [happening("web", "RESTORE_IN_PROGRESS"), happening("web", "RESTORE_COMPLETE")]
    saving.answers["ShowStack"] = stack_in("RESTORE_COMPLETE")
    result = isotherm("snapshot", "restore", "web", "1", "--wait", "-o", "json")
    (request,) = saving.asked["StackRestore"]

    assert result.exit_code == 0, result.output
    assert (request.stack_identity.stack_id, request.snapshot_id) == ("root-id", "1")
    assert request.request_id
    assert json.loads(result.stdout)["status"] == "RESTORE_COMPLETE"
