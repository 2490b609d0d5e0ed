from __future__ import annotations

import inspect
import random
import sys
from textwrap import dedent

import pytest

from engine.model.errors import Code
from engine.schema.types import UNKNOWN
from engine.template import expressions, target
from engine.template.source import Limits
from engine.template.target import NodeValue
from kit.catalogue import problems_of, summaries_of, target_of

WORST = dedent("""\
    heat_template_version: 2018-03-02
    outptus: {}
    parameters:
      size: {type: number}
      name: {type: string, default: x}
    resources:
      web:
        type: Test::Thng
      db:
        type: Test::Thing
        properties:
          siez: 5
          size: 11
          tags: [a, {get_resource: wbe}, {get_attr: [db2, vlaue]}]
          rules:
            - {port: x}
            - {to: {get_param: nam}}
      db2:
        type: Test::Thing
        depends_on: [web, wbe]
        properties: {name: {get_resource: db3}}
      db3:
        type: Test::Thing
        properties: {name: {get_attr: [db2, value]}}
        deletion_policy: snapshot
      name: {type: Test::Thing}
    outputs:
      o: {value: {get_attr: [db, valeu]}}
    """)


def test_every_problem_of_a_template_is_told_at_once_in_the_order_of_its_lines() -> None:
    problems = problems_of(WORST, env={"parameters": {"sizes": 1}})

    assert [(problem.line, problem.where(), str(problem.code)) for problem in problems] == [
        (None, "parameters.sizes", "PARAMETER_UNKNOWN"),
        (2, "outptus", "INVALID_TEMPLATE_SECTION"),
        (4, "parameters.size", "PARAMETER_MISSING"),
        (8, "resources.web.type", "STACK_VALIDATION_FAILED"),
        (12, "resources.db.properties.siez", "STACK_VALIDATION_FAILED"),
        (13, "resources.db.properties.size", "STACK_VALIDATION_FAILED"),
        (14, "resources.db.properties.tags[1].get_resource", "INVALID_TEMPLATE_REFERENCE"),
        (14, "resources.db.properties.tags[2].get_attr", "INVALID_TEMPLATE_ATTRIBUTE"),
        (16, "resources.db.properties.rules[0].port", "STACK_VALIDATION_FAILED"),
        (17, "resources.db.properties.rules[1].to.get_param", "PARAMETER_MISSING"),
        (17, "resources.db.properties.rules[1]", "STACK_VALIDATION_FAILED"),
        (18, "resources.db2", "CIRCULAR_DEPENDENCY"),
        (20, "resources.db2.depends_on[1]", "INVALID_TEMPLATE_REFERENCE"),
        (25, "resources.db3.deletion_policy", "STACK_VALIDATION_FAILED"),
        (26, "resources.name", "STACK_VALIDATION_FAILED"),
        (28, "outputs.o.value.get_attr", "INVALID_TEMPLATE_ATTRIBUTE"),
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("resources.web.type", 'there is no resource type "Test::Thng"; did you mean Test::Thing'),
        ("resources.db.properties.siez", 'there is no property "siez"; did you mean size'),
        ("resources.db.properties.size", "11 is out of range (min: 1, max: 10)"),
        ("resources.db.properties.tags[1].get_resource", 'there is no resource "wbe"; did you mean web'),
        ("resources.db.properties.tags[2].get_attr", 'has no attribute "vlaue"; did you mean value'),
        ("resources.db.properties.rules[1].to.get_param", 'there is no parameter "nam"; did you mean name'),
        ("resources.db2", "in a circle: db2 → db3 → db2"),
        ("resources.db3.deletion_policy", "Test::Thing can't be kept as a snapshot"),
    ],
)
def test_a_problem_says_what_would_be_right(path: str, expected: str) -> None:
    assert expected in summaries_of(WORST)[path]


