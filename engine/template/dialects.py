"""What each version of the languages has: sections, keywords, functions (templates.md §2.1, §3, §5).

Called by `parse`, and by usecases for the lists of versions and functions. The functions are discovered in
`functions/`; each says itself which versions have it, so there is no second table to keep.
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
from engine.template.reader import Language, Vocabulary
from engine.template.spelling import CFN_WORDS, HOT_WORDS, Words

HOT: Final = "heat_template_version"
AWS: Final = "AWSTemplateFormatVersion"
HEAT_CFN: Final = "HeatTemplateFormatVersion"
VERSION_KEYS: Final = (HOT, AWS, HEAT_CFN)

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
_CFN_VERSIONS: Final = {AWS: "2010-09-09", HEAT_CFN: "2012-12-12"}
_PARAMETER_KEYS: Final = (
    "type", "label", "description", "default", "hidden", "constraints", "immutable", "schema",
)  # fmt: skip
_CFN_PARAMETER_KEYS: Final = (
    "Type", "Label", "Description", "Default", "NoEcho", "ConstraintDescription",
    "AllowedValues", "AllowedPattern", "MinLength", "MaxLength", "MinValue", "MaxValue",
)  # fmt: skip
_CONDITIONS_SINCE: Final = "2016-10-14"
_TAGS_SINCE: Final = "2018-03-02"
_MODULO_SINCE: Final = "2017-02-24"
_POLICIES: Final = ("Delete", "Retain", "Snapshot")
_HOT_PSEUDO: Final = ("OS::stack_name", "OS::stack_id", "OS::project_id", "OS::region")  # the last has no value, ever
_CFN_PSEUDO: Final = ("AWS::StackName", "AWS::StackId", "AWS::Region")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of one of the languages."""

    key: str  # of its version
    version: str
    aliases: tuple[str, ...]
    words: Words
    sections: tuple[str, ...]
    resource_keys: tuple[str, ...]
    parameter_keys: tuple[str, ...]
    constraint_kinds: tuple[str, ...]  # HOT only
    deletion_policies: Mapping[str, str]  # as written → as meant
    pseudo_parameters: tuple[str, ...]
    language: Language

    @property
    def is_hot(self) -> bool:
        """Return whether it is a version of HOT."""
        return self.key == HOT

    @property
    def has_conditions(self) -> bool:
        """Return whether there are conditions, and in HOT with them external_id."""
        return self.words.conditions in self.sections

    @property
    def output_keys(self) -> tuple[str, ...]:
        """Return the keywords of an output."""
        known = (self.words.value, self.words.description)
        return (*known, self.words.condition) if self.has_conditions else known


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
        hint = f'quote it, as in "{_newest_of(wrong)}"' if isinstance(data[wrong], int | float) else _known(wrong)
        raise _no_version(f"{wrong}: {types.shown(data[wrong])} is not a version; {hint}")
    ((key, version),) = given.items()
    found = _by_name().get((key, version))
    if found is None:
        raise _no_version(f"{key}: {types.shown(version)} is not a known version; {_known(key)}")
    return found


def versions() -> list[VersionInfo]:
    """Return every version that can be used, those of HOT oldest first."""
    return [_info(one) for one in _dialects()]


def functions_of(template_version: str, *, with_condition: bool = False) -> list[Function]:
    """Return the functions of a version (`heat_template_version.2021-04-16`), or raise NOT_FOUND."""
    key, _, name = template_version.partition(".")
    dialect = _by_name().get((key, name))
    if dialect is None:
        raise EngineError(Code.NOT_FOUND, f"Template with version {template_version} not found")
    found = dict(dialect.language.general.functions)
    if with_condition:
        found |= {name: one for name, one in dialect.language.conditions.functions.items() if name not in found}
    return [found[name] for name in sorted(found)]


def as_markdown() -> str:
    """Return a table for the documentation: a row a function, a column a version.

    ● stands everywhere, C in conditions too, c only there; R is refused as dropped. Blank: plain data.
    """
    columns = _dialects()
    families = {HOT: "", AWS: "AWS ", HEAT_CFN: "Heat "}
    heads = [families[one.key] + (one.version[2:] if one.is_hot else one.version) for one in columns]
    names = sorted({name for one in columns for name in (*_all_functions(one), *one.language.general.refused)})
    lines = [f"| function | {' | '.join(heads)} |", f"|---|{'---|' * len(columns)}"]
    lines += [f"| `{name}` | {' | '.join(_mark(name, one.language) for one in columns)} |" for name in names]
    return "\n".join(lines) + "\n"


def _all_functions(dialect: Dialect) -> set[str]:
    return {*dialect.language.general.functions, *dialect.language.conditions.functions}


def _mark(name: str, language: Language) -> str:
    if name in language.general.refused:
        return "R"
    in_conditions = name in language.conditions.functions
    if name in language.general.functions:
        return "●C" if in_conditions else "●"
    return "c" if in_conditions else ""


def _info(dialect: Dialect) -> VersionInfo:
    aliases = tuple(f"{dialect.key}.{alias}" for alias in dialect.aliases)
    return VersionInfo(f"{dialect.key}.{dialect.version}", "hot" if dialect.is_hot else "cfn", aliases)


