"""From the text of a template or environment to plain data that knows its lines.

Called by usecases and by `environment` and `nested`. The text is read event by event with libyaml's parser,
and the tree is built here without recursion: so lines come for free, and a hostile text (deep nesting, alias
bombs, huge numbers) is refused while it is read instead of after it has filled the memory. Aliases share one
object; what they would expand to is counted.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.problems import Path, Problem
from engine.schema import types
from engine.schema.types import BadValue
from engine.template import scalars, tree
from engine.template.scalars import ScalarReader


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a caller may ask for; the defaults are those of the configuration (rpc.md §8)."""

    max_size: int = 524_288  # characters of one text
    max_depth: int = 100  # maps and lists inside each other, aliases followed
    max_nodes: int = 200_000  # values in one text, aliases followed
    max_resources: int = 1_000  # in a stack and all that are nested in it; -1: no limit
    max_nested_depth: int = 5  # stacks inside each other
    max_growth: int = 20_000_000  # characters, and values (each as many as it takes), that functions make in all


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Document:
    """The data of one text. Maps and lists in it are shared and must not be changed."""

    data: Any
    text: str = ""
    name: str = ""  # of the file; "": the root template
    lines: tree.Lines = field(default_factory=dict)  # empty: not known

    def line(self, path: Path) -> int | None:
        """Return the line (1-based) of what stands at the path, or of the nearest thing above it; None: not known."""
        found = None
        here = self.data
        for part in path:
            try:
                below = here[part]
                found = self.lines[id(here)][part]
            except (KeyError, IndexError, TypeError):
                break
            here = below
        return found

    def problem(self, path: Path, summary: str, code: Code = Code.STACK_VALIDATION_FAILED) -> Problem:
        """Return a problem at a path of this document, with its line and file."""
        return Problem(path, summary, line=self.line(path), source=self.name, code=code)


def load(text: str, *, name: str = "", limits: Limits = DEFAULT_LIMITS) -> Document:
    """Return the document of a template: JSON if it is that, else YAML (templates.md §2.2).

    A text over the size limit is REQUEST_LIMIT_EXCEEDED; one that can't be read, or is no map, is
    `TemplateInvalid`.
    """
    _check_size(text, name, limits)
    if text.lstrip("\ufeff \t\r\n")[:1] == "{" and (document := _load_json(text, name, limits)):
        return document
    return _as_map(_load_yaml(text, name, limits))


def load_yaml(text: str, *, name: str = "", limits: Limits = DEFAULT_LIMITS) -> Document:
    """Return the document of an environment; nothing at all is an empty map (templates.md §13.1)."""
    _check_size(text, name, limits)
    return _as_map(_load_yaml(text, name, limits))


def from_json(text: str) -> Any:
    """Return what a text of JSON inside a template means; raise `BadValue` if it is none, or holds too much."""
    try:
        value = json.loads(text, parse_constant=scalars.finite, parse_float=scalars.finite)
    except (ValueError, RecursionError) as error:
        raise BadValue(f"{types.shown(text)} is not JSON: {error}") from None
    wrong = tree.excess(value, DEFAULT_LIMITS.max_depth, DEFAULT_LIMITS.max_nodes)
    if wrong is not None:
        raise BadValue(wrong)
    return value


def _check_size(text: str, name: str, limits: Limits) -> None:
    if len(text) > limits.max_size:
        what = f"The template {name}" if name else "The template"
        raise EngineError(
            Code.REQUEST_LIMIT_EXCEEDED,
            f"{what} has {len(text)} characters; at most {limits.max_size} are allowed",
            limit="max_template_size",
        )


def _as_map(document: Document) -> Document:
    if document.data is None:
        return Document({}, document.text, document.name)
    if not isinstance(document.data, dict):
        kind = tree.kind_of(document.data)
        raise TemplateInvalid([document.problem((), f"the text is {kind}; it has to be a map of sections")])
    return document