def test_a_target_declares_what_a_walk_needs() -> None:
    built = target_of("""
        parameters: {policy: {type: string, default: retain}}
        conditions: {never: {equals: [1, 2]}}
        resources:
          a: {type: Test::Thing, depends_on: [gone, b], metadata: {m: {get_resource: e}}}
          b: {type: Test::Disk, deletion_policy: {get_param: policy}}
          c: {type: Test::Thing, properties: {name: {get_attr: [a, data, x, 0]}, tags: [{get_attr: [s, value]}]}}
          e: {type: Test::Anything, properties: {whatever: [{get_attr: [b]}]}, update_policy: {x: 1}}
          s: {type: Test::Soft}
          gone: {type: Nobody::Knows, condition: never, properties: {list_join: x}}
        outputs:
          o: {value: {get_attr: [c, show]}}
        """)

    assert list(built.declarations) == ["a", "b", "c", "e", "s"]
    assert {name: set(one.requires) for name, one in built.declarations.items()} == {
        "a": {"b", "e"},
        "b": set(),
        "c": {"a"},
        "e": {"b"},
        "s": set(),
    }
    assert built.declarations["b"].deletion_policy == "Retain"
    assert built.attributes_needed == {
        "a": {("data", ("x", 0))},
        "s": {("value", ())},
        "b": {("value", ()), ("data", ())},
        "c": {("show", ())},
    }
    assert not built.declarations["c"].is_settled
    assert built.declarations["a"].is_settled


def test_properties_are_evaluated_with_what_was_visited() -> None:
    built = target_of("""
        resources:
          a: {type: Test::Thing}
          b:
            type: Test::Thing
            properties:
              name: {get_resource: a}
              size: {get_attr: [a, data, size]}
              tags: {repeat: {template: <v>, for_each: {v: {get_attr: [a, data, words]}}}}
        """)
    values = {"a": NodeValue("id-a", {"data": {"size": 3, "words": ["x"]}})}
    resolved = target.evaluate_properties(built.declarations["b"], target.scope_of(built, values))

    assert resolved.problems == ()
    assert resolved.values == {"name": "id-a", "size": 3, "tags": ["<x>"], "is_public": False, "rules": None}


def test_a_property_that_is_wrong_on_the_walk_has_its_place() -> None:
    built = target_of("""
        resources:
          a: {type: Test::Thing}
          b: {type: Test::Thing, properties: {size: {get_attr: [a, data]}, tags: {get_attr: [a, value]}}}
        """)
    scope = target.scope_of(built, {"a": NodeValue("id", {"data": 11, "value": "no list"})})
    problems = target.evaluate_properties(built.declarations["b"], scope).problems

    assert {(problem.where(), problem.line) for problem in problems} == {
        ("resources.b.properties.size", 5),
        ("resources.b.properties.tags", 5),
    }
    assert "11 is out of range" in str(target.PropertiesInvalid(problems))


def test_what_is_absent_was_not_given() -> None:
    built = target_of("""
        parameters: {big: {type: boolean, default: false}}
        resources:
          a: {type: Test::Thing, properties: {size: {if: [{get_param: big}, 9]}, name: {if: [{get_param: big}, a]}}}
        """)
    resolved = target.evaluate_properties(built.declarations["a"], target.scope_of(built, {}))

    assert (resolved.values["size"], resolved.values["name"]) == (1, None)


def test_the_values_of_a_settled_resource_can_be_changed_without_harm() -> None:
    built = target_of("resources: {a: {type: Test::Thing}}")
    scope = target.scope_of(built, {})
    target.evaluate_properties(built.declarations["a"], scope).values["size"] = 99

    assert target.evaluate_properties(built.declarations["a"], scope).values["size"] == 1


def test_an_unvisited_resource_reads_as_before_it_is_built() -> None:
    built = target_of("""
        resources: {a: {type: Test::Thing}}
        outputs: {ref: {value: {get_resource: a}}, attr: {value: {get_attr: [a, value]}}, all: {value: {get_attr: [a]}}}
        """)

    assert [(one.key, one.value) for one in target.evaluate_outputs(built, {})] == [
        ("ref", "a"),
        ("attr", None),
        ("all", None),
    ]


