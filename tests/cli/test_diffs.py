"""What an update would change, as text; then asked of a real engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from isotherm.v1 import resource_pb2, stack_pb2

from engine.cli import diffs, messages
from kit.houses import FILES, HOUSE, STREET
from kit.served import HOT

EFFECTS = {
    "": resource_pb2.CHANGE_EFFECT_UNSPECIFIED,
    "in place": resource_pb2.CHANGE_EFFECT_IN_PLACE,
    "replacement": resource_pb2.CHANGE_EFFECT_REPLACEMENT,
    "refused": resource_pb2.CHANGE_EFFECT_REFUSED,
}


def change(name: str, before: Any, after: Any, effect: str = "in place", **fields: Any) -> resource_pb2.PropertyChange:
    message = resource_pb2.PropertyChange(property_name=name, effect=EFFECTS[effect], **fields)
    for field, value in (("before", before), ("after", after)):
        if value is not None:
            getattr(message, field).struct_value.update({"it": value})
            getattr(message, field).CopyFrom(getattr(message, field).struct_value.fields["it"])
    return message


def resource(name: str, *changes: resource_pb2.PropertyChange, stack: str = "web", **fields: Any) -> Any:
    given = {"resource_type": "T", "resource_action": 1, "resource_status": 2, **fields}
    return resource_pb2.Resource(resource_name=name, stack_name=stack, changes=changes, **given)


def lines(places: dict[str, tuple[str, ...]] | None = None, **found: list[Any]) -> list[str]:
    answer = messages.plain(stack_pb2.PreviewUpdateStackResponse(**found))
    return [line for _, line in diffs.lines(diffs.compared(answer, places or {"web": ()}))]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        pytest.param(change("p", "1", "ß"), 'p: "1" -> "ß"', id="a text"),
        pytest.param(change("p", None, 2), "p: (no value) -> 2", id="a value that was not there"),
        pytest.param(change("p", [1], None), "p: [1] -> (no value)", id="a value that goes"),
        pytest.param(change("p", 1, 2, "replacement"), "p: 1 -> 2  (replaces it)", id="what replaces"),
        pytest.param(change("p", 1, 2, "refused"), "p: 1 -> 2  (refused: it can never change)", id="what is refused"),
        pytest.param(
            change("p", "a", None, after_is_unknown=True), 'p: "a" -> (known when it is built)', id="what is not known"
        ),
    ],
)
def test_a_property_is_told_with_its_values(one: resource_pb2.PropertyChange, said: str) -> None:
    assert lines(updated=[resource("a", one)]) == ["~ a (T)", f"    {said}"]


def test_each_resource_that_does_not_stay_is_told_with_its_sign() -> None:
    told = lines(
        unchanged=[resource("a")],
        updated=[resource("b", change("p", 1, 2))],
        replaced=[resource("c", change("p", 1, 2, "replacement"), replaced_type="Old")],
        added=[resource("d", change("p", None, 2, ""))],
        deleted=[resource("e")],
    )

    assert told == [
        "~ b (T)",
        "    p: 1 -> 2",
        "-/+ c (T instead of Old)",
        "    p: 1 -> 2  (replaces it)",
        "+ d (T)",
        "    p: 2",
        "- e (T)",
    ]


def test_texts_of_several_lines_are_compared_line_by_line() -> None:
    before, after = "one\n--- two\nthree\nfour\nfive", "one\n--- 2\nthree\nfour\nfive"

    assert lines(updated=[resource("a", change("script", before, after))]) == [
        "~ a (T)",
        "    script:",
        "      @@ -1,3 +1,3 @@",
        "       one",
        "      ---- two",
        "      +--- 2",
        "       three",
    ]


def test_long_trees_are_compared_line_by_line() -> None:
    tree = {f"key{number}": "x" * 10 for number in range(9)}

    told = lines(updated=[resource("a", change("map", tree, {**tree, "key4": "ß"}, "replacement"))])

    assert told[1] == "    map:  (replaces it)"
    assert '      -  "key4": "xxxxxxxxxx",' in told
    assert '      +  "key4": "ß",' in told
    assert len(told) == 7


@pytest.mark.parametrize(
    ("status", "said"),
    [(2, "(no property differs; what it is made from does)"), (3, "(no property differs; it is CREATE_FAILED)")],
)
def test_a_change_without_a_property_says_why(status: int, said: str) -> None:
    assert lines(replaced=[resource("a", resource_status=status)]) == ["-/+ a (T)", f"    {said}"]


def test_nested_resources_are_told_below_what_holds_them_even_in_stacks_that_are_not_there_yet() -> None:
    told = lines(
        {"web": (), "web-box-x1": ("box",)},
        added=[
            resource("leaf", stack="web-new-in-ner", parent_resource="in-ner"),
            resource("in-ner", stack="web-new", parent_resource="new"),
            resource("new"),
        ],
        updated=[resource("leaf", change("p", 1, 2), stack="web-box-x1", parent_resource="box"), resource("box")],
    )

    assert [line.split()[1] for line in told if not line.startswith(" ")] == [
        "box",
        "box/leaf",
        "new",
        "new/in-ner",
        "new/in-ner/leaf",
    ]


def test_the_resources_of_a_stack_that_nobody_knows_are_told_by_its_name() -> None:
    assert lines(deleted=[resource("leaf", stack="elsewhere", parent_resource="box")]) == ["- elsewhere/leaf (T)"]


SECRET = f"""{HOT}
parameters:
  secret: {{type: string, hidden: true}}
