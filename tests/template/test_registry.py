from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.model.errors import Code, EngineError
from engine.template import aliases, registry
from engine.template.aliases import Search
from engine.template.environment import Environment
from engine.template.expressions import Overspent
from engine.template.source import Limits
from kit import catalogue

KNOWN = frozenset({"Real::One", "Real::Two", "OS::Heat::None"})


def resolve(
    entries: Mapping[str, Any], type_name: str, resource: str = "web", *, operator: Mapping[str, Any] | None = None
) -> str:
    one = Environment(resource_registry=entries)
    search = registry.search_of(one, is_known=KNOWN.__contains__, operator=operator or {})
    return registry.resolve_type(search, resource, type_name)


@pytest.mark.parametrize(
    ("entries", "type_name", "expected"),
    [
        pytest.param({}, "Real::One", "Real::One", id="nothing said"),
        pytest.param({}, "Nope", "Nope", id="nothing there"),
        pytest.param({"A": "Real::One"}, "A", "Real::One", id="alias"),
        pytest.param({"A": "B", "B": "Real::One"}, "A", "Real::One", id="alias of an alias"),
        pytest.param({"A": "x.yaml"}, "A", "x.yaml", id="template"),
        pytest.param({"A": "x.template"}, "A", "x.template", id="template of the other suffix"),
        pytest.param({}, "x.template", "x.template", id="a type that is a file"),
        pytest.param({"x.yaml": "y.yaml"}, "x.yaml", "x.yaml", id="a type that is a file stands for that file"),
        pytest.param({"A": "x.yaml", "x*": "Real::One"}, "A", "x.yaml", id="a template is where aliases end"),
        pytest.param({"My::*": "Real::*"}, "My::Two", "Real::Two", id="wildcard to wildcard"),
        pytest.param({"My::*": "OS::Heat::None"}, "My::Two", "OS::Heat::None", id="wildcard to one"),
        pytest.param({"*": "OS::Heat::None"}, "OS::Heat::None", "OS::Heat::None", id="a wildcard never hits its value"),
        pytest.param({"*": "OS::Heat::None"}, "Real::One", "OS::Heat::None", id="a wildcard before a registered type"),
        pytest.param({"A*": "x.yaml"}, "A1", "x.yaml", id="wildcard to a template"),
        pytest.param({"A*": "Real::Two", "A": "Real::One"}, "A", "Real::One", id="in the order of names"),
        pytest.param({"A*": "Real::Two", "A1": "Real::One"}, "A1", "Real::Two", id="a wildcard comes before letters"),
        pytest.param({"A*": "Nope", "A1": "Real::One"}, "A1", "Real::One", id="but leads nowhere"),
        pytest.param({"A::B*": "Real::Two", "A*": "Real::One"}, "A::B", "Real::One", id="the shorter wildcard first"),
        pytest.param(
            {"A": "Nope", "A*": "Real::One"}, "A", "Real::One", id="an entry that leads nowhere is passed over"
        ),
        pytest.param({"Real::One": "Nope"}, "Real::One", "Real::One", id="an alias to nothing uses the real one"),
        pytest.param({"A": None}, "A", "A", id="null is no entry"),
        pytest.param({"Real::One": None, "Real*": None}, "Real::One", "Real::One", id="null of a user removes no type"),
        pytest.param({"A": "A"}, "A", "A", id="an alias of itself is no entry"),
        pytest.param({"A*": "A*"}, "A1", "A1", id="a wildcard of itself is no entry"),
        pytest.param({"resources": {"web": {"A": "Real::Two"}}, "A": "Real::One"}, "A", "Real::Two", id="one resource"),
        pytest.param({"resources": {"web": {"A": "Real::Two"}}, "A*": "Real::One"}, "A", "Real::Two", id="is nearest"),
        pytest.param({"resources": {"w*": {"A": "Real::Two"}}, "A": "Real::One"}, "A", "Real::One", id="no glob names"),
        pytest.param({"resources": {"web": {"A*": "Real::Two"}}}, "A1", "A1", id="no wildcards for one resource"),
        pytest.param({"resources": {"web": None}, "A": "Real::One"}, "A", "Real::One", id="null for a resource"),
        pytest.param({"A": "n.json"}, "A", "A", id="another suffix is no template"),
        pytest.param({}, "n.json", "n.json", id="nor is a type of another suffix"),
    ],
)
def test_a_type_stands_for(entries: Mapping[str, Any], type_name: str, expected: str) -> None:
    assert resolve(entries, type_name) == expected


