from __future__ import annotations

from collections.abc import ItemsView

from engine.model.errors import Code
from engine.schema.properties import OnChange
from engine.schema.types import UNKNOWN, Kind
from engine.template import environment, nested, parse, source, validate
from engine.template.source import Limits
from kit.catalogue import NEWEST, problems_of, summaries_of, target_of

CHILD = (
    NEWEST
    + """
description: Inside.
parameters:
  n: {type: number, constraints: [{range: {max: 10}}]}
  words: {type: comma_delimited_list, default: a}
  tree: {type: json, default: {}}
resources:
  x: {type: Test::Thing, properties: {size: {get_param: n}, name: {get_param: 'OS::stack_name'}}}
outputs:
  v: {value: {get_attr: [x, value]}, description: The value.}
"""
)
FILES = {"child.yaml": CHILD}


def test_parameters_become_properties_and_outputs_attributes() -> None:
    template = parse.parse(source.load(CHILD))
    interface = nested.interface_of(template, environment.from_map({}), "child.yaml")

    assert {name: (one.kind, one.required, one.default) for name, one in interface.properties.items()} == {
        "n": (Kind.NUMBER, True, None),
        "words": (Kind.LIST, False, None),
        "tree": (Kind.MAP, False, None),
    }
    assert all(one.on_change is OnChange.UPDATE for one in interface.properties.values())
    assert {name: one.description for name, one in interface.attributes.items()} == {"v": "The value."}
    assert interface.is_template


def test_a_parameter_default_of_the_environment_makes_a_property_optional() -> None:
    template = parse.parse(source.load(CHILD))
    interface = nested.interface_of(template, environment.from_map({"parameter_defaults": {"n": 1}}), "child.yaml")

    assert not interface.properties["n"].required


def test_properties_become_parameters() -> None:
    schemas = nested.interface_of(parse.parse(source.load(CHILD)), environment.EMPTY, "c").properties

    assert nested.parameters_for(schemas, {"n": 5, "words": None, "tree": {"a": 1}}) == {"n": 5, "tree": {"a": 1}}
    assert nested.parameters_for(schemas, {"words": ["a,b", "c"]}) == {"words": ["a,b", "c"]}
    assert nested.parameters_for(schemas, {"words": ["a", UNKNOWN]}) == {"words": UNKNOWN}
    assert nested.parameters_for(schemas, {"words": [{"k": 1, "l": "x"}, {"k": 2}]}) == {
        "words": ".member.0.k=1,.member.0.l=x,.member.1.k=2"
    }


def test_a_template_is_a_type_by_its_file_name_or_by_the_environment() -> None:
    built = target_of(
        """
        resources:
          a: {type: child.yaml, properties: {n: 3, words: 'x,y'}}
          b: {type: My::Own, properties: {n: {get_attr: [a, v]}}}
          c: {type: Test::Thing, properties: {name: {get_attr: [b, resource.x]}, tags: [{get_attr: [b, v, 0]}]}}
        """,
        files=FILES,
        env={"resource_registry": {"My::*": "child.yaml"}},
    )

    assert {name: (one.type, one.implementation, one.template_file) for name, one in built.declarations.items()} == {
        "a": ("child.yaml", "child.yaml", "child.yaml"),
        "b": ("My::Own", "child.yaml", "child.yaml"),
        "c": ("Test::Thing", "Test::Thing", None),
    }
    assert built.declarations["b"].requires == {"a"}
    assert built.attributes_needed["b"] == {("resource.x", ()), ("v", (0,))}
    assert built.nested["a"].parameters.values["words"] == ["x", "y"]
    assert built.nested["b"].parameters.values["n"] is UNKNOWN


def test_the_fingerprint_follows_template_files_and_environment_but_not_parameters() -> None:
    def print_of(n: int, files: dict[str, str], **env: object) -> str:
        text = f"resources: {{a: {{type: child.yaml, properties: {{n: {n}}}}}}}"
        return target_of(text, files=files, env=env).declarations["a"].fingerprint

    first = print_of(1, FILES)

    assert print_of(2, FILES) == first
    assert print_of(1, {"child.yaml": CHILD + "\n# changed"}) != first
    assert print_of(1, {**FILES, "script": "x"}) != first
    assert print_of(1, FILES, parameter_defaults={"words": "b"}) != first


def test_the_files_of_a_request_are_hashed_once_however_many_stacks_are_nested() -> None:
    class Files(dict[str, str]):
        read = 0

        def items(self) -> ItemsView[str, str]:
            self.read += 1
            return super().items()

        def __getitem__(self, name: str) -> str:
            self.read += 1
            return super().__getitem__(name)

    def reads(resources: int) -> int:
        files = Files(FILES)
        target_of("resources:\n" + "\n".join(f"  r{n}: {{type: child.yaml}}" for n in range(resources)), files=files,
                  env={"parameter_defaults": {"n": 1}})  # fmt: skip
        return files.read

    assert reads(20) == reads(1) == 2  # to parse the one that is a template, and to hash all


def test_the_fingerprint_says_which_file_is_the_template() -> None:
    files = {"one.yaml": CHILD, "two.yaml": CHILD + "\n# another"}
    text = "resources: {a: {type: one.yaml, properties: {n: 1}}, b: {type: two.yaml, properties: {n: 1}}}"
    declarations = target_of(text, files=files).declarations

    assert declarations["a"].fingerprint != declarations["b"].fingerprint