resources:
  größe: {{type: OS::Heat::Value, properties: {{value: {{get_param: secret}}}}}}
  text: {{type: OS::Heat::RandomString, properties: {{length: 8}}}}
"""


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Return the file of the street's template, with that of its houses beside it."""
    (tmp_path / "house.yaml").write_text(HOUSE, encoding="utf-8")
    file = tmp_path / "street.yaml"
    file.write_text(STREET, encoding="utf-8")
    return file


def test_a_change_is_followed_down_into_nested_stacks(served, ask, street: Path) -> None:
    served.create("compared", STREET, files=FILES)

    result = ask("stack", "diff", "compared", "-t", str(street), "-P", "paint=röt")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "~ right (house.yaml)",
        '    paint: "white" -> "röt"',
        "~ right/wände (OS::Heat::TestResource)",
        '    value: "white" -> "röt"',
        "0 added, 2 updated, 0 replaced, 0 deleted, 8 unchanged",
    ]


def test_an_environment_counts_as_in_an_update(served, ask, street: Path, tmp_path: Path) -> None:
    served.create("by-environment", STREET, files=FILES)
    environment = tmp_path / "env.yaml"
    environment.write_text("parameters: {paint: blue}", encoding="utf-8")

    result = ask("stack", "diff", "by-environment", "-t", str(street), "-e", str(environment))

    assert '    paint: "white" -> "blue"' in result.stdout.splitlines()


def test_a_new_nested_stack_is_told_with_everything_in_it(served, ask, street: Path) -> None:
    served.create("growing", STREET, files=FILES)
    street.write_text(STREET + "  new-one: {type: house.yaml, properties: {paint: red}}\n", encoding="utf-8")

    result = ask("stack", "diff", "growing", "-t", str(street))

    assert [line.split()[1] for line in result.stdout.splitlines() if line.startswith("+")] == [
        "new-one",
        "new-one/door",
        "new-one/roof",
        "new-one/wände",
    ]
    assert result.stdout.splitlines()[-1] == "4 added, 0 updated, 0 replaced, 0 deleted, 10 unchanged"


def test_secrets_are_masked_and_replacements_told(served, ask, tmp_path: Path) -> None:
    served.create("secretive", SECRET, parameters={"secret": "sesame"})
    template = tmp_path / "t.yaml"
    template.write_text(SECRET.replace("length: 8", "length: 9"), encoding="utf-8")

    result = ask("stack", "diff", "secretive", "-t", str(template), "-P", "secret=open")

    assert result.stdout.splitlines() == [
        "~ größe (OS::Heat::Value)",
        '    value: "******" -> "******"',
        "-/+ text (OS::Heat::RandomString)",
        "    length: 8 -> 9  (replaces it)",
        "0 added, 1 updated, 1 replaced, 0 deleted, 0 unchanged",
    ]


def test_programs_get_counts_paths_and_values(served, ask, street: Path) -> None:
    served.create("diff-data", STREET, files=FILES)

    answer = json.loads(ask("stack", "diff", "diff-data", "-t", str(street), "-P", "paint=red", "-o", "json").stdout)

    assert answer["counts"] == {"added": 0, "updated": 2, "replaced": 0, "deleted": 0, "unchanged": 8}
    assert [one["path"] for one in answer["updated"]] == ["right", "right/wände"]
    assert answer["updated"][0]["changes"] == [
        {
            "property_name": "paint",
            "before": "white",
            "after": "red",
            "after_is_unknown": False,
            "effect": "IN_PLACE",
        }
    ]


@pytest.mark.parametrize(("paint", "code"), [("white", 0), ("red", 8)])
def test_the_exit_code_says_whether_something_would_change_if_asked_to(
    served, ask, street: Path, paint: str, code: int
) -> None:
    served.create(f"exit-{paint}", STREET, files=FILES)
    arguments = ("stack", "diff", f"exit-{paint}", "-t", str(street), "-P", f"paint={paint}")

    assert ask(*arguments, "--exit-code").exit_code == code
    assert ask(*arguments).exit_code == 0


def test_what_is_not_given_stays_with_existing(served, ask) -> None:
    served.create("existing", STREET, files=FILES, parameters={"paint": "red"})

    same = ask("stack", "diff", "existing", "--existing")
    cleared = ask("stack", "diff", "existing", "--existing", "--clear-parameter", "paint")

    assert same.stdout == "0 added, 0 updated, 0 replaced, 0 deleted, 10 unchanged\n"
    assert '    paint: "red" -> "white"' in cleared.stdout.splitlines()


def test_a_stack_that_does_not_exist_is_exit_code_4(ask, street: Path) -> None:
    assert ask("stack", "diff", "nobody", "-t", str(street)).exit_code == 4
