"""What each version of the language has: sections, keywords, functions (templates.md §2.1, §3, §5).

Called by `parse`, and by usecases for the lists of versions and functions. The functions are discovered in
`functions/`; each says itself from which version to which it exists, so there is no second table to keep.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from engine.model.errors import Code, EngineError
from engine.schema import types
from engine.template import functions
from engine.template.expressions import Function
from engine.template.functions import later
from engine.template.reader import Language, Vocabulary

HOT: Final = "heat_template_version"
CFN_KEYS: Final = ("AWSTemplateFormatVersion", "HeatTemplateFormatVersion")
VERSION_KEYS: Final = (HOT, *CFN_KEYS)

_HOT_VERSIONS: Final[Mapping[str, tuple[str, ...]]] = {  # version → aliases
    "2013-05-23": (),
    "2014-10-16": (),
    "2015-04-30": (),
    "2015-10-15": (),
    "2016-04-08": (),
    "2016-10-14": ("newton",),
    "2017-02-24": ("ocata",),
    "2017-09-01": ("pike",),
    "2018-03-02": ("queens",),
    "2018-08-31": ("rocky",),
    "2021-04-16": ("wallaby",),
}
_CFN_VERSIONS: Final = {"AWSTemplateFormatVersion": "2010-09-09", "HeatTemplateFormatVersion": "2012-12-12"}
_SECTIONS: Final = (HOT, "description", "parameters", "parameter_groups", "resources", "outputs")
_RESOURCE_KEYS: Final = (
    "type", "properties", "metadata", "depends_on", "deletion_policy", "update_policy", "description",
)  # fmt: skip
_PARAMETER_KEYS: Final = (
    "type", "label", "description", "default", "hidden", "constraints", "immutable", "schema",
)  # fmt: skip
_CONDITIONS_SINCE: Final = "2016-10-14"
_TAGS_SINCE: Final = "2018-03-02"
_MODULO_SINCE: Final = "2017-02-24"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of HOT."""

    version: str
    aliases: tuple[str, ...]
    sections: tuple[str, ...]
    resource_keys: tuple[str, ...]
    parameter_keys: tuple[str, ...]
    constraint_kinds: tuple[str, ...]
    deletion_policies: Mapping[str, str]  # as written → as meant
    language: Language

    @property
    def has_conditions(self) -> bool:
        """Return whether there are conditions, and with them external_id."""
        return "conditions" in self.sections


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One entry of the list of versions (rpc.md §4)."""

    version: str
    type: str  # hot or cfn
    aliases: tuple[str, ...] = ()


def select(data: Mapping[Any, Any]) -> Dialect:
    """Return the dialect of a template, or raise INVALID_TEMPLATE_VERSION (templates.md §2.1)."""
    given = {key: data[key] for key in VERSION_KEYS if isinstance(data.get(key), str)}
    if len(given) > 1:
        raise _no_version(f"the version is ambiguous: {' and '.join(given)} are given; there may be one")
    if not given:
        wrong = next((key for key in VERSION_KEYS if key in data), None)
        if wrong is None:
            raise _no_version(f"no version is given; a template begins with {HOT}: {newest()}")
        hint = 'quote it, as in "2021-04-16"' if isinstance(data[wrong], int | float) else _known(wrong)
        raise _no_version(f"{wrong}: {types.shown(data[wrong])} is not a version; {hint}")
    ((key, version),) = given.items()
    if key == HOT and version in _by_name():
        return _by_name()[version]
    if _CFN_VERSIONS.get(key) == version:
        raise _no_version(f"{key}: CloudFormation templates are not supported yet; {_known(HOT)}")
    raise _no_version(f"{key}: {types.shown(version)} is not a known version; {_known(key)}")


def versions() -> list[VersionInfo]:
    """Return every version that can be used, oldest first."""
    return [VersionInfo(f"{HOT}.{one.version}", "hot", one.aliases) for one in _dialects()]


def functions_of(template_version: str, *, with_condition: bool = False) -> list[Function]:
    """Return the functions of a version (`heat_template_version.2021-04-16`), or raise NOT_FOUND."""
    key, _, name = template_version.partition(".")
    dialect = _by_name().get(name) if key == HOT else None
    if dialect is None:
        raise EngineError(Code.NOT_FOUND, f"Template with version {template_version} not found")
    found = dict(dialect.language.general.functions)
    if with_condition:
        found |= dialect.language.conditions.functions
    return [found[name] for name in sorted(found)]


def _no_version(message: str) -> EngineError:
    return EngineError(Code.INVALID_TEMPLATE_VERSION, message)


def _known(key: str) -> str:
    return f"known: {', '.join(sorted(_by_name() if key == HOT else [_CFN_VERSIONS[key]]))}"


def newest() -> str:
    """Return the newest version."""
    return list(_HOT_VERSIONS)[-1]


@cache
def _dialects() -> tuple[Dialect, ...]:
    found = tuple(_discover())
    return tuple(_dialect(version, aliases, found) for version, aliases in _HOT_VERSIONS.items())


@cache
def _by_name() -> Mapping[str, Dialect]:
    return {name: dialect for dialect in _dialects() for name in (dialect.version, *dialect.aliases)}


def _discover() -> Iterator[Function]:
    for info in pkgutil.iter_modules(functions.__path__, functions.__name__ + "."):
        module = importlib.import_module(info.name)
        yield from (value for value in vars(module).values() if isinstance(value, Function))


def _dialect(version: str, aliases: tuple[str, ...], found: Iterable[Function]) -> Dialect:
    conditional = version >= _CONDITIONS_SINCE
    policies = {policy: policy for policy in ("Delete", "Retain", "Snapshot")}
    if conditional:
        policies |= {policy.lower(): policy for policy in policies}
    kinds = ("range", "length", "allowed_values", "allowed_pattern", "custom_constraint")
    return Dialect(
        version=version,
        aliases=aliases,
        sections=(*_SECTIONS, "conditions") if conditional else _SECTIONS,
        resource_keys=(*_RESOURCE_KEYS, "condition", "external_id") if conditional else _RESOURCE_KEYS,
        parameter_keys=(*_PARAMETER_KEYS, "tags") if version >= _TAGS_SINCE else _PARAMETER_KEYS,
        constraint_kinds=("modulo", *kinds) if version >= _MODULO_SINCE else kinds,
        deletion_policies=policies,
        language=_language(version, found),
    )


def _language(version: str, found: Iterable[Function]) -> Language:
    current = [one for one in found if one.since <= version and (one.until is None or version <= one.until)]
    general = _unique(version, (one for one in current if not one.only_in_conditions))
    conditions = _unique(
        version,
        (one for one in current if one.in_conditions_since is not None and one.in_conditions_since <= version),
    )
    refused = {
        name: f"{name}: not supported yet by this engine" for name, since in later.NOT_YET.items() if since <= version
    }
    for name, last in later.LAST_VERSION.items():
        reason = "not supported yet by this engine" if version <= last else f"not part of version {version}"
        refused[name] = f"{name}: {reason}"
    out_of_place = {name: f"{name}: can't be used in a condition" for name in {**general, **refused}}
    not_yet = {name: refused[name] for name, since in later.NOT_YET_IN_CONDITIONS.items() if since <= version}
    return Language(
        Vocabulary(general, refused),
        Vocabulary(conditions, {**out_of_place, **not_yet}),
    )


def _unique(version: str, found: Iterable[Function]) -> dict[str, Function]:
    names: dict[str, Function] = {}
    for one in found:
        if one.name in names and names[one.name] is not one:
            raise ValueError(f"the function {one.name} is declared twice for version {version}")
        names[one.name] = one
    return names
