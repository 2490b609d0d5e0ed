"""make_url: a URL from its parts (templates.md §6.16).

Composed here and not by the standard library, whose rules for paths without a host differ between versions of
Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib import parse

from engine.schema import types
from engine.template import expressions
from engine.template.expressions import BadArgument, Expr, ListExpr, Literal, MapExpr, Scope
from engine.template.functions import growth, strings
from engine.template.intrinsics import function

MAX_URL: Final = 100_000  # characters of all parts


_PARTS: Final = ("scheme", "username", "password", "host", "port", "path", "query", "fragment")
_LONGEST: Final = 12  # characters that one may become: four bytes, each with its sign and two digits
_PORTS: Final = range(1, 65_536)
_HIERARCHICAL: Final = (  # schemes whose URLs begin with // even without a host
    "file", "ftp", "git", "git+ssh", "gopher", "http", "https", "imap", "itms-services", "mms", "nfs", "nntp",
    "prospero", "rsync", "rtsp", "rtsps", "rtspu", "sftp", "shttp", "snews", "svn", "svn+ssh", "telnet", "wais",
    "ws", "wss",
)  # fmt: skip


def _form(argument: Expr) -> str | None:
    parts = expressions.as_map(argument)
    if parts is None:
        return f"the arguments have to be a map of {', '.join(_PARTS)}"
    strange = [types.shown(name) for name in parts if name not in _PARTS]
    if strange:
        return f"there is no part {', '.join(strange[:8])}; there are {', '.join(_PARTS)}"
    try:
        for name, part in parts.items():
            _check_written(name, part)
    except BadArgument as error:
        return str(error)
    return None


def _check_written(name: str, part: Expr) -> None:
    """Refuse what no value of the functions in it can make right."""
    if isinstance(part, Literal):
        if not types.contains_unknown(part.value):  # what is wrong there was told
            _check(name, part.value)
    elif isinstance(part, ListExpr):
        _check(name, [])
    elif isinstance(part, MapExpr):
        _check(name, {})


def _check(name: str, value: Any) -> None:
    if name == "port":
        _port(value)
    elif name == "query":
        if not isinstance(value, Mapping):
            raise BadArgument(f"query has to be a map, and is {types.shown(value)}")
    elif not isinstance(value, str):
        raise BadArgument(f"{name} has to be a string, and is {types.shown(value)}")


def _port(value: Any) -> int:
    try:
        port = int(value)
    except (ValueError, TypeError, OverflowError):
        port = 0
    if isinstance(value, bool) or port not in _PORTS:
        raise BadArgument(f"port has to be a number from 1 to {_PORTS[-1]}, and is {types.shown(value)}")
    return port


@function("make_url", since="2017-09-01", shape=_form)
def make_url(arguments: Any, scope: Scope) -> str:
    """Build a URL from its parts."""
    for name, value in arguments.items():
        _check(name, value)
    _count(arguments, scope)
    if ":" in arguments.get("scheme", ""):
        raise BadArgument(f'scheme can\'t have a ":" in it, and is {types.shown(arguments["scheme"])}')
    try:
        return _composed(arguments, scope)
    except UnicodeEncodeError:
        raise BadArgument("a part has half of a surrogate pair in it, which can't be written in a URL") from None


def _count(parts: Mapping[str, Any], scope: Scope) -> None:
    values, characters = growth.measure(parts)
    if values + characters > MAX_URL:
        raise BadArgument(f"the parts have more than {MAX_URL} characters, which is the most allowed")
    scope.spend(growth.VALUE * values + _LONGEST * characters)


def _composed(parts: Mapping[str, Any], scope: Scope) -> str:
    scheme, netloc, path = parts.get("scheme", ""), _netloc(parts), parse.quote(parts.get("path", ""))
    query = "&".join(
        f"{_form_text(name, scope)}={_form_text(value, scope)}" for name, value in parts.get("query", {}).items()
    )
    if netloc or scheme in _HIERARCHICAL or path.startswith("//"):
        path = f"//{netloc}{'/' if path and not path.startswith('/') else ''}{path}"
    fragment = parse.quote(parts.get("fragment", ""))
    start, end = f"{scheme}:" if scheme else "", f"#{fragment}" if fragment else ""
    return f"{start}{path}{'?' if query else ''}{query}{end}"


def _netloc(parts: Mapping[str, Any]) -> str:
    user, password = (parse.quote(parts.get(name, ""), safe="") for name in ("username", "password"))
    login = f"{user}:{password}@" if password else f"{user}@" if user else ""
    host = parts.get("host", "")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    host = parse.quote(host, safe=":")
    if ":" in host:
        host = f"[{host}]"
    return f"{login}{host}:{_port(parts['port'])}" if "port" in parts else f"{login}{host}"


def _form_text(value: Any, scope: Scope) -> str:
    if isinstance(value, Mapping | list):
        text = growth.json_text(value, scope)
    else:
        text = "None" if value is None else strings.scalar_text(value)
    return parse.quote_plus(text, safe="/")