def test_a_resource_that_a_preview_can_not_know_is_unknown_in_every_respect() -> None:
    built = target_of("""
        resources: {a: {type: Test::Thing}}
        outputs:
          ref: {value: {str_replace: {template: x, params: {x: {get_resource: a}}}}}
          attr: {value: [{get_attr: [a, data, 0]}, 1]}
          all: {value: {get_attr: [a]}}
        """)
    found = target.evaluate_outputs(built, {"a": target.UNKNOWN_NODE})

    assert [one.value for one in found] == [UNKNOWN, [UNKNOWN, 1], UNKNOWN]


def test_an_attribute_stored_with_its_path_goes_before_the_whole() -> None:
    built = target_of("""
        resources: {a: {type: Test::Thing}}
        outputs: {o: {value: {get_attr: [a, data, x, 0]}}, p: {value: {get_attr: [a, data, y]}}}
        """)
    key = target.attribute_key("data", ("x", 0))
    found = target.evaluate_outputs(built, {"a": NodeValue("id", {key: "special", "data": {"x": ["plain"], "y": 1}})})

    assert key == '["data", "x", 0]'
    assert [one.value for one in found] == ["special", 1]


@pytest.mark.parametrize("step", ["true", "'1'", "2"])
def test_only_a_number_in_the_list_is_an_index_into_an_attribute(step: str) -> None:
    text = f"resources: {{a: {{type: Test::Thing}}}}\noutputs: {{o: {{value: {{get_attr: [a, data, {step}]}}}}}}"
    (found,) = target.evaluate_outputs(target_of(text), {"a": NodeValue("id", {"data": [1, 2]})})

    assert found.value is None


def test_an_output_without_a_value_says_why_and_harms_nothing() -> None:
    built = target_of("""
        resources: {a: {type: Test::Thing}}
        outputs:
          typo: {value: {get_param: nope}}
          gone: {value: {get_resource: nope}, description: It was here.}
          none: {value: {list_join: wrong}, condition: false}
          fine: {value: {get_param: 'OS::stack_name'}}
        """)
    typo, gone, off, fine = target.evaluate_outputs(built, {})

    assert typo.error is not None
    assert 'there is no parameter "nope"' in typo.error
    assert (gone.description, gone.value) == ("It was here.", None)
    assert (off.value, off.error) == (None, None)
    assert (fine.value, fine.description) == ("web", "No description given")


