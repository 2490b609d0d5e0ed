"""A stack as data that an engine can make it of again, and such data read (rpc.md §2.8, engine.md §2.8).

Snapshots, exports and what an abandoned stack leaves behind all have this one form; `adopted` reads it, also where Heat
wrote it. Secrets are in it in clear, because whoever takes the resources over needs them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.ids import StackId
from engine.model.problems import Path, Problem, summarise
from engine.model.records import Definition, Json, ResourceRecord, StackRecord
from engine.plan import standing
from engine.schema.hints import Hints
from engine.schema.types import BadValue
from engine.template import environment, source
from engine.template.source import Document, Limits
from engine.template.tree import kind_of

Payload = dict[str, Any]

ADOPT_LIMITS: Final = Limits(max_size=8 * 2**20)  # a stack of a thousand resources, each with all that is known of it
LONGEST_ID: Final = 767  # characters of a physical id that the store takes

_SECTIONS: Final[Mapping[str, type]] = {  # of the environment, all of them and always
    "parameters": dict,
    "parameter_defaults": dict,
    "resource_registry": dict,
    "encrypted_param_names": list,
    "event_sinks": list,
}
_OF_A_STACK: Final = (
    *("name", "id", "action", "status", "environment", "files", "template", "resources"),
    *("project_id", "stack_user_project_id", "tags"),
)
_OF_A_RESOURCE: Final = ("name", "resource_id", "type", "action", "status", "metadata", "resource_data")


def payload(
    stack: StackRecord,
    definition: Definition,
    rows: Iterable[ResourceRecord],
    nested: Mapping[StackId, Payload],
) -> Payload:
    """Return a stack as data: what it declares, and of each name the row that stands for it.

    A resource that is a stack itself is replaced by that stack's own data in `nested`, or by {} where it has none.
    """
    given = definition.environment
    return {
        "name": stack.name,
        "id": stack.id,
        "action": stack.action.value,
        "status": stack.status.value,
        "environment": {name: kind(given.get(name) or ()) for name, kind in _SECTIONS.items()},
        "files": dict(definition.files),
        "template": definition.template,
        "resources": {name: _resource(row, nested) for name, row in standing.by_name(rows).items()},
        "project_id": stack.project,
        "stack_user_project_id": stack.user_project_id,
        "tags": list(stack.tags),
    }


def _resource(row: ResourceRecord, nested: Mapping[StackId, Payload]) -> Payload:
    if row.nested_stack_id is not None:
        return nested.get(row.nested_stack_id, {})
    return {
        "name": row.name,
        "resource_id": row.physical_id,
        "type": row.type,
        "action": row.action.value,
        "status": row.status.value,
        "metadata": dict(row.metadata),
        "resource_data": dict(row.data),
    }


def is_stack(entry: Mapping[str, Json]) -> bool:
    """Return whether an entry of `resources` is the data of a nested stack and not of a plain resource."""
    return "resources" in entry or "template" in entry


@dataclass(frozen=True, slots=True, repr=False)
class Adopted:
    """What a stack is to be made of that takes over existing resources. Without a `repr`: values may be secret."""

    template: str = ""  # text; "": the data have none
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Json] = field(default_factory=dict)  # as a definition keeps it
    resources: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)  # by name: as `payload` writes them


def adopted(text: str, limits: Limits = ADOPT_LIMITS) -> Adopted:
    """Return what a text of JSON or YAML gives to adopt; raise INVALID_ARGUMENT, or REQUEST_LIMIT_EXCEEDED."""
    if len(text) > limits.max_size:
        message = f"The adopt data have {len(text)} characters; at most {limits.max_size} are allowed"
        raise EngineError(
            Code.REQUEST_LIMIT_EXCEEDED, message, limit=str(limits.max_size), subject="characters of adopt data"
        )
    return _checked(_document(text, limits))


def adopted_of(data: Mapping[str, Json]) -> Adopted:
    """Return what data give to adopt that are read already: those of a nested stack; raise INVALID_ARGUMENT."""
    return _checked(Document(dict(data)))


def _document(text: str, limits: Limits) -> Document:
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        try:
            return Document(_storable(source.from_json(text.removeprefix("\ufeff"))))
        except BadValue:
            pass  # YAML writes a map so, too; and what is neither its reader explains, with a line
    try:
        return source.load_yaml(text, limits=limits)
    except TemplateInvalid as error:
        raise _invalid(error.problems) from None


def _storable(data: Any) -> Any:
    """Return the data; raise INVALID_ARGUMENT where JSON's escapes make half a character, which is no text."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _invalid([Problem((), "there is half a surrogate pair in it, which is no text")]) from None
    return data