def _load_json(text: str, name: str, limits: Limits) -> Document | None:
    """Return the document if the text is JSON; None: it is not, or YAML's reader has to say what is wrong.

    Both readers run: JSON's for what the text means, YAML's (JSON is nearly a part of it) for the lines.
    Where YAML's can't follow, or understands something else, the lines are lost and nothing else.
    """
    try:
        data = json.loads(text.removeprefix("\ufeff"), parse_constant=scalars.finite, parse_float=_finite)
    except _NotFiniteError as error:
        raise _with_line(str(error), text, name, limits) from None
    except (ValueError, RecursionError):
        return None
    try:
        document = _load_yaml(text, name, limits, scalar=scalars.of_json)
    except TemplateInvalid as error:
        problem = tree.excess(data, limits.max_depth, limits.max_nodes)
        if problem is not None:
            raise TemplateInvalid([Problem((), problem, source=name)]) from error
        return Document(data, text, name)
    return document if document.data == data else Document(data, text, name)


class _NotFiniteError(Exception):
    """A number of JSON is too large."""


def _with_line(summary: str, text: str, name: str, limits: Limits) -> TemplateInvalid:
    """Return what is wrong with a text of JSON as YAML's reader says it, if it comes so far and says the same."""
    try:
        _load_yaml(text, name, limits, scalar=scalars.of_json)
    except TemplateInvalid as error:
        if error.problems[0].summary == summary:
            return error
    return TemplateInvalid([Problem((), summary, source=name)])


def _finite(text: str) -> float:
    try:
        return scalars.finite(text)
    except ValueError as error:
        raise _NotFiniteError(str(error)) from None


def _load_yaml(text: str, name: str, limits: Limits, *, scalar: ScalarReader = scalars.of_yaml) -> Document:
    try:
        data, lines = _built(text, limits, scalar)
    except tree.TreeError as error:
        raise TemplateInvalid([Problem((), error.summary, line=error.line, source=name)]) from None
    except yaml.reader.ReaderError as error:
        position = len(text.encode()[: error.position].decode(errors="ignore"))  # it counts bytes
        raise TemplateInvalid([_unreadable(text, name, position)]) from None
    except UnicodeEncodeError as error:
        raise TemplateInvalid([_unreadable(text, name, error.start)]) from None
    except yaml.MarkedYAMLError as error:
        raise TemplateInvalid([_misread(error, text, name)]) from None
    return Document(data, text, name, lines)


def _built(text: str, limits: Limits, scalar: ScalarReader) -> tuple[Any, tree.Lines]:
    """Return the data and the lines of a text, also where a key in a flow map has no space after its colon.

    Some parsers of YAML read `{get_attr:[a, b]}` as a key with a list, and templates are written so; libyaml refuses
    it. The space is put in and the text read again, until that has cost as much as the largest text.
    """
    again = 0  # characters that were read in vain
    while True:
        try:
            return tree.build(text, limits.max_depth, limits.max_nodes, scalar=scalar)
        except yaml.MarkedYAMLError as error:
            place = _colon_without_space(text, error)
            again += place or 0
            if place is None or again > limits.max_size:
                raise
            text = f"{text[: place + 1]} {text[place + 1 :]}"


def _colon_without_space(text: str, error: yaml.MarkedYAMLError) -> int | None:
    """Return where the colon stands that libyaml complains of, if a space after it is all that is missing."""
    if error.problem_mark is None or error.problem != "found unexpected ':'":
        return None
    place = int(error.problem_mark.index) + text.startswith("\ufeff")  # which libyaml does not count
    return place if re.match(":[][{},]", text[place : place + 2]) else None


def _unreadable(text: str, name: str, position: int) -> Problem:
    before = text[:position]
    line = before.count("\n") + 1
    character = f"U+{ord(text[position]):04X}" if position < len(text) else "a character"
    column = position - before.rfind("\n")
    return Problem((), f"column {column}: the text holds {character}, which is not allowed", line=line, source=name)


def _misread(error: yaml.MarkedYAMLError, text: str, name: str) -> Problem:
    """Return what libyaml complains of; what it misses at the end of the text is shown where that was begun."""
    lines = text.splitlines() or [""]
    mark = error.problem_mark or error.context_mark
    if mark is not None and mark.line >= len(lines):
        mark = error.context_mark or mark
    line, column = (0, 0) if mark is None else (mark.line, mark.column)
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    reason = " ".join(str(part) for part in (error.context, error.problem) if part)
    return Problem((), f"column {column + 1}: the text is not YAML: {reason}", line=line + 1, source=name)