def test_metadata_is_evaluated_and_its_typos_show_on_the_walk() -> None:
    built = target_of(
        "resources: {a: {type: Test::Thing, metadata: {x: {get_param: 'OS::stack_id'}}}, b: {type: Test::Soft}}"
    )
    scope = target.scope_of(built, {})

    assert target.evaluate_metadata(built.declarations["a"], scope) == {"x": "11-22"}
    assert target.evaluate_metadata(built.declarations["b"], scope) == {}

    late = target_of("resources: {a: {type: Test::Thing, metadata: {x: {get_param: nope}}}}")
    with pytest.raises(expressions.EvaluationError, match="no parameter"):
        target.evaluate_metadata(late.declarations["a"], target.scope_of(late, {}))


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param(
            "resources: {a: {type: Test::Thing, metadata: {x: {get_resource: b}}}}",
            "resources.a.metadata.x.get_resource",
            'no resource "b"',
            id="metadata refers to nothing",
        ),
        pytest.param(
            "resources: {a: {type: Test::Thing, properties: {name: {get_resource: a}}}}",
            "resources.a",
            "in a circle: a → a",
            id="a resource that waits for itself",
        ),
        pytest.param(
            "resources: {a: {type: Test::Thing, condition: x}}", "resources.a.condition", 'no condition "x"', id="name"
        ),
        pytest.param(
            "parameters: {p: {type: string, default: x}}\nconditions: {c: {get_param: p}}\n"
            "resources: {a: {type: Test::Thing, condition: c}}",
            "resources.a.condition",
            "neither true nor false",
            id="a condition that is text",
        ),
        pytest.param(
            "conditions: {c: {not: d}, d: {not: c}}\nresources: {a: {type: Test::Thing, condition: c}}",
            "resources.a.condition",
            "in a circle: c → d → c",
            id="conditions in a circle",
        ),
        pytest.param(
            "resources: {a: {type: Test::Thing, condition: false}, b: {type: Test::Thing, properties: "
            "{name: {get_resource: a}}}}",
            "resources.b.properties.name.get_resource",
            "its condition does not hold",
            id="a reference to what is not there",
        ),
        pytest.param(
            "resources: {a: {type: Test::Thing}, b: {type: Test::Thing, properties: "
            "{name: {get_resource: {get_attr: [a, value]}}}}}",
            "resources.b.properties.name.get_resource",
            "known before the walk",
            id="a reference by a name that a resource gives",
        ),
        pytest.param(
            "resources: {a: {type: Test::Thing, properties: {name: {get_file: x}}}}",
            "resources.a.properties.name.get_file",
            "not among the files",
            id="a file that did not come along",
        ),
        pytest.param(
            "resources: {'OS::stack_id': {type: Test::Thing}}", "resources.OS::stack_id", "a parameter", id="os"
        ),
        pytest.param("resources: {a: {type: n.json}}", "resources.a.type", 'no resource type "n.json"', id="json"),
        pytest.param("resources: {a: {type: n.yaml}}", "resources.a.type", "not among the files", id="no file"),
        pytest.param(
            "outputs: {o: {value: {get_attr: [a, value]}}}", "outputs.o.value.get_attr", "no resource", id="output"
        ),
        pytest.param(
            "outputs: {o: {value: {list_join: x}}}", "outputs.o.value.list_join", "have to be a list", id="form"
        ),
        pytest.param(
            "parameters: {p: {type: string, default: keep}}\n"
            "resources: {a: {type: Test::Thing, deletion_policy: {get_param: p}}}",
            "resources.a.deletion_policy",
            '"keep" is not a deletion policy',
            id="a policy that a parameter gives",
        ),
    ],
)
def test_a_template_is_refused(text: str, path: str, expected: str) -> None:
    found = summaries_of(text)

    assert list(found) == [path]
    assert expected in found[path]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("conditions: {c: {not: d}, d: {not: c}}", id="a circle of conditions that nobody uses"),
        pytest.param("outputs: {o: {value: {get_resource: nope}}}", id="an output that refers to nothing"),
        pytest.param("resources: {a: {type: T, condition: false, depends_on: nope}}", id="a resource not there"),
        pytest.param(
            "resources: {a: {type: Test::Thing, properties: {size: {get_attr: [b, value]}}}, b: {type: Test::Thing}}",
            id="a value that only the walk knows",
        ),
        pytest.param(
            "resources: {a: {type: Test::Anything, properties: {x: 1}},"
            " b: {type: Test::Thing, properties: {name: {get_attr: [a, y]}}}}",
            id="a type that takes all",
        ),
        pytest.param("resources: {a: {type: Test::Soft, depends_on: []}}", id="nothing to wait for"),
        pytest.param("resources: {a: {type: Test::Disk, deletion_policy: Snapshot}}", id="a snapshot"),
    ],
)
def test_a_template_is_accepted(text: str) -> None:
    assert target_of(text).template.problems == ()


def test_two_circles_are_both_told() -> None:
    found = summaries_of("""
        resources:
          a: {type: Test::Thing, depends_on: b}
          b: {type: Test::Thing, depends_on: c}
          c: {type: Test::Thing, depends_on: a}
          x: {type: Test::Thing, depends_on: y}
          y: {type: Test::Thing, depends_on: x}
        """)

    assert found == {
        "resources.a": "the resources wait for each other in a circle: a → b → c → a",
        "resources.x": "the resources wait for each other in a circle: x → y → x",
    }


def test_without_values_a_template_is_checked_as_far_as_it_goes() -> None:
    text = """
        parameters: {size: {type: number}, tags: {type: comma_delimited_list}}
        resources: {a: {type: Test::Thing, properties: {size: {get_param: size}, tags: {get_param: tags}, %s}}}
        """

    assert target_of(text % "name: x", strict=False).declarations
    assert "resources.a.properties.nmae" in summaries_of(text % "nmae: x", strict=False)


