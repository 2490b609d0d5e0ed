from __future__ import annotations

from textwrap import dedent

import pytest

from engine.model.errors import Code, TemplateInvalid
from engine.model.problems import Problem
from engine.template import dialects, parse, source
from engine.template.declarations import ParameterType, Template
from engine.template.expressions import Literal

HOT = "heat_template_version: 2021-04-16\n"


def parsed(text: str) -> Template:
    return parse.parse(source.load(text if "_version" in text else HOT + text))


def problems_of(text: str) -> dict[str, str]:
    template = parsed(text)
    inside = [one for decl in template.resources.values() for one in decl.problems]
    inside += [one for decl in template.outputs.values() for one in decl.problems]
    return {problem.where(): problem.summary for problem in (*template.problems, *inside)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("resources: {}", "no version is given", id="none"),
        pytest.param(
            "heat_template_version: 2014-01-01", '"2014-01-01" is not a known version; known: 2013-', id="bad"
        ),
        pytest.param("heat_template_version: 20130523", "is not a version; quote it", id="a number"),
        pytest.param("heat_template_version:", "null is not a version; known", id="null"),
        pytest.param("heat_template_version: Rocky", "is not a known version", id="an alias in capitals"),
        pytest.param("heat_template_version: mitaka", "is not a known version", id="a release without alias"),
        pytest.param(
            "heat_template_version: pike\nHeatTemplateFormatVersion: 2012-12-12", "ambiguous", id="two versions"
        ),
        pytest.param("AWSTemplateFormatVersion: 2010-09-10", "known: 2010-09-09", id="unknown CloudFormation"),
        pytest.param("heat_template_version: [a]", "is not a version", id="a list"),
    ],
)
def test_a_version_is_refused(text: str, expected: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        parse.parse(source.load(text))

    assert caught.value.code is Code.INVALID_TEMPLATE_VERSION
    assert expected in caught.value.problems[0].summary


@pytest.mark.parametrize(("alias", "version"), [("newton", "2016-10-14"), ("wallaby", "2021-04-16")])
def test_an_alias_is_a_version(alias: str, version: str) -> None:
    assert parsed(f"heat_template_version: {alias}").dialect.version == version


def test_another_version_key_that_is_no_text_is_a_wrong_section() -> None:
    template = parsed("heat_template_version: pike\nHeatTemplateFormatVersion: 5")

    assert [problem.path for problem in template.problems] == [("HeatTemplateFormatVersion",)]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param("output: {}", "output", "did you mean outputs?", id="a section misspelt"),
        pytest.param("5: {}", "5", '"5" is not a section', id="a section that is a number"),
        pytest.param(
            "heat_template_version: 2016-04-08\nconditions: {}", "conditions", "is not a section", id="too early"
        ),
        pytest.param("conditions:", "conditions", "has to be a map, and is null", id="no conditions"),
        pytest.param("resources: [a]", "resources", "has to be a map, and is a list", id="a list of resources"),
        pytest.param("resources: {a: }", "resources.a", "with at least a type, and is null", id="an empty resource"),
        pytest.param("resources: {a: {}}", "resources.a.type", "and is missing", id="no type"),
        pytest.param("resources: {a: {type: [x]}}", "resources.a.type", 'and is ["x"]', id="a type that is a list"),
        pytest.param(
            "resources: {5: {type: T}}", "resources.5", "and is 5; put it in quotes", id="a name that is a number"
        ),
        pytest.param("resources: {a/b: {type: T}}", "resources.a/b", "slash", id="a name with a slash"),
        pytest.param("resources: {'': {type: T}}", "resources.", "empty", id="an empty name"),
        pytest.param(
            f"resources: {{{'a' * 256}: {{type: T}}}}", f"resources.{'a' * 256}", "at most 255", id="a long name"
        ),
        pytest.param('resources: {"a\\0": {type: T}}', "resources.a\0", "NUL", id="a name with NUL"),
        pytest.param("resources: {a: {type: T, propertys: {}}}", "resources.a.propertys", "did you mean", id="keyword"),
        pytest.param(
            "heat_template_version: 2016-04-08\nresources: {a: {type: T, condition: x}}",
            "resources.a.condition",
            "is not a keyword",
            id="a keyword of later",
        ),
        pytest.param("resources: {a: {type: T, properties: }}", "resources.a.properties", "are null", id="null"),
        pytest.param(
            "resources: {a: {type: T, properties: {get_param: x}}}",
            "resources.a.properties",
            "a function can't stand for all",
            id="a function for all properties",
        ),
        pytest.param("resources: {a: {type: T, metadata: x}}", "resources.a.metadata", "is a string", id="metadata"),
        pytest.param("resources: {a: {type: T, depends_on: 5}}", "resources.a.depends_on", "and is 5", id="number"),
        pytest.param("resources: {a: {type: T, depends_on: }}", "resources.a.depends_on", "and is null", id="nothing"),
        pytest.param("resources: {a: {type: T, depends_on: [5]}}", "resources.a.depends_on", "and is [5]", id="item"),
        pytest.param(
            "resources: {a: {type: T, deletion_policy: RETAIN}}", "resources.a.deletion_policy", "known: D", id="policy"
        ),
        pytest.param(
            "heat_template_version: 2016-04-08\nresources: {a: {type: T, deletion_policy: retain}}",
            "resources.a.deletion_policy",
            "known: Delete, Retain, Snapshot",
            id="a policy in small letters, too early",
        ),
        pytest.param("resources: {a: {type: T, condition: }}", "resources.a.condition", "has to be", id="no condition"),
        pytest.param(
            "resources: {a: {type: T, external_id: 5}}", "resources.a.external_id", "as text, and is 5", id="id"
        ),
        pytest.param("resources: {a: {type: T, description: 5}}", "resources.a.description", "a number", id="text"),
        pytest.param("outputs: {a: x}", "outputs.a", "has to be a map with a value", id="an output that is text"),
        pytest.param("outputs: {a: {}}", "outputs.a", "has to have a value", id="an output without a value"),
        pytest.param("outputs: [a]", "outputs", "has to be a map", id="a list of outputs"),
        pytest.param("conditions: {a: x}", "conditions.a", "is not true, false or", id="a condition that is a name"),
        pytest.param("conditions: {a: {foo: 1}}", "conditions.a", "a condition has to be", id="no function"),
        pytest.param("parameter_groups: {}\nparameters: 5", "parameters", "has to be a map", id="parameters"),
        pytest.param("parameter_groups: x", "parameter_groups", "has to be a list", id="groups"),
        pytest.param("parameter_groups: [x]", "parameter_groups[0]", "has to be a map", id="a group"),
        pytest.param("parameter_groups: [{}]", "parameter_groups[0].parameters", "list of parameters", id="no names"),
        pytest.param(
            "parameter_groups: [{parameters: [p]}]", "parameter_groups[0].parameters[0]", "no parameter", id="unknown"
        ),
        pytest.param("description: [a]", "description", "has to be a string", id="a description that is a list"),
    ],
)
def test_a_structure_is_a_problem(text: str, path: str, expected: str) -> None:
    found = problems_of(text)

    assert list(found) == [path]
    assert expected in found[path]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param("{}", "has to have a type", id="no type"),
        pytest.param("x", "has to be a map", id="text"),
        pytest.param("{type: strin}", "did you mean string?", id="type"),
        pytest.param("{type: String}", "did you mean string?", id="type in capitals"),
        pytest.param("{type: string, defalt: x}", "did you mean default", id="keyword"),
        pytest.param("{type: string, hidden: maybe}", "has to be true or false", id="hidden"),
        pytest.param("{type: string, tags: x}", "have to be a list", id="tags"),
        pytest.param("{type: string, constraints: {}}", "have to be a list", id="constraints"),
        pytest.param("{type: string, constraints: [x]}", "has to be a map", id="a constraint"),
        pytest.param("{type: string, constraints: [{description: x}]}", "no constraint is given", id="none"),
        pytest.param("{type: string, constraints: [{length: {}}]}", "a min or a max", id="no bound"),
        pytest.param("{type: string, constraints: [{length: 5}]}", "a map with min and max", id="one bound"),
        pytest.param("{type: string, constraints: [{length: {mni: 5}}]}", '"mni" is not a bound', id="a bound"),
        pytest.param("{type: string, constraints: [{length: {min: 1.5}}]}", "not a whole number", id="half"),
        pytest.param("{type: number, constraints: [{range: {min: x}}]}", '"x" is not a number', id="a word"),
        pytest.param("{type: string, constraints: [{range: {min: 1}}]}", "can't have the constraint", id="kind"),
        pytest.param("{type: json, constraints: [{allowed_values: []}]}", "can't have the constraint", id="json"),
        pytest.param("{type: string, constraints: [{allowed_values: a}]}", "has to be a list", id="values"),
        pytest.param("{type: string, constraints: [{allowed_pattern: '(a'}]}", "regular expression", id="pattern"),
        pytest.param("{type: string, constraints: [{allowed_pattern: 5}]}", "has to be a string", id="number"),
        pytest.param("{type: number, constraints: [{modulo: {step: 2}}]}", "step and offset", id="no offset"),
        pytest.param("{type: number, constraints: [{modulo: {step: 0, offset: 0}}]}", "can't be 0", id="step 0"),
        pytest.param("{type: number, constraints: [{modulo: {step: 2, offset: 2}}]}", "smaller", id="offset"),
        pytest.param("{type: number, constraints: [{modulo: {step: 2, offset: -1}}]}", "same sign", id="sign"),
        pytest.param("{type: number, default: 9, constraints: [{range: {max: 5}}]}", "invalid default", id="default"),
        pytest.param("{type: number, default: x, constraints: [{range: {max: 5}}]}", "invalid default", id="word"),
    ],
)
def test_a_parameter_is_a_problem(entry: str, expected: str) -> None:
    problems = parsed(f"parameters:\n  p: {entry}").problems

    assert len(problems) == 1
    assert problems[0].path[:2] == ("parameters", "p")
    assert problems[0].line == 3
    assert problems[0].code == Code.INVALID_SCHEMA
    assert expected in problems[0].summary