def _checked(document: Document) -> Adopted:
    problems = list(_Checker(document).stack((), document.data))
    if problems:
        raise _invalid(problems)
    data = document.data
    template = data.get("template") or ""
    return Adopted(
        template=template if isinstance(template, str) else json.dumps(template),
        files=data.get("files") or {},
        environment=environment.from_map(data.get("environment") or {}).as_map(),
        resources=data.get("resources") or {},
    )


def _invalid(problems: Iterable[Problem]) -> EngineError:
    return EngineError(
        Code.INVALID_ARGUMENT, f"Invalid adopt data: {summarise(tuple(problems))}", field="adopt_stack_data"
    )


class _Checker:
    """Says what is wrong with the shape of data; what a key that is not needed holds does not matter."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._hints = Hints()

    def stack(self, path: Path, data: Any) -> Iterator[Problem]:
        """Yield what is wrong with the data of a stack."""
        if not isinstance(data, Mapping):
            yield self._wrong(path, data, "the data of a stack are a map")
            return
        yield from self._keys(path, data, _OF_A_STACK)
        yield from self._maps(path, data, "environment", "files", "resources")
        yield from self._environment(path, data.get("environment"))
        if not isinstance(data.get("template") or "", str | Mapping):
            yield self._wrong((*path, "template"), data["template"], "a template is a text or a map")
        for name, text in _entries(data, "files"):
            if not isinstance(text, str):
                yield self._wrong((*path, "files", name), text, "a file is a text")
        for name, entry in _entries(data, "resources"):
            yield from self._resource((*path, "resources", name), entry)

    def _environment(self, path: Path, given: Any) -> Iterator[Problem]:
        if isinstance(given, Mapping):
            try:
                environment.from_map(given)
            except TemplateInvalid as error:
                yield from (problem.under(*path) for problem in error.problems)

    def _resource(self, path: Path, entry: Any) -> Iterator[Problem]:
        if not isinstance(entry, Mapping):
            yield self._wrong(path, entry, "a resource is a map")
        elif is_stack(entry):
            yield from self.stack(path, entry)
        else:
            yield from self._keys(path, entry, _OF_A_RESOURCE)
            yield from self._maps(path, entry, "metadata", "resource_data")
            yield from self._id((*path, "resource_id"), entry.get("resource_id"))

    def _id(self, path: Path, value: Any) -> Iterator[Problem]:
        if value is None:
            return
        if not isinstance(value, str):
            yield self._wrong(path, value, "an id is a text; a number needs quotes")
        elif len(value) > LONGEST_ID or "\x00" in value:
            yield self._document.problem(path, f"an id has at most {LONGEST_ID} characters, and none of them is NUL")

    def _keys(self, path: Path, data: Mapping[Any, Any], known: Iterable[str]) -> Iterator[Problem]:
        for key in data:
            if key not in known:
                hint = self._hints.near(known, key)
                yield self._document.problem((*path, str(key)), f"there is no such key in exported data{hint}")

    def _maps(self, path: Path, data: Mapping[str, Any], *names: str) -> Iterator[Problem]:
        for name in names:
            value = data.get(name)
            if value is not None and not isinstance(value, Mapping):
                yield self._wrong((*path, name), value, "it is a map")
            elif value is not None:
                keys = (key for key in value if not isinstance(key, str))
                yield from (self._wrong((*path, name, str(key)), key, "a name is a text") for key in keys)

    def _wrong(self, path: Path, value: Any, right: str) -> Problem:
        return self._document.problem(path, f"this is {kind_of(value)}; {right}")


def _entries(data: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    value = data.get(name)
    return value.items() if isinstance(value, Mapping) else ()
