"""What a preview of an update tells of each property: what it is, what it would be, and what the change asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.model.ids import StackIdentity
from engine.schema.properties import OnChange
from engine.store import stacks, templates
from engine.usecases.commands import Given, UpdateStack
from engine.usecases.views import PropertyChange, ResourceView
from kit import stored
from kit.bench import CREATE, UPDATE
from kit.engine_room import ME, EngineRoom, hot

BUCKETS = ("unchanged", "updated", "replaced", "added", "deleted")
SECRET = {"secret": {"type": "string", "hidden": True}}


def created(room: EngineRoom, template: str, **given: Any) -> StackIdentity:
    identity = room.create("s", template, **given)
    room.wait(identity)
    return identity


def previewed(room: EngineRoom, identity: StackIdentity, template: str, **given: Any) -> dict[str, ResourceView]:
    """Return what is told of each resource, by its bucket and its name."""
    command = UpdateStack(identity, Given(template, **given), show_nested=True)
    found = room.stacks.preview_update(ME, command)
    return {f"{bucket} {one.record.name}": one for bucket in BUCKETS for one in getattr(found, bucket)}


@pytest.mark.parametrize(
    ("wanted", "bucket", "change"),
    [
        pytest.param(
            {"value": "2"}, "updated", PropertyChange("value", "1", "2", effect=OnChange.UPDATE), id="in place"
        ),
        pytest.param(
            {"value": "1", "fixed": "x"},
            "replaced",
            PropertyChange("fixed", "", "x", effect=OnChange.REPLACE),
            id="a replacement",
        ),
        pytest.param(
            {"value": "1", "forever": "x"},
            "updated",
            PropertyChange("forever", "", "x", effect=OnChange.REFUSE),
            id="what can never change",
        ),
        pytest.param({}, "updated", PropertyChange("value", "1", "", effect=OnChange.UPDATE), id="back to the default"),
    ],
)
def test_each_property_that_differs_is_told_with_what_the_change_asks_for(
    room: EngineRoom, wanted: dict[str, str], bucket: str, change: PropertyChange
) -> None:
    identity = created(room, hot({"it": {"value": "1"}}))

    told = previewed(room, identity, hot({"it": wanted}))

    assert told[f"{bucket} it"].changes == [change]


def test_what_stays_and_what_goes_has_no_changes(room: EngineRoom) -> None:
    identity = created(room, hot({"stays": {"value": "1"}, "goes": {"value": "1"}}))

    told = previewed(room, identity, hot({"stays": {"value": "1"}}))

    assert {name: list(view.changes) for name, view in told.items()} == {"unchanged stays": [], "deleted goes": []}


def test_what_is_added_shows_the_properties_that_its_template_gives(room: EngineRoom) -> None:
    identity = created(room, hot({"old": {}}))

    told = previewed(room, identity, hot({"old": {}, "new": {"value": "1", "fixed": {"get_resource": "old"}}}))

    fixed, value = told["added new"].changes
    assert (value.before, value.after, value.effect) == (None, "1", None)
    assert (fixed.name, fixed.is_known) == ("fixed", True)


def test_what_depends_on_something_that_is_not_built_yet_is_not_known(room: EngineRoom) -> None:
    identity = created(room, hot({"reader": {"value": "1"}}))

    told = previewed(room, identity, hot({"new": {}, "reader": {"value": {"get_resource": "new"}}}))

    assert told["updated reader"].changes == [
        PropertyChange("value", "1", None, is_known=False, effect=OnChange.UPDATE)
    ]


def test_a_resource_that_becomes_another_type_tells_which_it_was(room: EngineRoom) -> None:
    identity = created(room, hot({"it": {"value": "1"}}))

    told = previewed(room, identity, hot({"it": {"_type": "OS::Heat::Value", "value": "1"}}))

    view = told["replaced it"]
    assert (view.record.type, view.replaced_type) == ("OS::Heat::Value", "Test::Thing")
    assert view.changes == [PropertyChange("value", None, "1")]


def test_a_resource_that_failed_is_replaced_without_a_property_that_differs(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "it"))
    identity = created(room, hot({"it": {"value": "1"}}))

    told = previewed(room, identity, hot({"it": {"value": "1"}}))

    view = told["replaced it"]
    assert (str(view.record.state), view.replaced_type, view.changes) == ("CREATE_FAILED", "", [])


def test_after_an_update_that_failed_what_it_may_have_applied_is_what_there_is(room: EngineRoom) -> None:
    identity = created(room, hot({"it": {"value": "1"}}))
    room.bench.fails.add((UPDATE, "it"))
    room.update(identity, hot({"it": {"value": "2"}}))
    room.wait(identity)

    again = previewed(room, identity, hot({"it": {"value": "2"}}))["replaced it"]
    back = previewed(room, identity, hot({"it": {"value": "1"}}))["replaced it"]

    assert again.changes == []
    assert back.changes == [PropertyChange("value", "2", "1", effect=OnChange.UPDATE)]


def test_what_comes_from_a_hidden_parameter_is_masked_on_both_sides(room: EngineRoom) -> None:
    template = hot({"it": {"value": {"get_param": "secret"}, "fixed": "f"}}, parameters=SECRET)
    identity = created(room, template, parameters={"secret": "sesame"})
    wider = hot({"it": {"value": {"get_param": "secret"}, "fixed": "g"}}, parameters=SECRET)

    told = previewed(room, identity, wider, parameters={"secret": "open"})

    assert told["replaced it"].changes == [
        PropertyChange("fixed", "f", "g", effect=OnChange.REPLACE),
        PropertyChange("value", "******", "******", effect=OnChange.UPDATE),
    ]


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(SECRET, id="and the parameter stays hidden"),
        pytest.param({}, id="and the parameter is declared no more"),
        pytest.param({"secret": {"type": "string", "default": ""}}, id="and the parameter is hidden no more"),
    ],
)
def test_what_came_from_a_hidden_parameter_is_masked_when_it_does_no_more(
    room: EngineRoom, parameters: dict[str, Any]
) -> None:
    template = hot({"it": {"value": {"get_param": "secret"}}}, parameters=SECRET)
    identity = created(room, template, parameters={"secret": "sesame"})
    given = {"secret": "open"} if parameters else {}

    told = previewed(room, identity, hot({"it": {"value": "plain"}}, parameters=parameters), parameters=given)

    assert told["updated it"].changes == [PropertyChange("value", "******", "******", effect=OnChange.UPDATE)]


def test_a_parameter_that_was_hidden_is_masked_where_it_is_read_and_hidden_no_more(room: EngineRoom) -> None:
    template = hot({"it": {"value": {"get_param": "secret"}}}, parameters=SECRET)
    identity = created(room, template, parameters={"secret": "sesame"})
    shown = hot({"it": {"value": {"get_param": "secret"}}}, parameters={"secret": {"type": "string"}})

    told = previewed(room, identity, shown, parameters={"secret": "open"})

    assert told["updated it"].changes == [PropertyChange("value", "******", "******", effect=OnChange.UPDATE)]


def test_what_an_update_before_the_last_one_left_behind_is_masked_too(room: EngineRoom) -> None:
    template = hot({"first": {}, "it": {"value": {"get_param": "secret"}, "_depends_on": "first"}}, parameters=SECRET)
    identity = created(room, template, parameters={"secret": "sesame"})
    room.bench.fails.add((UPDATE, "first"))
    plain = hot({"first": {"value": "1"}, "it": {"value": "plain", "_depends_on": "first"}})
    room.update(identity, plain)
    room.wait(identity)

    told = previewed(room, identity, plain)

    assert told["updated it"].changes == [PropertyChange("value", "******", "******", effect=OnChange.UPDATE)]


def test_where_nobody_can_tell_any_more_what_was_hidden_everything_is_masked(room: EngineRoom) -> None:
    identity = created(room, hot({"it": {"value": "1"}}))
    broken = stored.definition(template=hot({"it": {"_type": "Gone::Thing"}}))
    with room.db.write() as tx:
        templates.save(tx, broken)
        stack = replace(room.stack(identity.stack_id), definition_id=broken.id)
        assert stacks.begin(tx, stack, expected=stack.traversal)

    told = previewed(room, identity, hot({"it": {"value": "2"}}))

    assert told["updated it"].changes == [PropertyChange("value", "******", "******", effect=OnChange.UPDATE)]


def test_a_hidden_value_of_something_new_is_masked_and_its_absence_is_not(room: EngineRoom) -> None:
    identity = created(room, hot({"old": {}}))
    template = hot({"old": {}, "new": {"value": {"get_param": "secret"}}}, parameters=SECRET)

    told = previewed(room, identity, template, parameters={"secret": "sesame"})

    assert told["added new"].changes == [PropertyChange("value", None, "******")]


def test_nested_resources_tell_their_changes_too(room: EngineRoom) -> None:
    inner = hot({"leaf": {"value": {"get_param": "size"}}}, parameters={"size": {"type": "string", "default": "s"}})
    files = {"inner.yaml": inner}
    identity = created(room, hot({"box": {"_type": "inner.yaml", "size": "1"}}), files=files)

    told = previewed(room, identity, hot({"box": {"_type": "inner.yaml", "size": "2"}}), files=files)

    assert told["updated box"].changes == [PropertyChange("size", "1", "2", effect=OnChange.UPDATE)]
    assert told["updated leaf"].changes == [PropertyChange("value", "1", "2", effect=OnChange.UPDATE)]


def nested(**box: Any) -> str:
    return hot({"box": {"_type": "inner.yaml", **box}}, parameters=SECRET)


INNER = hot({"x": {"value": {"get_param": "n"}, "fixed": "f"}}, parameters={"n": {"type": "string", "default": ""}})


def test_what_is_given_to_a_nested_stack_from_a_hidden_parameter_is_masked_inside_too(room: EngineRoom) -> None:
    files = {"inner.yaml": INNER}
    template = nested(n={"get_param": "secret"})
    identity = created(room, template, files=files, parameters={"secret": "sesame"})

    other = previewed(room, identity, template, files=files, parameters={"secret": "open"})
    plain = previewed(room, identity, nested(n="plain"), files=files, parameters={"secret": "open"})

    masked = PropertyChange("value", "******", "******", effect=OnChange.UPDATE)
    assert other["updated x"].changes == [masked]
    assert plain["updated x"].changes == [masked]


def test_what_is_masked_two_levels_above_is_masked_below(room: EngineRoom) -> None:
    middle = hot({"inside": {"_type": "inner.yaml", "n": {"get_param": "m"}}}, parameters={"m": {"type": "string"}})
    files = {"middle.yaml": middle, "inner.yaml": INNER}
    template = hot({"box": {"_type": "middle.yaml", "m": {"get_param": "secret"}}}, parameters=SECRET)
    identity = created(room, template, files=files, parameters={"secret": "sesame"})

    told = previewed(room, identity, template, files=files, parameters={"secret": "open"})

    assert told["updated x"].changes == [PropertyChange("value", "******", "******", effect=OnChange.UPDATE)]


def test_what_a_nested_stack_is_told_by_the_resource_that_it_stands_for_is_masked_too(room: EngineRoom) -> None:
    text = {"str_replace": {"template": "$all", "params": {"$all": {"resource_facade": "metadata"}}}}
    files = {"inner.yaml": hot({"x": {"value": text}})}
    template = nested(_metadata={"told": {"get_param": "secret"}})
    identity = created(room, template, files=files, parameters={"secret": "sesame"})

    told = previewed(room, identity, template, files=files, parameters={"secret": "open"})

    assert told["updated x"].changes == [PropertyChange("value", "******", "******", effect=OnChange.UPDATE)]


def test_where_the_template_around_can_be_told_no_more_everything_inside_is_masked(room: EngineRoom) -> None:
    files = {"inner.yaml": INNER}
    identity = created(room, nested(n="1"), files=files, parameters={"secret": "sesame"})
    broken = stored.definition(template=hot({"box": {"_type": "Gone::Thing"}}))
    with room.db.write() as tx:
        templates.save(tx, broken)
        stack = replace(room.stack(identity.stack_id), definition_id=broken.id)
        assert stacks.begin(tx, stack, expected=stack.traversal)

    told = previewed(room, identity, nested(n="2"), files=files, parameters={"secret": "sesame"})

    assert told["updated x"].changes == [PropertyChange("value", "******", "******", effect=OnChange.UPDATE)]


def test_an_attribute_of_what_was_given_a_hidden_value_is_masked(room: EngineRoom) -> None:
    reader = {"value": {"get_attr": ["it", "value"]}}
    template = hot({"it": {"value": {"get_param": "secret"}}, "reader": reader}, parameters=SECRET)
    identity = created(room, template, parameters={"secret": "sesame"})
    plain = hot({"it": {"value": {"get_param": "secret"}}, "reader": {"value": "plain"}}, parameters=SECRET)

    told = previewed(room, identity, plain, parameters={"secret": "sesame"})

    assert told["updated reader"].changes == [PropertyChange("value", "******", "******", effect=OnChange.UPDATE)]