@pytest.mark.parametrize(
    ("version", "entry"),
    [
        ("pike", "{type: string, tags: [a]}"),
        ("newton", "{type: number, constraints: [{modulo: {step: 2, offset: 1}}]}"),
    ],
)
def test_what_a_version_lacks_is_a_problem(version: str, entry: str) -> None:
    assert parsed(f"heat_template_version: {version}\nparameters: {{p: {entry}}}").problems


def test_a_template_is_declared() -> None:
    template = parsed(
        dedent("""
        description: All of it.
        parameters:
          p: {type: comma_delimited_list, default: '', label: P, hidden: 'false', immutable: yes, tags: [x]}
        parameter_groups: [{label: g, parameters: [p, 'OS::stack_id']}]
        conditions: {c: {equals: [{get_param: p}, []]}}
        resources:
          a: {type: T, properties: {x: 1, 5: {deep: [1]}}, depends_on: b, deletion_policy: retain, condition: c}
          b: {type: T, depends_on: []}
        outputs: {o: {value: , description: Nothing., anything: else}}
        """)
    )

    assert template.problems == ()
    assert template.description == "All of it."
    parameter = template.parameters["p"]
    assert (parameter.type, parameter.has_default, parameter.hidden) == (ParameterType.LIST, True, False)
    assert (parameter.immutable, parameter.tags, parameter.label, parameter.line) == (True, ("x",), "P", 5)
    assert template.resources["a"].depends_on == ("b",)
    assert template.resources["a"].deletion_policy == Literal("Retain")
    assert template.resources["a"].properties == {"x": Literal(1), "5": Literal({"deep": [1]})}
    assert template.outputs["o"].value == Literal(None)