def test_without_values_a_condition_still_needs_its_parameter() -> None:
    text = """
        parameters: {flag: {type: boolean}}
        resources: {a: {type: Test::Thing, condition: {get_param: flag}}}
        """

    assert "a condition needs it" in summaries_of(text, strict=False)["resources.a.condition.get_param"]


def test_too_many_resources_are_refused() -> None:
    text = "resources:\n" + "\n".join(f"  r{n}: {{type: Test::Thing}}" for n in range(4))
    problems = problems_of(text, limits=Limits(max_resources=3))

    assert [problem.code for problem in problems] == [Code.REQUEST_LIMIT_EXCEEDED]
    assert target_of(text, limits=Limits(max_resources=-1)).declarations


def test_more_problems_than_anyone_reads_are_counted() -> None:
    text = "resources:\n" + "\n".join(f"  r{n}: {{type: T{n}}}" for n in range(1_200))
    problems = problems_of(text, limits=Limits(max_resources=-1))

    assert len(problems) == 1_001
    assert problems[-1].summary == "and 200 more problems"


def test_nothing_is_what_a_delete_walks_to() -> None:
    assert target.EMPTY.declarations == {}
    assert target.evaluate_outputs(target.EMPTY, {}) == []


def test_a_target_does_not_show_values_in_logs() -> None:
    built = target_of("parameters: {p: {type: string, hidden: true}}\n"
                      "resources: {a: {type: Test::Thing, properties: {name: {get_param: p}}}}",
                      env={"parameters": {"p": "secret"}})  # fmt: skip

    assert "secret" not in repr(built)
    assert "secret" not in repr(built.declarations["a"])


def test_a_thousand_resources_in_any_order_have_their_cycle_named() -> None:
    names = [f"r{n}" for n in range(1_000)]
    needs = dict(zip(names, [*names[1:], names[0]], strict=True))
    random.Random(7).shuffle(names)
    text = "resources:\n" + "\n".join(f"  {name}: {{type: Test::Thing, depends_on: {needs[name]}}}" for name in names)
    problems = problems_of(text)

    assert [problem.code for problem in problems] == [Code.CIRCULAR_DEPENDENCY]
    assert len(problems[0].summary) < 2_000


def _inside(depth: int, inner: str, outer: str) -> str:
    return inner if depth == 0 else outer.replace("@", _inside(depth - 1, inner, outer))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(_inside(90, "x", "[@]"), id="lists"),
        pytest.param(_inside(90, "{get_resource: b}", "{k: @}"), id="maps around a function"),
        pytest.param(_inside(45, "x", "{if: [true, @, y]}"), id="choices"),
        pytest.param(_inside(45, "{get_attr: [b, value]}", "{if: [true, @, y]}"), id="choices around a function"),
        pytest.param(_inside(30, "x", "{str_replace: {template: x, params: {x: @}}}"), id="replacements"),
        pytest.param(_inside(30, "x", "{repeat: {template: @, for_each: {y: [a]}}}"), id="repeats"),
    ],
)
def test_what_is_allowed_to_be_deep_can_be_computed(value: str) -> None:
    built = target_of(
        f"resources: {{a: {{type: Test::Anything, properties: {{v: {value}}}}}, b: {{type: Test::Thing}}}}"
    )
    declaration = built.declarations["a"]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 500)  # half of what a thread has
    try:
        resolved = target.evaluate_properties(declaration, target.scope_of(built, {}))
    finally:
        sys.setrecursionlimit(limit)

    assert resolved.problems == ()


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param("{type: Test::Described, description: From outside}", "From outside", id="not given"),
        pytest.param("{type: Test::Described, description: o, properties: {description: i}}", "i", id="given"),
        pytest.param("{type: Test::Described}", None, id="no description"),
    ],
)
def test_the_description_of_a_resource_is_its_property_of_that_name(resource: str, expected: str | None) -> None:
    built = target_of(f"resources: {{a: {resource}}}")

    values = target.evaluate_properties(built.declarations["a"], target.scope_of(built, {})).values
    assert values == {"description": expected}
