"""What a template and its environments refer to on this machine, collected to be sent along.

The engine opens no file on behalf of a template, so every text has to travel with the request: what
`get_file` names, templates used as types, and what the `resource_registry` of an environment maps to. The key
of a file is the reference as written; the file is looked for beside the file that refers to it. Whatever does
not parse here is sent as it is: the engine has the better words for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import yaml

from engine.cli.exits import ExitCode, Failed

TEMPLATE_ENDINGS: Final = (".yaml", ".template")
_PARAMETERS_FILE: Final = "parameters of the command line"


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a request."""

    template: str = ""
    environment: str = ""  # the only one; with several it is empty and `environment_files` names them
    environment_files: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """A mention of a file."""

    key: str
    line: int  # 1-based
    is_template: bool
    may_be_absent: bool  # a type may be mapped elsewhere by an environment


def collect(template: Path | None, environments: Sequence[Path], parameters: dict[str, str]) -> Texts:
    """Return the texts of a request; raise Failed if a file is missing or a key means two files.

    Several environments travel as files, which the engine merges. It lets them win over the parameters of the
    request then; ours are laid on top as one more file, because the command line is what was said last.
    """
    gathered = _Gathered()
    text = gathered.follow(template, in_environment=False) if template else ""
    texts = [gathered.follow(path, in_environment=True) for path in environments]
    if len(texts) <= 1:
        return Texts(text, "".join(texts), files=gathered.files)
    names = [str(path) for path in environments]
    for name, environment, path in zip(names, texts, environments, strict=True):
        gathered.add(name, path, environment)
    if parameters:
        gathered.files[_PARAMETERS_FILE] = yaml.safe_dump({"parameters": parameters})
        names.append(_PARAMETERS_FILE)
    return Texts(text, environment_files=tuple(dict.fromkeys(names)), files=gathered.files)


class _Gathered:
    """The files found so far, and which file each key stands for."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self._origins: dict[str, Path] = {}

    def add(self, key: str, path: Path, text: str) -> None:
        """Take a file; raise Failed if its key is another file's already."""
        known = self._origins.setdefault(key, path.resolve())
        if known != path.resolve():
            text = f'"{key}" means two files: {known} and {path.resolve()}; rename one of them'
            raise Failed(ExitCode.USAGE, text)
        self.files[key] = text

    def follow(self, path: Path, *, in_environment: bool) -> str:
        """Return the text of a file, with everything added that it refers to, at any distance."""
        text = text_of(path)
        open_ends = [(path, reference) for reference in references(text, in_environment=in_environment)]
        while open_ends:
            source, reference = open_ends.pop()
            target = _target(source, reference.key)
            if target is None or (reference.may_be_absent and not target.is_file()):
                continue
            seen = reference.key in self.files
            found = text_of(target, f"{source}, line {reference.line}: {reference.key}")
            self.add(reference.key, target, found)
            if reference.is_template and not seen:
                open_ends += [(target, inner) for inner in references(found, in_environment=False)]
        return text


def references(text: str, *, in_environment: bool) -> Iterator[Reference]:
    """Yield what a template (or an environment) mentions; nothing if it is no YAML."""
    root = section(composed(text), "resource_registry") if in_environment else composed(text)
    for key, value in _pairs(root):
        name, mentioned, line = key.value, value.value, value.start_mark.line + 1
        if in_environment:
            if mentioned.endswith(TEMPLATE_ENDINGS):
                yield Reference(mentioned, line, is_template=True, may_be_absent=False)
        elif name == "get_file":
            yield Reference(mentioned, line, is_template=False, may_be_absent=False)
        elif name in ("type", "Type") and mentioned.endswith(TEMPLATE_ENDINGS):
            yield Reference(mentioned, line, is_template=True, may_be_absent=True)


def composed(text: str) -> yaml.Node | None:
    """Return the tree of a YAML text; None if it is none.

    The slower reader knows more: a key in a flow map without a space after its colon, which the engine takes too.
    """
    for loader in (yaml.CSafeLoader, yaml.SafeLoader):
        try:
            return yaml.compose(text, Loader=loader)
        except yaml.YAMLError:
            continue
    return None


def section(node: yaml.Node | None, *path: str) -> yaml.Node | None:
    """Return what stands under the keys of `path`; None if nothing does."""
    for name in path:
        found = _entry(node, name)
        node = found[1] if found else None
    return node


def key_of(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """Return the key `name` of a map itself, for its place in the text."""
    found = _entry(node, name)
    return found[0] if found else None


def entries(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """Yield the keys of a map with what stands under them; nothing if it is no map."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))


def scalars(node: yaml.Node | None) -> Iterator[tuple[str, str]]:
    """Yield the keys of a map that have a plain value, with it."""
    yield from ((key, value.value) for key, value in entries(node) if isinstance(value, yaml.ScalarNode))


def _entry(node: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((key, value) for key, value in node.value if key.value == name), None)


def _pairs(root: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, yaml.ScalarNode]]:
    """Yield every key with a plain value, at any depth; what aliases share is looked at once."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            waiting += [value for _, value in node.value]
            yield from (pair for pair in node.value if all(isinstance(half, yaml.ScalarNode) for half in pair))


def _target(source: Path, key: str) -> Path | None:
    """Return the file that a reference means; None: it is not on this machine."""
    url = urlsplit(key)
    if url.scheme == "file":
        return Path(unquote(url.path))
    return None if url.netloc else source.parent / key


def text_of(path: Path, mention: str = "") -> str:
    """Return the text of a file; raise Failed, which says where it is mentioned or else its name."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Failed(ExitCode.USAGE, f"{mention or path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        text = f"{mention or path}: it is no UTF-8 text, which is all that can be sent"
        raise Failed(ExitCode.USAGE, text) from error