def test_problems_inside_carry_file_line_and_path() -> None:
    child = CHILD.replace("size: {get_param: n}", "siez: 1")
    problems = problems_of(
        """
        resources:
          a: {type: child.yaml, properties: {n: 11, m: 1}}
          b: {type: child.yaml}
        """,
        files={"child.yaml": child},
    )

    assert [(one.source, one.line, one.where()) for one in problems] == [
        ("", 4, "resources.a.properties.m"),
        ("", 4, "resources.a.properties.n"),
        ("", 5, "resources.b.properties"),
        ("child.yaml", 9, "resources.a<child.yaml>.resources.x.properties.siez"),
    ]


def test_a_file_that_is_no_template_is_told_once() -> None:
    problems = problems_of(
        "resources: {a: {type: bad.yaml}, b: {type: bad.yaml}}", files={"bad.yaml": "a: 1\nb: [", "other.yaml": ""}
    )

    assert [(one.source, one.line) for one in problems] == [("bad.yaml", 2)]


def test_a_template_that_uses_itself_is_refused_with_the_chain() -> None:
    text = NEWEST + "resources: {a: {type: self.yaml}, b: {type: self.yaml}}"
    problems = problems_of("resources: {top: {type: self.yaml}}", files={"self.yaml": text})

    assert [one.code for one in problems] == [Code.REQUEST_LIMIT_EXCEEDED]
    assert "more than 5 deep: self.yaml → self.yaml" in problems[0].summary


def test_as_many_levels_as_allowed_are_allowed() -> None:
    files = {f"{n}.yaml": NEWEST + f"resources: {{a: {{type: {n + 1}.yaml}}}}" for n in range(1, 3)}
    files["3.yaml"] = NEWEST + "resources: {a: {type: Test::Thing}}"
    text = "resources: {a: {type: 1.yaml}}"

    assert target_of(text, files=files, limits=Limits(max_nested_depth=3)).nested["a"].nested["a"].nested["a"]
    assert "2 deep: 1.yaml → 2.yaml → 3.yaml" in str(problems_of(text, files=files, limits=Limits(max_nested_depth=2)))


def test_a_template_may_implement_a_type_with_the_real_one() -> None:
    built = target_of(
        "resources: {a: {type: Test::Thing}}",
        files={
            "thing.yaml": NEWEST
            + "resources: {inner: {type: Test::Thing, properties: {size: 2}}}\n"
            + "outputs: {value: {value: 1}, data: {value: 2}}"
        },
        env={"resource_registry": {"Test::Thing": "thing.yaml"}},
    )

    assert built.declarations["a"].template_file == "thing.yaml"
    assert built.nested["a"].declarations["inner"].template_file is None


def test_all_levels_together_are_counted() -> None:
    inner = NEWEST + "resources: {x: {type: Test::Thing}, y: {type: Test::Thing}}"
    text = "resources: {a: {type: in.yaml}, b: {type: in.yaml}}"

    assert target_of(text, files={"in.yaml": inner}, limits=Limits(max_resources=6))
    problems = problems_of(text, files={"in.yaml": inner}, limits=Limits(max_resources=5))
    assert {one.code for one in problems} == {Code.REQUEST_LIMIT_EXCEEDED}


def test_a_condition_inside_that_hangs_on_what_is_not_known_is_left_open() -> None:
    inner = (
        NEWEST
        + "parameters: {flag: {type: boolean}}\nresources: {x: {type: Test::Thing, condition: {get_param: flag}}}"
    )
    built = target_of(
        "resources: {s: {type: Test::Thing}, a: {type: in.yaml, properties: {flag: {get_attr: [s, value]}}}}",
        files={"in.yaml": inner},
    )

    assert list(built.nested["a"].declarations) == ["x"]


def test_an_unknown_property_of_a_nested_template_has_a_near_name() -> None:
    found = summaries_of("resources: {a: {type: child.yaml, properties: {n: 1, wrods: x}}}", files=FILES)

    assert found == {"resources.a.properties.wrods": 'there is no property "wrods"; did you mean words?'}


def test_a_report_tells_of_parameters_at_every_level() -> None:
    built = target_of(
        """
        description: Outside.
        parameters:
          size:
            type: number
            label: Size
            default: 2
            constraints: [{range: {min: 1}, description: At least one.}, {modulo: {step: 2, offset: 0}}]
          key: {type: string, hidden: true, constraints: [{length: {max: 9}}, {allowed_pattern: a}], tags: [t]}
        parameter_groups: [{label: All, parameters: [size, key]}]
        resources: {a: {type: child.yaml, properties: {n: {get_param: size}}}}
        """,
        files=FILES,
        env={"parameters": {"key": "aaa"}, "parameter_defaults": {"size": 4}},
        strict=False,
    )
    report = validate.report(built, show_nested=True)

    assert report["Description"] == "Outside."
    assert report["Parameters"]["size"] == {
        "Type": "Number",
        "Description": "",
        "NoEcho": "false",
        "Label": "Size",
        "Default": 4,
        "MinValue": 1,
        "Step": 2,
        "Offset": 0,
        "ConstraintDescription": "At least one.",
    }
    assert report["Parameters"]["key"]["Value"] == "******"
    assert report["Parameters"]["key"]["Tags"] == ["t"]
    assert report["ParameterGroups"] == [{"label": "All", "parameters": ["size", "key"]}]
    assert report["NestedParameters"]["a"]["Type"] == "child.yaml"
    assert report["NestedParameters"]["a"]["Description"] == "Inside."
    assert set(report["NestedParameters"]["a"]["Parameters"]) == {"n", "words", "tree"}
    assert "NestedParameters" not in validate.report(built)
