"""The operator's environment: what type names stand for in every stack (templates.md §13.2).

Read by `service.py` once, at the start. A file that is wrong stops the start, where Heat logs it and goes on: half an
operator's environment would build something that nobody asked for. Templates are read at the same time, so that no
stack waits for a disk, and every stack until the next start gets the same ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.problems import Path as ProblemPath
from engine.model.problems import Problem
from engine.template import environment, environment_check, parse, source
from engine.template.aliases import is_template_file
from engine.template.environment import EMPTY, RESOURCES, Environment
from engine.template.source import DEFAULT_LIMITS, Document, Limits

_REGISTRY: Final = "resource_registry"


@dataclass(frozen=True, slots=True)
class GlobalEnvironment:
    """What the operator says about types."""

    # Null stands for what is taken away, registered types too; template files have the names of `files`.
    registry: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)  # texts of templates, by their file:// URL


NOTHING: Final = GlobalEnvironment()


def load(directory: Path, templates: Path | None = None, *, limits: Limits = DEFAULT_LIMITS) -> GlobalEnvironment:
    """Return the environment of all files in a directory but hidden ones, in the order of their names.

    The last file is on top. Where there is no directory, nothing is said. Relative names of templates are looked up
    beside the file that names them, then in `templates`. Raise TemplateInvalid with the code INVALID_GLOBAL_RESOURCE
    and all problems, each with its file and line.
    """
    loader = _Loader(templates, limits)
    registry = loader.registry(directory)
    if loader.problems:
        raise TemplateInvalid(replace(problem, code=Code.INVALID_GLOBAL_RESOURCE) for problem in loader.problems)
    used = set(_names(registry))
    return GlobalEnvironment(registry, {name: text for name, text in loader.files.items() if name in used})


class _Loader:
    """Reads the files of one directory, and the templates that they name."""

    def __init__(self, templates: Path | None, limits: Limits) -> None:
        self._templates = templates
        self._limits = limits
        self.files: dict[str, str] = {}
        self.problems: list[Problem] = []

    def registry(self, directory: Path) -> dict[str, Any]:
        """Return what all files say, laid over each other; what is wrong is in `problems`."""
        found: dict[str, Any] = {}
        for file in self._files_of(directory):
            one = self._read(file)
            found = environment.laid_over(found, self._with_files(one, file))
        return found

    def _files_of(self, directory: Path) -> list[Path]:
        try:
            return sorted(file for file in directory.iterdir() if file.is_file() and not file.name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            self.problems.append(Problem((), f"the directory can't be read: {error.strerror}", source=str(directory)))
            return []

    def _read(self, file: Path) -> Document:
        """Return the document of a file; an empty one if it is wrong."""
        text = self._text(file, Problem((), "", source=str(file)))
        if text is None:
            return Document({})
        try:
            document = source.load_yaml(text, name=str(file), limits=self._limits)
            checked = environment.from_document(document)
        except TemplateInvalid as error:
            self.problems += error.problems
        except EngineError as error:
            self.problems.append(Problem((), error.message, source=str(file)))
        else:
            self.problems += _out_of_place(checked, document)
            return document
        return Document({})

    def _text(self, file: Path, place: Problem) -> str | None:
        """Return the text of a file; None: it can't be read, which is a problem at the place that names it."""
        reason: str | None
        try:
            return file.read_text(encoding="utf-8")
        except OSError as error:
            reason = error.strerror
        except UnicodeDecodeError:
            reason = "it is not text in UTF-8"
        self.problems.append(replace(place, summary=f"the file {file} can't be read: {reason}"))
        return None

    def _with_files(self, document: Document, file: Path) -> dict[str, Any]:
        """Return the registry of a document with the URLs of the template files that it names, which are read."""
        registry = environment.from_document(document).resource_registry

        def renamed(entries: Mapping[str, Any], path: ProblemPath) -> dict[str, Any]:
            # In place: in a registry, what stands after a null counts and what stands before does not.
            found = dict(entries)
            for name, value in entries.items():
                here = (*path, name)
                if isinstance(value, Mapping):
                    found[name] = renamed(value, here)
                elif isinstance(value, str) and is_template_file(value):
                    found[name] = self._template(value, file.parent, document.problem(here, "").under("environment"))
            return found

        return renamed(registry, (_REGISTRY,))

    def _template(self, name: str, beside: Path, place: Problem) -> str:
        """Return the URL of a template file, and read it."""
        file, wrong = _path_of(name)
        if wrong:
            self.problems.append(replace(place, summary=wrong))
            return name
        places = [beside / file, *([self._templates / file] if self._templates else [])]
        file = next((one for one in places if one.is_file()), places[0])
        file = Path(os.path.abspath(file))  # links are not followed: where they lead may change, the name stays
        url = file.as_uri()
        if url not in self.files:
            text = self._text(file, place)
            self.files[url] = text or ""
            if text is not None:
                self.problems += _problems_of(text, str(file), self._limits)
        return url


def _path_of(name: str) -> tuple[Path, str]:
    """Return the path that a name of a template stands for, and what is wrong with the name; "": nothing."""
    url = urlsplit(name)
    if url.scheme == "file" and url.netloc in {"", "localhost"} and url.path:
        return Path(unquote(url.path)), ""
    if url.scheme == "file":
        return Path(), f'the URL "{name}" has no absolute path: it has to begin with file:///'
    if "://" in name:
        reason = "templates come with the request, or from the operator's disk"
        return Path(), f'the template "{name}" is not fetched: {reason}; write file:///… or a relative name'
    return Path(name), ""


def _problems_of(text: str, name: str, limits: Limits) -> tuple[Problem, ...]:
    try:
        return parse.parse(source.load(text, name=name, limits=limits)).problems
    except TemplateInvalid as error:
        return error.problems
    except EngineError as error:
        return (Problem((), error.message, source=name),)


def _names(entries: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the entries of a registry name, those for single resources too."""
    for value in entries.values():
        if isinstance(value, Mapping):
            yield from _names(value)
        elif isinstance(value, str):
            yield value


def _out_of_place(checked: Environment, document: Document) -> Iterator[Problem]:
    """Yield what an environment may hold, and that of the operator may not: it would have no effect."""
    for section in environment_check.SECTIONS:
        if section != _REGISTRY and getattr(checked, section) != getattr(EMPTY, section):
            text = "the operator's environment says what types stand for, and nothing else; leave the section out"
            yield document.problem((section,), text).under("environment")
    for resource, entries in (checked.resource_registry.get(RESOURCES) or {}).items():
        for name, value in (entries or {}).items():
            path = (_REGISTRY, RESOURCES, resource, name)
            if name in environment_check.WORDS and value is not None:
                text = f"{name} are a matter of stacks; write them into the environment of a stack"
                yield document.problem(path, text).under("environment")
            elif isinstance(value, Mapping):
                text = "entries in the operator's environment count in every stack; they can't reach into nested ones"
                yield document.problem(path, text).under("environment")