def _no_version(message: str) -> EngineError:
    return EngineError(Code.INVALID_TEMPLATE_VERSION, message)


def _known(key: str) -> str:
    return f"known: {', '.join(sorted(version for of, version in _by_name() if of == key))}"


def newest() -> str:
    """Return the newest version of HOT."""
    return list(_HOT_VERSIONS)[-1]


def _newest_of(key: str) -> str:
    return newest() if key == HOT else _CFN_VERSIONS[key]


@cache
def _dialects() -> tuple[Dialect, ...]:
    found = tuple(_discover())
    hot = (_hot_dialect(version, aliases, found) for version, aliases in _HOT_VERSIONS.items())
    cfn = (_cfn_dialect(key, version, found) for key, version in _CFN_VERSIONS.items())
    return (*hot, *cfn)


@cache
def _by_name() -> Mapping[tuple[str, str], Dialect]:
    return {(one.key, name): one for one in _dialects() for name in (one.version, *one.aliases)}


def _discover() -> Iterator[Function]:
    for info in pkgutil.iter_modules(functions.__path__, functions.__name__ + "."):
        module = importlib.import_module(info.name)
        yield from (value for value in vars(module).values() if isinstance(value, Function))


def _hot_dialect(version: str, aliases: tuple[str, ...], found: Iterable[Function]) -> Dialect:
    words, conditional = HOT_WORDS, version >= _CONDITIONS_SINCE
    policies = {policy: policy for policy in _POLICIES}
    if conditional:
        policies |= {policy.lower(): policy for policy in policies}
    sections = (HOT, words.description, words.parameters, words.parameter_groups, words.resources, words.outputs)
    keys = _resource_keys(words)
    kinds = ("range", "length", "allowed_values", "allowed_pattern", "custom_constraint")
    return Dialect(
        key=HOT,
        version=version,
        aliases=aliases,
        words=words,
        sections=(*sections, words.conditions) if conditional else sections,
        resource_keys=(*keys, words.condition, words.external_id) if conditional else keys,
        parameter_keys=(*_PARAMETER_KEYS, "tags") if version >= _TAGS_SINCE else _PARAMETER_KEYS,
        constraint_kinds=("modulo", *kinds) if version >= _MODULO_SINCE else kinds,
        deletion_policies=policies,
        pseudo_parameters=_HOT_PSEUDO,
        language=_hot_language(version, tuple(found)),
    )


def _cfn_dialect(key: str, version: str, found: Iterable[Function]) -> Dialect:
    words, conditional = CFN_WORDS, key == AWS
    sections = (AWS, HEAT_CFN, words.description, words.parameters, words.mappings, words.resources, words.outputs)
    keys = _resource_keys(words)
    return Dialect(
        key=key,
        version=version,
        aliases=(),
        words=words,
        sections=(*sections, words.conditions) if conditional else sections,
        resource_keys=(*keys, words.condition) if conditional else keys,
        parameter_keys=_CFN_PARAMETER_KEYS,
        constraint_kinds=(),
        deletion_policies={policy: policy for policy in _POLICIES},
        pseudo_parameters=_CFN_PSEUDO,
        language=_cfn_language(key, tuple(found)),
    )


def _resource_keys(words: Words) -> tuple[str, ...]:
    policies = (words.deletion_policy, words.update_policy)
    return (words.type, words.properties, words.metadata, words.depends_on, *policies, words.description)


def _hot_language(version: str, found: tuple[Function, ...]) -> Language:
    current = [one for one in found if _is_in(one, version)]
    names = {one.name for one in current}
    dropped = {
        one.name: f"{one.name}: not part of version {version}; it is a function of CloudFormation templates"
        for one in found
        if one.cfn and one.until is not None and one.until < version and one.name not in names
    }
    conditions = [one for one in current if one.in_conditions_since and one.in_conditions_since <= version]
    return _language(version, current, conditions, dropped=dropped)


def _is_in(function: Function, version: str) -> bool:
    if function.since is None or version < function.since:
        return False
    return function.until is None or version <= function.until


def _cfn_language(key: str, found: tuple[Function, ...]) -> Language:
    current = [one for one in found if key in one.cfn]
    conditions = [one for one in current if one.in_cfn_conditions and key == AWS]
    return _language(key, current, conditions, dropped={})


def _language(
    version: str, current: list[Function], conditions: list[Function], *, dropped: Mapping[str, str]
) -> Language:
    general = _unique(version, (one for one in current if not one.only_in_conditions))
    conditional = _unique(version, conditions)
    out_of_place = {name: f"{name}: can't be used in a condition" for name in general if name not in conditional}
    return Language(Vocabulary(general, dropped), Vocabulary(conditional, {**out_of_place, **dropped}))


def _unique(version: str, found: Iterable[Function]) -> dict[str, Function]:
    names: dict[str, Function] = {}
    for one in found:
        if one.name in names and names[one.name] is not one:
            raise ValueError(f"the function {one.name} is declared twice for version {version}")
        names[one.name] = one
    return names
