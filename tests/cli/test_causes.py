from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.cli import causes
from engine.cli.causes import Sources
from engine.cli.progress import Seen

ROOT = """\
resources:
  left:
    type: member.yaml
  right:
    type: My::Member
  plain:
    type: OS::Heat::None
"""
MEMBER = """\
description: inside
resources:
  walls:
    type: OS::Heat::TestResource
"""
OTHER = "\n\n" + MEMBER
SOURCES = Sources(
    "tree.yaml",
    ROOT,
    {"member.yaml": MEMBER, "other.yaml": OTHER},
    ("resource_registry: {'My::Member': member.yaml, resources: {right: {'My::Member': other.yaml}}}",),
)


SEEN = Seen("1", "id", "s", "it", "Some::Type", "CREATE", "FAILED", "broke", "", datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("way", "said"),
    [
        pytest.param(["plain"], "tree.yaml, line 6: resources.plain", id="in the root"),
        pytest.param(["left", "walls"], "member.yaml, line 3: resources.left.resources.walls", id="a type by file"),
        pytest.param(["right", "walls"], "other.yaml, line 5: resources.right.resources.walls", id="a mapped type"),
        pytest.param(["left", "gone"], "resources.left.resources.gone", id="a resource that no text has"),
        pytest.param(["plain", "walls"], "resources.plain.resources.walls", id="a stack that no file declares"),
    ],
)
def test_a_failure_is_found_in_the_files_of_the_user(way: list[str], said: str) -> None:
    assert causes.explain(way, SEEN, SOURCES) == [f"{said} (Some::Type), CREATE_FAILED", "broke"]


@pytest.mark.parametrize("text", [pytest.param("a: [", id="no YAML"), pytest.param("resources: 1", id="no map")])
def test_texts_that_tell_nothing_do_no_harm(text: str) -> None:
    sources = Sources("t.yaml", text, {}, (text, "resource_registry: 1"))

    assert causes.explain(["a", "b"], SEEN, sources)[1] == "broke"
    assert causes.count_of_resources(text) is None


def test_resources_are_counted() -> None:
    assert causes.count_of_resources(ROOT) == 3
