"""The template language in this process: what reading and checking a large template costs, and computing it.

The floors are what cannot be left out: PyYAML's loader in C on the same text, the values written as JSON, a hash of the
text. All three rows are of one template, see `large_template`.
"""

from __future__ import annotations

import gc
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import yaml

from benchmarks import large_template
from benchmarks.figures import Figure, Floor, Goal, Measure, Unit, in_turn
from benchmarks.sizes import Sizes
from engine import resources as built_in
from engine.model.records import Caller
from engine.plugin import registry as registries
from engine.plugin.registry import Registry
from engine.runtime.declared import Declared
from engine.store.crypto import KEY_BYTES, Keys
from engine.store.database import Database
from engine.template import environment, parse, source, target
from engine.template.source import Limits
from engine.template.target import Target
from engine.usecases.commands import Given
from engine.usecases.definitions import Definitions
from engine.usecases.templates import Templates

_PSEUDO: Final = {"OS::stack_name": "large", "OS::stack_id": "0000", "OS::project_id": "default"}
_CALLER: Final = Caller("default")
_LIMITS: Final = Limits(max_resources=-1)
_TAKES: Final = 5  # of each measurement in a round: they are short


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Yield the rows about the language."""
    text, registry = large_template.text(sizes.large), registries.discover(built_in)
    yield _checked(text, registry, sizes)
    yield _evaluated(text, registry, sizes)
    yield _checked_again(text, registry, sizes)


def _checked(text: str, registry: Registry, sizes: Sizes) -> Figure:
    floor, loaded, checked = in_turn(
        _TAKES * sizes.rounds,
        _timed(lambda: yaml.load(text, Loader=yaml.CSafeLoader)),
        _timed(lambda: source.load(text)),
        _timed(lambda: _target(text, registry, {}, strict=False)),
    )
    return Figure(
        f"parse and validate {_count(sizes)} resources, {len(text) / 1000:.0f} KB",
        Unit.MILLISECONDS,
        checked,
        Floor("PyYAML's CSafeLoader", floor, Unit.MILLISECONDS),
        reach=Goal(2, of_ratio=True),
        note=f"the loading alone {loaded.shown()} ms",
    )


def _evaluated(text: str, registry: Registry, sizes: Sizes) -> Figure:
    built = _target(text, registry, large_template.PARAMETERS, strict=True)
    values = {name: target.NodeValue(name, large_template.attributes(name)) for name in built.declarations}
    found = _properties(built, values)
    reading = sum(not one.is_settled for one in built.declarations.values())
    floor, evaluated = in_turn(
        _TAKES * sizes.rounds,
        _timed(lambda: json.dumps(found)),
        _timed(lambda: _properties(built, values)),
    )
    return Figure(
        f"all properties of {_count(sizes)} resources",
        Unit.MILLISECONDS,
        evaluated,
        Floor("writing them as JSON", floor, Unit.MILLISECONDS),
        reach=Goal(100),
        note=f"{reading:,} of them read others",
    )


def _checked_again(text: str, registry: Registry, sizes: Sizes) -> Figure:
    with _use_cases(registry) as fresh:
        kept = fresh()
        kept.validate(_CALLER, Given(text))
        floor, first, again = in_turn(
            _TAKES * sizes.rounds,
            _timed(lambda: hashlib.sha256(text.encode()).digest()),
            _timed(lambda: fresh().validate(_CALLER, Given(text))),
            _timed(lambda: kept.validate(_CALLER, Given(_another(text)))),
        )
    return Figure(
        f"validate {_count(sizes)} resources a second time",
        Unit.MILLISECONDS,
        again,
        Floor("a hash of the text", floor, Unit.MILLISECONDS),
        reach=Goal(20),
        note=f"the use case; the first time {first.shown()} ms",
    )


@contextmanager
def _use_cases(registry: Registry) -> Iterator[Callable[[], Templates]]:
    """Yield what makes the use cases of templates, with nothing kept yet. The database is there and is not asked."""

    def fresh() -> Templates:
        declared = Declared(registry, _LIMITS)
        return Templates(db, declared, Definitions(lambda: "definition", declared.template))

    with tempfile.TemporaryDirectory(prefix="isotherm-bench-") as folder:
        db = Database.open(f"sqlite:///{folder}/engine.db", Keys([bytes(KEY_BYTES)]))
        try:
            yield fresh
        finally:
            db.close()


def _target(text: str, registry: Registry, parameters: dict[str, Any], *, strict: bool) -> Target:
    """Return the target of a text, as `Declared` builds it with nothing kept."""
    return target.build(
        parse.parse(source.load(text)),
        environment=environment.from_map({"parameters": parameters}),
        catalogue=registry,
        pseudo=_PSEUDO,
        strict=strict,
        limits=_LIMITS,
    )


def _properties(built: Target, values: dict[str, target.NodeValue]) -> dict[str, Any]:
    """Return the properties of every resource, as its visit computes them when all others are there."""
    scope = target.scope_of(built, values)
    found = {name: target.evaluate_properties(one, scope) for name, one in built.declarations.items()}
    wrong = [problem for one in found.values() for problem in one.problems]
    assert not wrong, wrong[0]
    return {name: one.values for name, one in found.items()}


def _timed(work: Callable[[], Any]) -> Measure:
    """Return what does the work and returns its milliseconds; the garbage of the work before is not counted."""

    def milliseconds() -> float:
        gc.collect()
        began = time.perf_counter()
        work()
        return (time.perf_counter() - began) * 1000

    return milliseconds


def _another(text: str) -> str:
    """Return the same text as another object, as each call has its own."""
    return text.encode().decode()


def _count(sizes: Sizes) -> str:
    return f"{large_template.nodes_of(sizes.large) * large_template.RESOURCES_OF_A_NODE:,}"
