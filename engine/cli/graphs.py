"""How resources depend on each other, drawn: as Mermaid, as DOT, and as text for a terminal that can show neither.

Pure: values in, text out. An arrow leads from a resource to one that needs it, so that a graph reads in the order in
which things are built. A nested stack is a box around the resource that it belongs to and what that consists of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_MARKUP: Final = re.compile(r"[^\w.:/()-]|(?<![^\W_])_|_(?![^\W_])")  # what Mermaid may take for more than a character
_COLORS: Final = {"COMPLETE": "#d5f0d5", "FAILED": "#f7c9c9", "IN_PROGRESS": "#fbefc4"}


@dataclass(frozen=True, slots=True)
class Node:
    """A resource, with what its nested stack consists of."""

    name: str
    type: str
    status: str = ""  # COMPLETE, FAILED, IN_PROGRESS; "": it has not been reached, or is only declared
    required_by: tuple[str, ...] = ()  # names of nodes beside it
    inside: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class _Placed:
    """A node with the id that it has in the drawing: names are no ids, and may come twice in a tree."""

    id: str
    node: Node
    inside: tuple[_Placed, ...]


def mermaid(title: str, nodes: Sequence[Node]) -> str:
    """Return a flowchart of Mermaid; the title stands in its front matter."""
    placed = list(_placed(nodes))
    used = sorted({one.node.status for one in _all(placed)} & _COLORS.keys())
    lines = ["---", f"title: {json.dumps(title, ensure_ascii=False)}", "---", "flowchart TD"]
    lines += _boxed(placed, "  ", _mermaid_node, _mermaid_box)
    lines += [f"  {source} --> {target}" for source, target in _arrows(placed)]
    lines += [f"  classDef {status.lower()} fill:{_COLORS[status]}" for status in used]
    return "\n".join(lines) + "\n"


def dot(title: str, nodes: Sequence[Node]) -> str:
    """Return a digraph of Graphviz."""
    placed = list(_placed(nodes))
    lines = [f"digraph {_quoted(title)} {{", '  node [shape=box, style="rounded,filled", fillcolor=white]']
    lines += _boxed(placed, "  ", _dot_node, _dot_box)
    lines += [f"  {source} -> {target}" for source, target in _arrows(placed)]
    return "\n".join([*lines, "}"]) + "\n"


def text(title: str, nodes: Sequence[Node]) -> str:
    """Return a line for each resource, in the order in which they are built, with what it needs."""
    return "\n".join([title, *_listed(nodes, "  ")]) + "\n"


def plain(nodes: Sequence[Node]) -> list[dict[str, Any]]:
    """Return the nodes as data for programs."""
    return [
        {
            "resource_name": node.name,
            "resource_type": node.type,
            "required_by": list(node.required_by),
            "resources": plain(node.inside),
        }
        for node in nodes
    ]


FORMATS: Final[Mapping[str, Callable[[str, Sequence[Node]], str]]] = {"mermaid": mermaid, "dot": dot, "text": text}


def _placed(nodes: Iterable[Node], above: str = "n") -> Iterator[_Placed]:
    for number, node in enumerate(nodes):
        own = f"{above}{number}"
        yield _Placed(own, node, tuple(_placed(node.inside, f"{own}_")))


def _all(placed: Iterable[_Placed]) -> Iterator[_Placed]:
    for one in placed:
        yield one
        yield from _all(one.inside)


def _arrows(placed: Sequence[_Placed]) -> Iterator[tuple[str, str]]:
    """Yield the ids of what is needed and of what needs it, for each stack by itself."""
    ids = {one.node.name: one.id for one in placed}
    for one in placed:
        yield from ((one.id, ids[user]) for user in one.node.required_by if user in ids)
    for one in placed:
        yield from _arrows(one.inside)


def _boxed(
    placed: Iterable[_Placed],
    indent: str,
    node_line: Callable[[_Placed], str],
    box: Callable[[_Placed], tuple[str, str]],
) -> Iterator[str]:
    """Yield a line for each node; one with something inside is put into a box with it."""
    for one in placed:
        if not one.inside:
            yield indent + node_line(one)
            continue
        opening, closing = box(one)
        yield indent + opening
        yield f"{indent}  {node_line(one)}"
        yield from _boxed(one.inside, f"{indent}  ", node_line, box)
        yield indent + closing


def _mermaid_node(one: _Placed) -> str:
    style = f":::{one.node.status.lower()}" if one.node.status in _COLORS else ""
    return f'{one.id}["{_escaped(one.node.name)}<br/>{_escaped(one.node.type)}"]{style}'


def _mermaid_box(one: _Placed) -> tuple[str, str]:
    return f'subgraph box_{one.id}["{_escaped(one.node.name)}"]', "end"


def _dot_node(one: _Placed) -> str:
    color = f', fillcolor="{_COLORS[one.node.status]}"' if one.node.status in _COLORS else ""
    return f"{one.id} [label={_quoted(one.node.name, one.node.type)}{color}]"


def _dot_box(one: _Placed) -> tuple[str, str]:
    return f"subgraph cluster_{one.id} {{ label={_quoted(one.node.name)}", "}"


def _escaped(value: str) -> str:
    """Return a text that Mermaid shows as it is: what it could take for markup goes by its number."""
    return _MARKUP.sub(lambda found: f"#{ord(found[0])};", value)


def _quoted(*lines: str) -> str:
    """Return a string of DOT that shows these lines as they are; Graphviz reads entities in it as well."""
    escaped = (
        line.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").replace("\n", " ") for line in lines
    )
    return '"' + "\\n".join(escaped) + '"'


def _listed(nodes: Sequence[Node], indent: str) -> Iterator[str]:
    needs: dict[str, list[str]] = {}
    for node in nodes:
        for user in node.required_by:
            needs.setdefault(user, []).append(node.name)
    for node in _in_order(nodes, needs):
        needed = f"  needs {', '.join(needs[node.name])}" if node.name in needs else ""
        yield f"{indent}{node.name} ({node.type}){needed}"
        yield from _listed(node.inside, f"{indent}  ")


def _in_order(nodes: Sequence[Node], needs: Mapping[str, Sequence[str]]) -> list[Node]:
    """Return each node after all that it needs, otherwise as they come."""
    waiting, order, done = list(nodes), list[Node](), set[str]()
    while waiting:
        ready = [node for node in waiting if done.issuperset(needs.get(node.name, ()))]
        if not ready:
            break  # a circle, which no engine makes: what is left comes as it is
        order += ready
        done.update(node.name for node in ready)
        waiting = [node for node in waiting if node.name not in done]
    return order + waiting
