"""From a document to the declarations of a template (templates.md §3, §9 to §11).

Called by usecases, and by `nested` for templates used as types. Only a text that is no template at all is
refused here; every other problem is collected in `Template.problems`, so that the caller hears of all of them
at once from `target.build`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.problems import Path, Problem
from engine.schema import types
from engine.schema.hints import Hints
from engine.schema.types import UNKNOWN
from engine.template import cfn_parameters, dialects, parameter_schemas
from engine.template.declarations import (
    DELETE,
    OutputDecl,
    ResourceDecl,
    Template,
)
from engine.template.dialects import Dialect
from engine.template.expressions import Call, Choice, Expr, Literal
from engine.template.reader import WRONG, Reader, json_keys
from engine.template.source import Document
from engine.template.tree import kind_of

NO_DESCRIPTION: Final = "No description"
_LONGEST_NAME: Final = 255  # of a resource: more is not kept

D = TypeVar("D")


def parse(document: Document, *, hints: Hints | None = None) -> Template:
    """Return the template; `TemplateInvalid` if it asks for no version of the language that there is."""
    try:
        dialect = dialects.select(document.data)
    except EngineError as error:
        key = next((key for key in dialects.VERSION_KEYS if key in document.data), None)
        path = () if key is None else (key,)
        raise TemplateInvalid([document.problem(path, error.message, error.code)]) from None
    return _Parser(document, dialect, hints or Hints()).template()


class _Parser:
    """Reads one document, and collects what is wrong with it."""

    def __init__(self, document: Document, dialect: Dialect, hints: Hints) -> None:
        self._document = document
        self._dialect = dialect
        self._words = dialect.words
        self._problems: list[Problem] = []
        self._reader = Reader(dialect.language, document, self._problems)
        self._hints = hints

    def template(self) -> Template:
        self._check_sections()
        words, data = self._words, self._document.data
        read = parameter_schemas.read_all if self._dialect.is_hot else cfn_parameters.read_all
        parameters = read(self._section(words.parameters), self._dialect, self._document, problems=self._problems)
        return Template(
            dialect=self._dialect,
            description=self._text(data.get(words.description), (words.description,)) or NO_DESCRIPTION,
            parameters=parameters,
            parameter_groups=self._groups({*parameters, *self._dialect.pseudo_parameters}),
            mappings={} if self._dialect.is_hot else self._each(words.mappings, self._mapping),
            conditions=self._conditions(),
            resources=self._each(words.resources, self._resource),
            outputs=self._each(words.outputs, self._output),
            document=self._document,
            problems=tuple(self._problems),
        )

    def _problem(self, path: Path, summary: str, code: Code = Code.STACK_VALIDATION_FAILED) -> None:
        self._problems.append(self._document.problem(path, summary, code))

    def _check_sections(self) -> None:
        sections = self._dialect.sections
        for name in self._document.data:
            if name not in sections:
                hint = self._hints.near(sections, name)
                summary = f'"{name}" is not a section of version {self._dialect.version}{hint}'
                self._problem((str(name),), summary, Code.INVALID_TEMPLATE_SECTION)

    def _section(self, name: str) -> Mapping[Any, Any]:
        section = self._document.data.get(name)
        if section is None:
            return {}
        if not isinstance(section, dict):
            self._problem((name,), f"the section has to be a map, and is {kind_of(section)}")
            return {}
        return section

    def _each(self, section: str, read: Callable[[str, Any], D | None]) -> dict[str, D]:
        found = {}
        for name, value in self._section(section).items():
            if not isinstance(name, str):
                text = f"a name has to be a string, and is {types.shown(name)}; put it in quotes"
                self._problem((section, str(name)), text)
            elif (declaration := read(name, value)) is not None:
                found[name] = declaration
        return found

    def _text(self, value: Any, path: Path) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        if isinstance(value, dict | list):
            self._problem(path, f"a description has to be a string, and is {kind_of(value)}")
        return str(value)

    def _groups(self, parameters: set[str]) -> tuple[Mapping[str, Any], ...]:
        groups = self._document.data.get("parameter_groups")
        if not groups or not self._dialect.is_hot:
            return ()
        if not isinstance(groups, list):
            self._problem(("parameter_groups",), f"the section has to be a list, and is {kind_of(groups)}")
            return ()
        seen: set[str] = set()
        for index, group in enumerate(groups):
            self._check_group(group, ("parameter_groups", index), parameters, seen=seen)
        return tuple(group for group in groups if isinstance(group, dict))

    def _check_group(self, group: Any, path: Path, parameters: set[str], *, seen: set[str]) -> None:
        if not isinstance(group, dict):
            self._problem(path, f"a group has to be a map, and is {kind_of(group)}")
            return
        names = group.get("parameters")
        if not isinstance(names, list):
            self._problem((*path, "parameters"), "a group has to have a list of parameters")
            return
        for index, name in enumerate(names):
            here = (*path, "parameters", index)
            if not isinstance(name, str) or name not in parameters:
                hint = self._hints.near(parameters, name)
                self._problem(here, f"there is no parameter {types.shown(name)}{hint}")
            elif name in seen:
                self._problem(here, f'the parameter "{name}" stands in a group already')
            else:
                seen.add(name)

    def _mapping(self, name: str, value: Any) -> Any:
        if isinstance(value, dict) and all(isinstance(entries, dict) for entries in value.values()):
            return json_keys(value)
        self._problem((self._words.mappings, name), "a mapping has to be a map of maps: key, name, value")
        return UNKNOWN  # the name is taken all the same: what reads it is no mistake

    def _conditions(self) -> dict[str, Expr]:
        section = self._words.conditions
        if section not in self._document.data or not self._dialect.has_conditions:
            return {}
        if self._document.data[section] is None:
            self._problem((section,), "the section has to be a map, and is null")
        return self._each(section, self._condition_definition)

    def _condition_definition(self, name: str, value: Any) -> Expr:
        path = (self._words.conditions, name)
        if not isinstance(value, bool | dict):
            self._problem(path, f"{types.shown(value)} is not true, false or a condition function")
            return WRONG
        return self._reader.condition(value, path)

    def _condition(self, entry: Mapping[Any, Any], path: Path) -> Expr | None:
        word = self._words.condition
        if word not in entry or not self._dialect.has_conditions:
            return None
        value, here = entry[word], (*path, word)
        if value is None:
            self._problem(here, "a condition has to be a string, a boolean or a condition function")
            return None
        return self._reader.condition(value, here)

    def _resource(self, name: str, entry: Any) -> ResourceDecl | None:
        path = (self._words.resources, name)
        if not name or "/" in name:
            self._problem(path, "the name of a resource can't be empty or hold a slash")
        if len(name) > _LONGEST_NAME or "\x00" in name:
            self._problem(
                path, f"the name of a resource has at most {_LONGEST_NAME} characters, and none of them is NUL"
            )
        if not isinstance(entry, dict):
            self._problem(path, f"a resource has to be a map with at least a type, and is {kind_of(entry)}")
            return None
        self._check_keys(entry, path)
        word = self._words.type
        type_name = entry.get(word)
        if not isinstance(type_name, str) or not type_name:
            written = f", and is {types.shown(type_name)}" if word in entry else ", and is missing"
            self._problem((*path, word), f"the type of a resource has to be a string{written}")
            type_name = ""  # the name is taken all the same: references to it are no mistake
        condition = self._condition(entry, path)
        return _ResourceParser(self._document, self._dialect, entry, path).declaration(type_name, condition)

    def _check_keys(self, entry: Mapping[Any, Any], path: Path) -> None:
        """Note strange keywords; those of CloudFormation templates are passed over (templates.md §3.2)."""
        if not self._dialect.is_hot:
            return
        keys = self._dialect.resource_keys
        for key in entry:
            if key not in keys:
                hint = self._hints.near(keys, key)
                self._problem((*path, str(key)), f'"{key}" is not a keyword of a resource{hint}')

    def _output(self, name: str, entry: Any) -> OutputDecl | None:
        words = self._words
        path = (words.outputs, name)
        if not isinstance(entry, dict):
            self._problem(path, f"an output has to be a map with a value, and is {kind_of(entry)}")
            return None
        if words.value not in entry:
            self._problem(path, f"an output has to have a {words.value}")
        problems: list[Problem] = []
        reader = Reader(self._dialect.language, self._document, problems)
        return OutputDecl(
            name=name,
            value=reader.read(entry.get(words.value), (*path, words.value)),
            description=self._text(entry.get(words.description), (*path, words.description)),
            condition=None if entry.get(words.condition) is None else self._condition(entry, path),
            strange_keys=tuple(str(key) for key in entry if key not in self._dialect.output_keys),
            problems=tuple(problems),
        )


class _ResourceParser:
    """Reads what is inside one resource; its problems count only if the resource is there."""

    def __init__(self, document: Document, dialect: Dialect, entry: Mapping[str, Any], path: Path) -> None:
        self._document = document
        self._dialect = dialect
        self._words = dialect.words
        self._entry = entry
        self._path = path
        self._problems: list[Problem] = []
        self._reader = Reader(dialect.language, document, self._problems)

    def declaration(self, type_name: str, condition: Expr | None) -> ResourceDecl:
        words = self._words
        return ResourceDecl(
            name=str(self._path[-1]),
            type=type_name,
            properties=self._properties(),
            metadata=self._map_or_function(words.metadata),
            depends_on=self._depends_on(),
            deletion_policy=self._deletion_policy(),
            update_policy=self._map_or_function(words.update_policy),
            condition=condition,
            external_id=self._external_id(),
            description=self._description(),
            line=self._document.line(self._path),
            path=self._path,
            problems=tuple(self._problems),
        )

    def _problem(self, key: str, summary: str) -> None:
        self._problems.append(self._document.problem((*self._path, key), summary))

    def _properties(self) -> Mapping[str, Expr]:
        word = self._words.properties
        if word not in self._entry:
            return {}
        value, path = self._entry[word], (*self._path, word)
        if not isinstance(value, dict):
            self._problem(word, f"{word} have to be a map, and are {kind_of(value)}")
            return {}
        if len(value) == 1 and next(iter(value)) in self._dialect.language.general.functions:
            self._problem(word, "a function can't stand for all properties; use it in each of them")
            return {}
        return {str(name): self._reader.read(item, (*path, name)) for name, item in value.items()}

    def _map_or_function(self, key: str) -> Expr | None:
        if key not in self._entry:
            return None
        value = self._entry[key]
        if not isinstance(value, dict):
            self._problem(key, f"{key} has to be a map, and is {kind_of(value)}")
            return None
        return self._reader.read(value, (*self._path, key))

    def _depends_on(self) -> tuple[str, ...]:
        word = self._words.depends_on
        if word not in self._entry:
            return ()
        value = self._entry[word]
        names = [value] if isinstance(value, str) else value
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(names)
        wanted = f"{word} has to be the name of a resource, or a list of names"
        self._problem(word, f"{wanted}, and is {types.shown(value)}")
        return ()

    def _deletion_policy(self) -> Expr:
        word = self._words.deletion_policy
        if word not in self._entry:
            return DELETE
        value = self._entry[word]
        expr = self._reader.read(value, (*self._path, word))
        if expr is WRONG:
            return DELETE
        if isinstance(expr, Call | Choice):
            return expr
        policy = self._dialect.deletion_policies.get(value) if isinstance(value, str) else None
        if policy is None:
            known = ", ".join(self._dialect.deletion_policies)
            self._problem(word, f"{types.shown(value)} is not a deletion policy; known: {known}")
            return DELETE
        return Literal(policy)

    def _external_id(self) -> Expr | None:
        word = self._words.external_id
        if word not in self._dialect.resource_keys or word not in self._entry:
            return None
        value = self._entry[word]
        expr = self._reader.read(value, (*self._path, word))
        # A wrong call stays: nothing is built all the same, so no property is missed.
        if expr is WRONG or isinstance(expr, Call | Choice) or (isinstance(value, str) and value):
            return expr
        self._problem(word, f"{word} has to be the id of a thing that exists, as text, and is {types.shown(value)}")
        return None

    def _description(self) -> str:
        word = self._words.description
        value = self._entry.get(word, "")
        if isinstance(value, str):
            return value
        self._problem(word, f"a description has to be a string, and is {kind_of(value)}")
        return ""