def test_a_subtree_without_functions_is_one_literal_that_shares_the_data() -> None:
    document = source.load(HOT + "resources: {a: {type: T, properties: {x: {deep: [1, {y: 2}]}}}}")
    literal = parse.parse(document).resources["a"].properties["x"]

    assert isinstance(literal, Literal)
    assert literal.value is document.data["resources"]["a"]["properties"]["x"]


def test_keys_that_are_no_text_become_what_json_makes_of_them() -> None:
    template = parsed("resources: {a: {type: T, properties: {x: {2: a, true: {null: b}, 1.5: c}}}}")

    assert template.resources["a"].properties["x"] == Literal({"2": "a", "true": {"null": "b"}, "1.5": "c"})


def test_versions_are_listed_oldest_first() -> None:
    versions = dialects.versions()

    assert versions[0].version == "heat_template_version.2013-05-23"
    assert versions[10].aliases == ("heat_template_version.wallaby",)
    assert [version.type for version in versions] == ["hot"] * 11 + ["cfn"] * 2


def test_functions_of_an_unknown_version_are_not_found() -> None:
    with pytest.raises(Exception, match="not found") as caught:
        dialects.functions_of("heat_template_version.2000-01-01")

    assert caught.value.code is Code.NOT_FOUND


def test_a_thousand_wrong_names_are_told_quickly() -> None:
    template = parsed(HOT + "\n".join(f"s{n}: 1" for n in range(5_000)))
    problems: tuple[Problem, ...] = template.problems

    assert len(problems) == 5_000
    assert problems[0].summary.count("known") == 1
    assert "known" not in problems[-1].summary