@pytest.mark.parametrize(
    ("entries", "operator", "type_name", "expected"),
    [
        pytest.param({}, {"A": "Real::One"}, "A", "Real::One", id="the operator's alias"),
        pytest.param({"A": "Real::Two"}, {"A": "Real::One"}, "A", "Real::Two", id="the user comes first"),
        pytest.param({"A*": "Real::Two"}, {"A1": "Real::One"}, "A1", "Real::Two", id="with wildcards, too"),
        pytest.param({"A": "Nope"}, {"A": "Real::One"}, "A", "Real::One", id="but not with what leads nowhere"),
        pytest.param({"A": None}, {"A": "Real::One"}, "A", "Real::One", id="nor with null"),
        pytest.param({"A": "B"}, {"B": "Real::One"}, "A", "Real::One", id="from the user to the operator"),
        pytest.param({"B": "x.yaml"}, {"A": "B"}, "A", "x.yaml", id="from the operator to the user"),
        pytest.param(
            {"A": "Real::Two"}, {"resources": {"web": {"A": "Real::One"}}}, "A", "Real::Two", id="user before nearer"
        ),
        pytest.param({}, {"resources": {"web": {"A": "x.yaml"}}, "A": "y.yaml"}, "A", "x.yaml", id="one resource"),
        pytest.param({}, {"Real::One": "x.yaml"}, "Real::One", "x.yaml", id="a template for a registered type"),
        pytest.param({}, {"Real*": "OS::Heat::None"}, "Real::One", "OS::Heat::None", id="a wildcard for them"),
        pytest.param({}, {"Real::One": None, "Real::Two": None}, "OS::Heat::None", "OS::Heat::None", id="others stay"),
        pytest.param({"A": "Real::One"}, {"Real::One": None}, "A", "A", id="an alias of a removed type leads nowhere"),
    ],
)
def test_a_type_stands_for_with_an_operator(
    entries: Mapping[str, Any], operator: Mapping[str, Any], type_name: str, expected: str
) -> None:
    assert resolve(entries, type_name, operator=operator) == expected


@pytest.mark.parametrize("operator", [{"Real::One": None}, {"Real::*": None}, {"*": None}, {"Real::One": "Nope"}])
def test_a_type_that_the_operator_takes_away_is_not_there(operator: Mapping[str, Any]) -> None:
    with pytest.raises(EngineError, match="the environment of the operator takes it away"):
        resolve({}, "Real::One", operator=operator)


def test_removed_types_are_known() -> None:
    operator = {"Real::One": None, "My::*": None, "A": "B"}
    names = ["Real::One", "Real::Two", "My::Type", "A"]

    assert [aliases.is_removed(operator, name) for name in names] == [True, False, True, False]


@pytest.mark.parametrize(
    ("entries", "operator", "circle"),
    [
        pytest.param({"A": "B", "B": "C", "C": "A"}, {}, "A → B → C → A", id="aliases"),
        pytest.param({"A": "B", "B": "C", "C": "B"}, {}, "B → C → B", id="further on"),
        pytest.param({"A*": "B*", "B*": "A*"}, {}, "A → B → A", id="wildcards"),
        pytest.param({"A": "B"}, {"B": "A"}, "A → B → A", id="user and operator"),
    ],
)
def test_aliases_in_a_circle_are_refused_by_name(
    entries: Mapping[str, Any], operator: Mapping[str, Any], circle: str
) -> None:
    with pytest.raises(EngineError, match=f"in a circle: {circle}$") as caught:
        resolve(entries, "A", operator=operator)

    assert caught.value.code is Code.INVALID_RESOURCE_TYPE


def test_many_ways_that_lead_nowhere_are_each_walked_once() -> None:
    rungs = [f"T{n}-" for n in range(50)]
    ladder = dict(itertools.pairwise(rungs)) | {f"{a}*": b for a, b in zip(rungs, rungs[2:], strict=False)}

    assert resolve(ladder, "T0-") == "T0-"


def test_a_chain_of_aliases_without_end_in_sight_is_refused() -> None:
    with pytest.raises(EngineError, match="more than 50 entries"):
        resolve({f"T{n}": f"T{n + 1}" for n in range(5_000)}, "T0")


def test_a_wildcard_that_grows_is_refused() -> None:
    with pytest.raises(EngineError, match="more than 50 entries"):
        resolve({"A*": "AA*"}, "A1")


