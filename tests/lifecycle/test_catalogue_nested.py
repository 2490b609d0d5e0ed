"""Templates as resource types, as users change them (engine.md §8 and §19, "Nested")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from engine.model.errors import Code, TemplateInvalid
from engine.model.ids import StackIdentity
from engine.model.records import ResourceRecord
from engine.usecases.outputs import Outputs
from engine.usecases.signals import MarkUnhealthy, Signals
from kit.engine_room import ME, EngineRoom, hot

TEXT = {"type": "string"}


def registry(**types: str) -> dict[str, Any]:
    return {"resource_registry": {name.replace("__", "::"): type_ for name, type_ in types.items()}}


def inside(room: EngineRoom, identity: StackIdentity, name: str = "box") -> StackIdentity:
    """Return the stack that a resource stands for."""
    return room.stack(str(room.row(identity, name).nested_stack_id)).identity


def leaves(room: EngineRoom, identity: StackIdentity) -> dict[str, ResourceRecord]:
    """Return what is in the nested stack, by name."""
    return {row.name: row for row in room.rows(inside(room, identity).stack_id)}


@dataclass(frozen=True)
class Given:
    """A stack with a box, and the template of the box."""

    default: str | None = "default"  # of the parameter v inside; None: it has none
    given: str | None = None  # the property v outside; None: it is not given
    leaf: Any = None  # what the leaf inside holds; None: the parameter
    said: Any = None  # what the output says; None: what the leaf holds
    parameters: Mapping[str, Any] | None = None  # more of them inside

    @property
    def outer(self) -> str:
        given = {} if self.given is None else {"v": self.given}
        return hot({"box": {"_type": "box.yaml", **given}}, outputs={"o": {"value": {"get_attr": ["box", "o"]}}})

    @property
    def files(self) -> dict[str, str]:
        default = {} if self.default is None else {"default": self.default}
        said = {"get_attr": ["leaf", "value"]} if self.said is None else self.said
        leaf = {"get_param": "v"} if self.leaf is None else self.leaf
        parameters = {"v": {**TEXT, **default}, **(self.parameters or {})}
        return {"box.yaml": hot({"leaf": {"value": leaf}}, parameters=parameters, outputs={"o": {"value": said}})}


PLAIN, KNOWN = Given(), Given(given="known")
EXTRA = {"extra": {"type": "string", "default": "e"}}
CHANGES = [
    pytest.param(PLAIN, PLAIN, "default", "default", id="nothing"),
    pytest.param(PLAIN, KNOWN, "known", "known", id="a property is given"),
    pytest.param(KNOWN, Given(given="other"), "other", "other", id="a property is changed"),
    pytest.param(KNOWN, PLAIN, "default", "default", id="a property is not given any more"),
    pytest.param(PLAIN, Given(default="better"), "better", "better", id="the default inside"),
    pytest.param(KNOWN, Given(default="better", given="known"), "known", "known", id="a default that is not used"),
    pytest.param(PLAIN, Given(said="something"), "default", "something", id="the output alone"),
    pytest.param(PLAIN, Given(leaf="fixed"), "fixed", "fixed", id="the resource inside"),
    pytest.param(PLAIN, Given(parameters=EXTRA, leaf={"get_param": "extra"}), "e", "e", id="a parameter more"),
    pytest.param(Given(parameters=EXTRA, leaf={"get_param": "extra"}), PLAIN, "default", "default", id="one fewer"),
    pytest.param(KNOWN, Given(default=None, given="known"), "known", "known", id="what is given has to be given"),
]


@pytest.mark.parametrize(("before", "after", "held", "said"), CHANGES)
def test_what_changes_outside_or_inside_reaches_the_leaf_in_place(
    room: EngineRoom, before: Given, after: Given, held: str, said: str
) -> None:
    identity = room.create("s", before.outer, files=before.files)
    room.wait(identity)
    nested, leaf = inside(room, identity), leaves(room, identity)["leaf"]
    room.update(identity, after.outer, files=after.files)
    stack, now = room.wait(identity), leaves(room, identity)["leaf"]

    assert str(stack.state) == "UPDATE_COMPLETE"
    assert (inside(room, identity), now.id, now.physical_id) == (nested, leaf.id, leaf.physical_id)
    assert now.properties["value"] == held
    assert room.outputs(identity) == {"o": said}
    assert room.bench.built == {leaf.id: "leaf"}


@pytest.mark.parametrize(
    ("after", "says"),
    [
        pytest.param(Given(default=None), r"resources\.box\.properties.*v", id="it has to be given now"),
        pytest.param(
            Given(given="known", said={"get_attr": ["nothing", "value"]}),
            "nothing",
            id="an output of what is not there",
        ),
    ],
)
def test_an_update_that_does_not_fit_together_is_refused_before_it_begins(
    room: EngineRoom, after: Given, says: str
) -> None:
    identity = room.create("s", PLAIN.outer, files=PLAIN.files)
    before = room.wait(identity)
    with pytest.raises(TemplateInvalid, match=says):
        room.update(identity, after.outer, files=after.files)

    assert room.stack(identity.stack_id) == before


def test_resources_come_and_go_inside(room: EngineRoom) -> None:
    def files(*names: str) -> dict[str, str]:
        return {"box.yaml": hot({name: {} for name in names})}

    identity = room.create("s", hot({"box": {"_type": "box.yaml"}}), files=files("one"))
    room.wait(identity)
    nested, one = inside(room, identity), leaves(room, identity)["one"].id
    room.update(identity, hot({"box": {"_type": "box.yaml"}}), files=files("one", "two"))
    room.wait(identity)
    both = {name: row.id for name, row in leaves(room, identity).items()}
    room.update(identity, hot({"box": {"_type": "box.yaml"}}), files=files("two"))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert (both["one"], both.keys()) == (one, {"one", "two"})
    assert {name: row.id for name, row in leaves(room, identity).items()} == {"two": both["two"]}
    assert inside(room, identity) == nested
    assert room.bench.built == {both["two"]: "two"}


@pytest.mark.parametrize("how", ["the file is called otherwise", "the type is mapped to another file"])
def test_another_file_for_the_same_resource_changes_what_is_inside_and_not_the_stack(
    room: EngineRoom, how: str
) -> None:
    files = {"a.yaml": hot({"leaf": {"value": "a"}}), "b.yaml": hot({"leaf": {"value": "b"}, "more": {}})}
    is_mapped = how.startswith("the type")
    before, after = ("My::Box", "My::Box") if is_mapped else ("a.yaml", "b.yaml")
    environments = [json.dumps(registry(My__Box=name)) for name in files]
    identity = room.create("s", hot({"box": {"_type": before}}), files=files, environment=environments[0])
    room.wait(identity)
    row, leaf = room.row(identity, "box"), leaves(room, identity)["leaf"]
    room.update(identity, hot({"box": {"_type": after}}), files=files, environment=environments[1])

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert (room.row(identity, "box").id, room.row(identity, "box").physical_id) == (row.id, row.physical_id)
    now = leaves(room, identity)
    assert (now["leaf"].id, now["leaf"].properties["value"], now.keys()) == (leaf.id, "b", {"leaf", "more"})


def test_the_environment_reaches_inside(room: EngineRoom) -> None:
    inner = hot({"leaf": {"_type": "My::Thing", "value": {"get_param": "v"}}}, parameters={"v": TEXT})
    environment = {**registry(My__Thing="Test::Thing"), "parameter_defaults": {"v": "everywhere"}}
    template = hot(
        {"it": {"value": {"get_param": "v"}}, "box": {"_type": "box.yaml"}}, parameters={"v": {**TEXT, "default": "d"}}
    )
    identity = room.create("s", template, files={"box.yaml": inner}, environment=json.dumps(environment))

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    assert leaves(room, identity)["leaf"].properties["value"] == "everywhere"
    assert room.row(identity, "it").properties["value"] == "everywhere"

    room.update(
        identity, template, files={"box.yaml": inner}, environment=json.dumps(environment), parameters={"v": "here"}
    )
    room.wait(identity)

    assert room.row(identity, "it").properties["value"] == "here"
    assert leaves(room, identity)["leaf"].properties["value"] == "everywhere"


def test_a_template_may_stand_for_the_type_that_it_uses_itself(room: EngineRoom) -> None:
    inner = hot(
        {"real": {"_type": "OS::Heat::RandomString", "length": 5}},
        parameters={name: {**TEXT, "default": ""} for name in ("salt",)},
        outputs={"value": {"value": {"get_attr": ["real", "value"]}}},
    )
    template = hot(
        {"text": {"_type": "OS::Heat::RandomString"}}, outputs={"o": {"value": {"get_attr": ["text", "value"]}}}
    )
    environment = json.dumps(registry(OS__Heat__RandomString="mine.yaml"))
    identity = room.create("s", template, files={"mine.yaml": inner}, environment=environment)

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    (real,) = room.rows(inside(room, identity, "text").stack_id)
    assert (real.name, real.implementation) == ("real", "OS::Heat::RandomString")
    assert len(room.outputs(identity)["o"]) == 5


def test_a_template_that_stands_for_a_type_has_to_fit_it(room: EngineRoom) -> None:
    inner = hot({"leaf": {}}, parameters={"unheard": TEXT})
    environment = json.dumps(registry(OS__Heat__RandomString="mine.yaml"))
    template = hot({"text": {"_type": "OS::Heat::RandomString"}})
    with pytest.raises(TemplateInvalid) as caught:
        room.create("s", template, files={"mine.yaml": inner}, environment=environment)

    told = " ".join(problem.summary for problem in caught.value.problems)
    assert caught.value.code is Code.STACK_VALIDATION_FAILED
    assert 'the parameter "unheard", and OS::Heat::RandomString has no such property' in told
    assert 'OS::Heat::RandomString has the attribute "value", and the template has no output' in told


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        pytest.param({}, "arn", id="nothing is said"),
        pytest.param({"OS::stack_id": {"value": {"get_resource": "leaf"}}}, "leaf", id="the resource inside"),
        pytest.param(
            {"OS::stack_id": {"value": {"list_join": ["", {"get_attr": ["leaf", "value"]}]}}}, "arn", id="no value"
        ),
    ],
)
def test_a_nested_stack_is_referred_to_by_its_arn_or_by_what_it_says(
    room: EngineRoom, outputs: Mapping[str, Any], expected: str
) -> None:
    files = {"box.yaml": hot({"leaf": {"value": "no list"}}, outputs=outputs)}
    template = hot({"box": {"_type": "box.yaml"}, "user": {"value": {"get_resource": "box"}}})
    identity = room.create("s", template, files=files)

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    nested = inside(room, identity)
    reference = {"arn": nested.arn(), "leaf": leaves(room, identity)["leaf"].physical_id}[expected]
    assert room.row(identity, "user").properties["value"] == reference


def test_an_output_inside_that_has_no_value_says_so_outside(room: EngineRoom) -> None:
    bad = {"bad": {"value": {"list_join": ["", {"get_attr": ["leaf", "value"]}]}}}
    files = {"box.yaml": hot({"leaf": {"value": "no list"}}, outputs=bad)}
    outputs = {"o": {"value": {"get_attr": ["box", "bad"]}}}
    identity = room.create("s", hot({"box": {"_type": "box.yaml"}}, outputs=outputs), files=files)
    stack = room.wait(identity)
    inner = Outputs(room.db, room.machinery.declared).show(ME, inside(room, identity), "bad")

    assert str(stack.state) == "CREATE_COMPLETE"
    assert (inner.value, "list_join" in inner.error) == (None, True)
    assert room.outputs(identity) == {"o": None}


def test_a_nested_stack_that_somebody_took_away_is_no_obstacle_to_a_delete(room: EngineRoom) -> None:
    identity = room.create("s", PLAIN.outer, files=PLAIN.files)
    room.wait(identity)
    nested = inside(room, identity)
    room.delete(nested)
    room.wait(nested)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert (room.rows(identity.stack_id), room.bench.built) == ([], {})


def test_a_nested_stack_that_is_marked_unhealthy_is_replaced_as_a_whole(room: EngineRoom) -> None:
    identity = room.create("s", PLAIN.outer, files=PLAIN.files)
    room.wait(identity)
    nested, leaf = inside(room, identity), leaves(room, identity)["leaf"]
    parts = room.machinery
    signals = Signals(room.db, parts.declared, parts.logbook, parts.engine_id, wake=lambda *_: None)
    signals.mark_unhealthy(ME, MarkUnhealthy(identity, "box", unhealthy=True))
    room.update(identity, PLAIN.outer, files=PLAIN.files)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert inside(room, identity) != nested
    assert str(room.stack(nested.stack_id).state) == "DELETE_COMPLETE"
    assert room.bench.built == {leaves(room, identity)["leaf"].id: "leaf"}
    assert leaf.id not in room.bench.built


CONDITIONS = {
    "hot": hot(
        {"always": {}, "extra": {"value": "more", "_condition": "NAME"}},
        parameters={"kind": TEXT},
        conditions={"NAME": {"equals": [{"get_param": "kind"}, "prod"]}},
        outputs={"o": {"value": {"if": ["NAME", {"get_attr": ["extra", "value"]}, "none"]}}},
    ),
    "cfn": json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Parameters": {"kind": {"Type": "String"}},
            "Conditions": {"NAME": {"Fn::Equals": [{"Ref": "kind"}, "prod"]}},
            "Resources": {
                "always": {"Type": "Test::Thing"},
                "extra": {"Type": "Test::Thing", "Condition": "NAME", "Properties": {"value": "more"}},
            },
            "Outputs": {"o": {"Value": {"Fn::If": ["NAME", {"Fn::GetAtt": ["extra", "value"]}, "none"]}}},
        }
    ),
}


@pytest.mark.parametrize("language", CONDITIONS)
def test_conditions_inside_follow_what_is_given_outside(room: EngineRoom, language: str) -> None:
    """A test stack becomes a production stack and is one no more; what a condition is called means nothing."""
    seen = []
    outputs = {"o": {"value": {"get_attr": ["box", "o"]}}}
    identity = room.create("s", hot({}))
    for kind, name in (("test", "is_prod"), ("prod", "is_prod"), ("prod", "renamed"), ("test", "renamed")):
        template = hot({"box": {"_type": "box.yaml", "kind": kind}}, outputs=outputs)
        room.update(identity, template, files={"box.yaml": CONDITIONS[language].replace("NAME", name)})
        state = str(room.wait(identity).state)
        seen.append((state, sorted(leaves(room, identity)), room.outputs(identity)["o"]))

    small, large = ("UPDATE_COMPLETE", ["always"], "none"), ("UPDATE_COMPLETE", ["always", "extra"], "more")
    assert seen == [small, large, large, small]
    assert [name for _, name in room.bench.calls] == ["always", "extra", "extra"]
