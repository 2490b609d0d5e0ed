"""`isotherm stack export|abandon` and `stack create --adopt`: the data get where they are to go, or are not lost."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import grpc
import pytest
from isotherm.v1 import event_pb2, stack_export_pb2, stack_pb2, template_pb2

DATA = {"name": "web", "template": "ünïcode: 1\n", "n": 9007199254740993, "half": "\ud800"}
IDENTITY = {"tenant": "default", "stack_name": "web", "stack_id": "root-id"}
VERBS = {"export": "ExportStack", "abandon": "AbandonStack"}


@pytest.fixture
def giving(engine):
    text = json.dumps(DATA)
    engine.answers["ExportStack"] = stack_export_pb2.ExportStackResponse(adopt_stack_data=text)
    engine.answers["AbandonStack"] = stack_export_pb2.AbandonStackResponse(adopt_stack_data=text)
    return engine


@pytest.mark.parametrize(("verb", "rpc"), VERBS.items())
def test_the_data_are_printed_exactly(giving, isotherm, verb: str, rpc: str) -> None:
    result = isotherm("stack", verb, "web")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == DATA
    assert giving.asked[rpc][0].stack_identity.stack_name == "web"


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_gets_the_data_and_only_its_owner_can_read_it(giving, isotherm, tmp_path: Path, verb: str) -> None:
    file = tmp_path / "web.json"
    file.write_text("old")
    result = isotherm("stack", verb, "web", "--file", str(file))

    assert (result.exit_code, result.stdout) == (0, "")
    assert json.loads(file.read_text()) == DATA
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("verb", "rpc"), VERBS.items())
def test_where_nothing_can_be_written_nothing_is_asked(giving, isotherm, tmp_path: Path, verb: str, rpc: str) -> None:
    result = isotherm("stack", verb, "web", "--file", str(tmp_path / "nowhere" / "web.json"))

    assert result.exit_code == 2
    assert "can't be written" in result.stderr
    assert rpc not in giving.asked


def test_data_that_could_not_be_written_after_all_are_printed(giving, isotherm, tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    giving.meanwhile["AbandonStack"] = file.mkdir  # a folder can't be replaced by a file
    result = isotherm("stack", "abandon", "web", "--file", str(file))

    assert result.exit_code == 2
    assert "the data are on standard output" in result.stderr
    assert json.loads(result.stdout) == DATA
    assert list(tmp_path.iterdir()) == [file]


def test_a_refusal_leaves_no_file(giving, isotherm, refuse, tmp_path: Path) -> None:
    giving.answers["AbandonStack"] = refuse(grpc.StatusCode.UNIMPLEMENTED, "FEATURE_DISABLED", "Stack Abandon")
    result = isotherm("stack", "abandon", "web", "--file", str(tmp_path / "web.json"))

    assert result.exit_code == 3
    assert "--request-id" not in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_format_is_not_taken_for_a_file(giving, isotherm, tmp_path: Path, monkeypatch, verb: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = isotherm("stack", verb, "web", "-o", "json")

    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []
    assert giving.asked == {}


def test_an_answer_that_was_lost_can_be_had_again(giving, isotherm, refuse) -> None:
    answer = giving.answers["AbandonStack"]
    giving.answers["AbandonStack"] = refuse(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "too late")
    lost = isotherm("stack", "abandon", "web")
    id_ = giving.asked["AbandonStack"][-1].request_id
    assert lost.exit_code == 6
    assert f"--request-id {UUID(id_)}" in lost.stderr

    giving.answers["AbandonStack"] = answer
    again = isotherm("stack", "abandon", "web", "--request-id", id_)
    assert json.loads(again.stdout) == DATA
    assert giving.asked["AbandonStack"][-1].request_id == id_


@pytest.fixture
def forgetting(giving, stack_in, happening):
    """Return an engine that gives a stack out of its hands, while its resources stay."""
    giving.answers["AbandonStack"].stack.MergeFrom(stack_export_pb2.StackExport(name="web", id="root-id"))
    giving.answers |= {
        "IdentifyStack": stack_pb2.IdentifyStackResponse(stack_identity=IDENTITY),
        "ShowStack": stack_in("DELETE_COMPLETE"),
    }
    giving.events = [
        happening("web", "CREATE_COMPLETE"),
        happening("web", "DELETE_IN_PROGRESS"),
        happening("web", "DELETE_COMPLETE"),
    ]
    begun, before = (event_pb2.ListEventsResponse(events=[giving.events[number]]) for number in (1, 0))
    giving.answers["ListEvents"] = [begun, before]
    return giving


@pytest.mark.parametrize("to_file", [False, True])
def test_an_abandon_is_followed_until_the_stack_is_forgotten(forgetting, isotherm, tmp_path: Path, to_file) -> None:
    file = tmp_path / "web.json"
    result = isotherm("stack", "abandon", "web", "--wait", *(("-f", str(file)) if to_file else ()))
    data, progress = (file.read_text(), result.stdout) if to_file else (result.stdout, result.stderr)

    assert result.exit_code == 0, result.output
    assert json.loads(data) == DATA
    assert [line.split()[1] for line in progress.splitlines()] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert forgetting.asked["WatchEvents"][0].after_event_id == "event-1"


def test_data_are_out_even_if_the_stack_is_not_forgotten(forgetting, isotherm, stack_in, happening) -> None:
    forgetting.answers["ShowStack"] = stack_in("DELETE_FAILED")
    forgetting.events[2:] = [happening("web", "DELETE_FAILED")]
    result = isotherm("stack", "abandon", "web", "--wait")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == DATA
    assert 'stack "web" is DELETE_FAILED' in result.stderr


@pytest.fixture
def adopting(engine, stack_in, happening):
    engine.answers |= {
        "CreateStack": stack_pb2.CreateStackResponse(stack_identity=IDENTITY),
        "GetTemplate": template_pb2.GetTemplateResponse(template="resources: {a: {type: T}}"),
        "ShowStack": stack_in("ADOPT_COMPLETE"),
    }
    engine.events = [happening("web", "ADOPT_IN_PROGRESS"), happening("web", "ADOPT_COMPLETE")]
    return engine


def test_what_was_exported_is_adopted(adopting, isotherm, tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    file.write_text('{"resources": {}}')
    result = isotherm("stack", "create", "web", "--adopt", str(file), "--wait", "-o", "json")
    (request,) = adopting.asked["CreateStack"]

    assert result.exit_code == 0, result.output
    assert (request.adopt_stack_data, request.template) == ('{"resources": {}}', "")
    assert json.loads(result.stdout)["status"] == "ADOPT_COMPLETE"


def test_an_adopt_may_come_with_a_template_of_its_own(adopting, isotherm, tmp_path: Path) -> None:
    file, template = tmp_path / "web.json", tmp_path / "web.yaml"
    file.write_text("{}")
    template.write_text("resources: {}")
    isotherm("stack", "create", "web", "--adopt", str(file), "-t", str(template))

    assert adopting.asked["CreateStack"][0].template == "resources: {}"
    assert "GetTemplate" not in adopting.asked


def test_a_new_stack_needs_one_of_the_two(isotherm) -> None:
    result = isotherm("stack", "create", "web")

    assert result.exit_code == 2
    assert "--template, or --adopt" in result.stderr


def test_a_preview_of_an_adopt_needs_no_template(adopting, isotherm, tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    file.write_text("{}")
    adopting.answers["PreviewStack"] = stack_pb2.PreviewStackResponse()
    result = isotherm("stack", "preview", "web", "--adopt", str(file), "--tag", "t", "--timeout", "5")
    (request,) = adopting.asked["PreviewStack"]

    assert result.exit_code == 0, result.output
    assert (request.adopt_stack_data, request.template) == ("{}", "")
    assert (list(request.tags), request.timeout_mins) == (["t"], 5)


def test_an_update_adopts_nothing(adopting, isotherm, tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    file.write_text("{}")
    result = isotherm("stack", "preview", "web", "--adopt", str(file), "--update")

    assert (result.exit_code, adopting.asked) == (2, {})