class Entries(dict[str, Any]):
    """A registry that counts how often it is read whole, and names looked up in it."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        super().__init__(entries)
        self.readings = 0
        self.lookups = 0

    def items(self) -> Any:
        self.readings += 1
        return super().items()

    def get(self, key: str, default: Any = None) -> Any:
        self.lookups += key != "resources"
        return super().get(key, default)


DEAD_ENDS = {f"{'a' * length}*": f"dead{length}" for length in range(1, 300)}


@pytest.mark.parametrize("type_name", ["Real::One", "a" * 300, "x.yaml", "Nope"])
def test_what_was_learnt_for_one_resource_serves_for_all(type_name: str) -> None:
    user, operator = Entries(DEAD_ENDS), Entries({"dead*": "Nope*"})
    search = registry.search_of(Environment(resource_registry=user), is_known=KNOWN.__contains__, operator=operator)
    first = registry.resolve_type(search, "r", type_name)
    counts = [(one.readings, one.lookups) for one in (user, operator)]

    assert {registry.resolve_type(search, f"r{index}", type_name) for index in range(100)} == {first}
    assert [(one.readings, one.lookups) for one in (user, operator)] == counts


def test_names_that_lead_nowhere_are_known_for_other_types() -> None:
    user = Entries(DEAD_ENDS)
    search = registry.search_of(Environment(resource_registry=user), is_known=KNOWN.__contains__)
    for index in range(100):
        registry.resolve_type(search, f"r{index}", f"{'a' * 300}{index}")

    assert user.readings == 2  # for the wildcards, and for what null takes away
    assert user.lookups == len(DEAD_ENDS) + 100


def test_resources_with_entries_of_their_own_are_searched_for_by_themselves() -> None:
    user = Entries({"A": "B", "B": "Real::One", "resources": {"web": {"B": "Real::Two"}, "db": {"C": "x.yaml"}}})
    operator = {"resources": {"op": {"B": None, "A": "Real::Two"}}}
    search = registry.search_of(Environment(resource_registry=user), is_known=KNOWN.__contains__, operator=operator)
    names = ["other", "web", "db", "op", "other"]

    assert [registry.resolve_type(search, name, "A") for name in names] == [
        "Real::One",
        "Real::Two",
        "Real::One",
        "Real::One",
        "Real::One",
    ]
    assert [registry.resolve_type(search, name, "C") for name in names] == ["C", "C", "x.yaml", "C", "C"]
    assert user.readings == 2


def test_a_search_spends_on_every_name_that_it_follows() -> None:
    entries: dict[str, str] = {}
    for n, bit in itertools.product(range(20), "01"):  # each name becomes two, one with 0 before it and one with 1
        entries |= {f"p{n}:*": f"q{n}:0*", f"p{n}:{bit}*": f"q{n}:1{bit}*", f"q{n}:{bit}*": f"p{n + 1}:{bit}*"}
    left = 1_000_000

    def spend(amount: int) -> None:
        nonlocal left
        left -= amount
        if left < 0:
            raise Overspent("no more")

    search = registry.search_of(Environment(resource_registry=entries), is_known=KNOWN.__contains__, spend=spend)
    with pytest.raises(Overspent):  # of 2^20 names, none of which leads anywhere
        registry.resolve_type(search, "web", "p0:0")


def test_a_template_whose_types_are_never_found_ends_at_its_limit() -> None:
    own = {f"r{index}": {"A": "B"} for index in range(100)}
    text = "resources:\n" + "".join(f"  {name}: {{type: {'a' * 300}{name}}}\n" for name in own)
    problems = catalogue.problems_of(text, env={"resource_registry": DEAD_ENDS | {"resources": own}})

    assert [problem.code for problem in problems] == [Code.REQUEST_LIMIT_EXCEEDED]
    assert problems[0].path[0] == "resources"
    assert problems[0].path[-1] == "type"


def test_patterns_are_counted_as_often_as_they_are_looked_at() -> None:
    patterns = {f"x{index}*": {"hooks": "pre-create"} for index in range(1_000)}
    text = "resources:\n" + "".join(f"  r{index}: {{type: Test::Anything}}\n" for index in range(60))
    given = {"env": {"resource_registry": {"resources": patterns}}, "limits": Limits(max_growth=50_000)}

    assert [one.code for one in catalogue.problems_of(text, **given)] == [Code.REQUEST_LIMIT_EXCEEDED]


def without_entry(entries: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    first, *rest = path
    inner = {first: without_entry(entries[first], tuple(rest))} if rest else {}
    return {name: value for name, value in entries.items() if name != first} | inner


NAMES = st.sampled_from(["A", "A1", "AB", "B", "B1", "x.yaml", "Real::One", "A*", "B*", "Real*", "*"])
VALUES = NAMES | st.sampled_from(["Real::Two", "y.template", "Nope"])
# An alias of itself is no entry, which the model below does not know.
ENTRIES = st.dictionaries(NAMES, VALUES, max_size=6).map(lambda found: {k: v for k, v in found.items() if k != v})
REGISTRIES = st.builds(
    lambda entries, own: entries | ({"resources": {"web": own}} if own else {}), ENTRIES, st.just({}) | ENTRIES
)


def candidates(levels: tuple[Mapping[str, Any], ...], name: str) -> Iterator[tuple[int, int, list[str], str]]:
    """Yield the candidates of templates.md §13.4, in no order."""
    is_file = name.endswith((".yaml", ".template"))
    if is_file:
        yield 0, -1, [name], name
    for level, entries in enumerate(levels):
        own = entries.get("resources", {}).get("web", {})
        if name in own:
            yield level, -3, ["resources", "web", name], name if is_file else own[name]
        if name in entries:
            yield level, -1, [name], name if is_file else entries[name]
        for pattern, value in entries.items():
            is_name = isinstance(value, str) and name != value
            if pattern.endswith("*") and is_name and name.startswith(pattern[:-1]):
                target = value[:-1] + name[len(pattern) - 1 :] if value.endswith("*") else value
                yield level, -1, [pattern], target
    if name in KNOWN and name not in levels[-1]:
        yield 1, -1, [name], name


def model(levels: tuple[Mapping[str, Any], ...], name: str, depth: int = 0) -> str | None:
    """Return what a name stands for, without memory and without a look at circles."""
    if depth > 60:
        raise RecursionError
    for _, _, _, target in sorted(candidates(levels, name)):
        if target == name or target.endswith((".yaml", ".template")):
            return target
        found = model(levels, target, depth + 1)
        if found is not None:
            return found
    return None


@given(REGISTRIES, REGISTRIES, NAMES)
def test_types_are_found_as_the_rules_say(user: dict[str, Any], operator: dict[str, Any], name: str) -> None:
    try:
        expected = model((user, operator), name)
    except RecursionError:
        with pytest.raises(EngineError):
            resolve(user, name, operator=operator)
        return
    if expected is None and name in KNOWN:
        with pytest.raises(EngineError, match="takes it away"):
            resolve(user, name, operator=operator)
    else:
        assert resolve(user, name, operator=operator) == (expected or name)


@given(REGISTRIES, REGISTRIES, NAMES)
def test_a_pinned_environment_means_the_same_without_the_operator(
    user: dict[str, Any], operator: dict[str, Any], name: str
) -> None:
    assume("Real::One" not in operator)  # a registered type that is taken away can't be pinned
    one = Environment(resource_registry=user)
    is_known = KNOWN.__contains__
    try:
        found = registry.resolve_type(registry.search_of(one, is_known=is_known, operator=operator), "web", name)
    except EngineError:
        assume(False)
    pinned = registry.pinned(one, [("web", name)], is_known=is_known, operator=operator)

    assert registry.resolve_type(registry.search_of(pinned, is_known=is_known), "web", name) == found


@given(REGISTRIES, REGISTRIES, st.lists(NAMES, min_size=1, max_size=4))
def test_passing_over_an_entry_is_as_good_as_not_having_it(
    user: dict[str, Any], operator: dict[str, Any], names: list[str]
) -> None:
    one, is_known = Environment(resource_registry=user), KNOWN.__contains__
    search = registry.search_of(one, is_known=is_known, operator=operator)
    for name in names:
        try:
            entry = registry.search_of(one, is_known=is_known).template_entry("web", name)
            registry.resolve_type(search, "web", name)
        except EngineError:
            return
        if entry is not None:
            others = Environment(resource_registry=without_entry(user, entry.path))
            fresh = registry.search_of(others, is_known=is_known, operator=operator)
            assert outcome(search, name, without=entry) == outcome(fresh, name)


def outcome(search: Search, name: str, **options: Any) -> str:
    try:
        return registry.resolve_type(search, "web", name, **options)
    except EngineError as error:
        return error.code


def test_pinned_entries_are_those_of_the_operator_only() -> None:
    one = Environment(resource_registry={"A": "B", "C": "Real::One"})
    operator = {"B": "D", "D": "Real::Two", "E": "x.yaml", "resources": {"db": {"F": "y.yaml"}}}
    uses = [("web", "A"), ("web", "C"), ("web", "E"), ("db", "F"), ("web", "Real::One")]
    pinned = registry.pinned(one, uses, is_known=KNOWN.__contains__, operator=operator)

    assert pinned.resource_registry == {
        "A": "B",
        "C": "Real::One",
        "B": "Real::Two",
        "E": "x.yaml",
        "resources": {"db": {"F": "y.yaml"}},
    }
