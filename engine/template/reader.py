"""Reads plain data as expressions: which one-key maps are functions, and which are data (templates.md §4).

Called by `parse`, and by functions that read their own arguments (`if`). A subtree without any function
becomes one `Literal` that shares the document's data, so that plain templates cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.model.errors import Code
from engine.model.problems import Path, Problem
from engine.schema.types import UNKNOWN
from engine.template.expressions import (
    Branch,
    Call,
    ConditionName,
    Expr,
    Function,
    ListExpr,
    Literal,
    MapExpr,
    Place,
)
from engine.template.source import Document

WRONG: Final = Literal(UNKNOWN)  # stands for a call that was reported: it makes nothing else wrong
_CONDITION_FORMS: Final = "a condition has to be true, false, the name of a condition or a condition function"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The functions that can be used in one kind of place, and names that are refused there."""

    functions: Mapping[str, Function]
    refused: Mapping[str, str] = field(default_factory=dict)  # name → why, for people


@dataclass(frozen=True, slots=True)
class Language:
    """What one version of the template language knows."""

    general: Vocabulary
    conditions: Vocabulary


class Reader:
    """Reads values of one document; what is wrong with their form is added to `problems`."""

    def __init__(
        self,
        language: Language,
        document: Document,
        problems: list[Problem],
        *,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._language = language
        self._document = document
        self._problems = problems
        self._vocabulary = vocabulary or language.general

    def read(self, value: Any, path: Path) -> Expr:
        """Return the expression of a value that stands at `path`."""
        return self._function_in(value, path) or Literal(json_keys(value))

    def branch(self, value: Any, path: Path) -> Branch:
        """Return one way of a choice with its own problems; they count only if it is taken."""
        problems: list[Problem] = []
        expr = Reader(self._language, self._document, problems, vocabulary=self._vocabulary).read(value, path)
        return Branch(expr, tuple(problems))

    def condition(self, value: Any, path: Path) -> Expr:
        """Return the expression of a condition: a boolean, a name, or a condition function (templates.md §9)."""
        if isinstance(value, bool):
            return Literal(value)
        if isinstance(value, str):
            return ConditionName(value, self.place(path))
        before = len(self._problems)
        vocabulary = self._language.conditions
        found = Reader(self._language, self._document, self._problems, vocabulary=vocabulary).read(value, path)
        if isinstance(found, Call):
            return found
        if len(self._problems) == before:  # a function that is refused was reported already
            self.problem(path, _CONDITION_FORMS)
        return WRONG

    def place(self, path: Path) -> Place:
        """Return where a path is in the text."""
        return Place(path, self._document.line(path), self._document.name)

    def problem(self, path: Path, summary: str, code: Code = Code.STACK_VALIDATION_FAILED) -> None:
        """Note that something is wrong at a path."""
        self._problems.append(self._document.problem(path, summary, code))

    def _function_in(self, value: Any, path: Path) -> Expr | None:
        """Return the expression of a value, or None if nothing in it is a function."""
        kind = type(value)
        if kind is dict:
            if len(value) == 1 and (call := self._call(value, path)) is not None:
                return call
            found = {
                key: child
                for key, item in value.items()
                if type(item) in _CONTAINERS and (child := self._function_in(item, (*path, key))) is not None
            }
            if not found:
                return None
            entries = ((key, found.get(key) or Literal(json_keys(item))) for key, item in value.items())
            return MapExpr(tuple((_json_key(key), item) for key, item in entries))
        if kind is list:
            children = [
                self._function_in(item, (*path, index)) if type(item) in _CONTAINERS else None
                for index, item in enumerate(value)
            ]
            if not any(children):
                return None
            pairs = zip(children, value, strict=True)
            return ListExpr(tuple(child or Literal(json_keys(item)) for child, item in pairs))
        return None

    def _call(self, value: dict[Any, Any], path: Path) -> Expr | None:
        ((name, argument),) = value.items()
        function = self._vocabulary.functions.get(name)
        if function is None:
            if name in self._vocabulary.refused:
                self.problem((*path, name), self._vocabulary.refused[name])
                return WRONG
            return None
        here = (*path, name)
        if function.is_macro:
            expr: Expr = function.evaluate(argument, self, here)
            return expr
        parsed = self.read(argument, here)
        wrong = function.shape(parsed) if function.shape else None
        if wrong is not None:
            self.problem(here, f"{name}: {wrong}")
            return WRONG
        return Call(function, parsed, self.place(here))


_CONTAINERS: Final = (dict, list)


def _json_key(key: Any) -> str:
    """Return a key as JSON would write it: what is stored must read back equal."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


def json_keys(value: Any) -> Any:
    """Return a value all of whose keys are text; the value itself where they are already."""
    if type(value) is dict:
        fixed = {_json_key(key): json_keys(item) for key, item in value.items()}
        same = all(fixed.get(key, fixed) is item for key, item in value.items())
        return value if same else fixed
    if type(value) is list:
        items = [json_keys(item) for item in value]
        return value if all(map(_is, items, value)) else items
    return value


def _is(one: Any, other: Any) -> bool:
    return one is other
