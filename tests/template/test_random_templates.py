"""Random templates: names that mostly exist, expressions that mostly fit."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.model.errors import TemplateInvalid
from engine.template import environment, expressions, parse, source, target
from engine.template.expressions import Facade
from engine.template.target import NodeValue
from kit.catalogue import CATALOGUE, NEWEST, PSEUDO

NAMES = ["a", "b", "c", "d"]
LEAVES = st.one_of(
    st.integers(0, 12),
    st.sampled_from(["x", "y", "", "name"]),
    st.none(),
    st.sampled_from(NAMES).map(lambda name: {"get_resource": name}),
    st.tuples(st.sampled_from([*NAMES, "z"]), st.sampled_from(["value", "data", "show"])).map(
        lambda pair: {"get_attr": list(pair)}
    ),
    st.tuples(st.sampled_from(NAMES), st.sampled_from([["data", "x"], ["data", 0], []])).map(
        lambda pair: {"get_attr": [pair[0], *pair[1]]}
    ),
    st.sampled_from(["p", "q", "l"]).map(lambda name: {"get_param": name}),
)


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["k", "get_attr", "if"]), inner, max_size=2),
        st.tuples(st.sampled_from(["c1", "c2", True, {"equals": [1, 2]}]), inner, inner).map(lambda a: {"if": list(a)}),
        st.lists(inner, max_size=3).map(lambda items: {"list_join": ["-", items]}),
        st.tuples(inner, inner).map(lambda a: {"str_replace": {"template": "x y", "params": {"x": a[0], "y": a[1]}}}),
        st.tuples(inner, inner).map(lambda a: {"repeat": {"template": a[0], "for_each": {"x": a[1]}}}),
        st.sampled_from(["p", "q"]).map(lambda name: {"get_resource": {"get_param": name}}),
        st.tuples(inner).map(lambda a: {"get_attr": ["a", "data", a[0]]}),
        st.sampled_from(["list_concat", "list_concat_unique", "map_merge"]).flatmap(
            lambda name: st.lists(inner, max_size=3).map(lambda items: {name: items})
        ),
        st.sampled_from(["filter", "contains", "map_replace", "digest", "str_split"]).flatmap(
            lambda name: st.tuples(inner, inner).map(lambda pair: {name: list(pair)})
        ),
        st.tuples(inner, inner).map(lambda a: {"map_replace": [{"k": a[0]}, {"values": {"x": a[1]}}]}),
        st.tuples(inner, inner).map(lambda a: {"str_replace_strict": {"template": a[0], "params": {"x": a[1]}}}),
        st.tuples(inner).map(lambda a: {"str_replace_vstrict": {"template": "x", "params": {"x": a[0]}}}),
        st.tuples(inner, inner).map(lambda a: {"make_url": {"host": a[0], "query": {"q": a[1]}}}),
        st.sampled_from(["metadata", "deletion_policy"]).map(lambda part: {"resource_facade": part}),
    )


VALUES = st.recursive(LEAVES, _larger, max_leaves=6)


class Watching:
    """A scope that notes which resources are really read."""

    def __init__(self, inner: expressions.Scope) -> None:
        self.inner = inner
        self.read: set[str] = set()
        self.attributes_read: set[tuple[str, str]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def reference_id(self, resource: str) -> Any:
        self.read.add(resource)
        return self.inner.reference_id(resource)

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        self.read.add(resource)
        self.attributes_read.add((resource, name))
        return self.inner.attribute(resource, name, path)

    def attributes(self, resource: str) -> Any:
        self.read.add(resource)
        return self.inner.attributes(resource)


@given(
    VALUES, st.dictionaries(st.sampled_from(["value", "data", "show"]), st.sampled_from(["x", 1, {"x": ["y"]}, ["q"]]))
)
def test_a_walk_reads_no_resource_that_was_not_foreseen(value: Any, attributes: dict[str, Any]) -> None:
    data = {
        "heat_template_version": "2021-04-16",
        "parameters": {
            "p": {"type": "string", "default": "a"},
            "q": {"type": "string", "default": "b"},
            "l": {"type": "comma_delimited_list", "default": "x,y"},
        },
        "conditions": {"c1": True, "c2": {"equals": [{"get_param": "p"}, "b"]}},
        "resources": {name: {"type": "Test::Thing"} for name in NAMES}
        | {"it": {"type": "Test::Anything", "properties": {"x": value}}},
    }
    template = parse.parse(source.Document(data))
    facade = Facade({"name": "x"})
    try:
        built = target.build(template, environment=environment.EMPTY, catalogue=CATALOGUE, facade=facade)
    except TemplateInvalid:
        return
    scope = Watching(target.scope_of(built, {name: NodeValue(name, attributes) for name in NAMES}))
    it = built.declarations["it"]
    try:
        expressions.evaluate(it.properties["x"], scope)
        assert scope.read == it.requires
    except expressions.EvaluationError:  # it stopped on the way
        assert scope.read <= it.requires
    needed = {(name, key) for name, pairs in built.attributes_needed.items() for key, _ in pairs}
    assert scope.attributes_read <= needed


SECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "parameters": st.dictionaries(st.sampled_from(["p", "q"]), VALUES | st.just({"type": "string"})),
        "conditions": st.dictionaries(st.sampled_from(["c1", "c2"]), VALUES),
        "resources": st.dictionaries(
            st.sampled_from([*NAMES, 5]),
            st.fixed_dictionaries(
                {},
                optional={
                    "type": st.sampled_from(["Test::Thing", "Test::Anything", "Nope", 5, "self.yaml"]),
                    "properties": st.dictionaries(st.sampled_from(["name", "size", "tags", "rules", 1]), VALUES)
                    | VALUES,
                    "metadata": VALUES,
                    "depends_on": st.sampled_from([*NAMES, ["a", "b"], 5, None]),
                    "deletion_policy": st.sampled_from(["delete", "x", None]) | VALUES,
                    "condition": st.sampled_from(["c1", "c2", True, None, 5]) | VALUES,
                    "update_policy": VALUES,
                    "external_id": VALUES,
                },
            )
            | VALUES,
        ),
        "outputs": st.dictionaries(st.sampled_from(["o", "a"]), VALUES | VALUES.map(lambda v: {"value": v})),
        "parameter_groups": VALUES,
        "description": VALUES,
    },
)


VERSIONS = ["2013-05-23", "2015-04-30", "2015-10-15", "2016-10-14", "2017-09-01", "2021-04-16"]


@given(SECTIONS, st.sampled_from(VERSIONS), st.booleans())
def test_any_template_is_a_target_or_a_list_of_problems(data: dict[str, Any], version: str, strict: bool) -> None:
    document = source.Document({"heat_template_version": version, **data})
    inner = NEWEST + "parameters: {name: {type: string}}\nresources: {a: {type: self.yaml}}"
    try:
        built = target.build(
            parse.parse(document),
            environment=environment.from_map({"parameters": {"p": "x"}} if strict else {}),
            catalogue=CATALOGUE,
            files={"self.yaml": inner},
            pseudo=PSEUDO,
            strict=strict,
        )
    except TemplateInvalid as refused:
        assert refused.problems  # noqa: PT017 - most draws are refused, the others go on below
        return

    for declaration in built.declarations.values():
        target.evaluate_properties(declaration, target.scope_of(built, {}))
    target.evaluate_outputs(built, {})
