"""Custom constraints that need no service: what a text must look like (templates.md §12.8).

Found by the registry. Values come from strangers, so every check is linear in the length of the text, or bounds it.
"""

from __future__ import annotations

import ipaddress
import json
import re
import zoneinfo
from datetime import UTC, datetime
from functools import cache
from typing import Final, NoReturn

from engine.plugin.constraint import constraint
from engine.plugin.ports import Lookups
from engine.schema import types

_MAC: Final = re.compile(
    r"[0-9a-f]{1,2}([:-])(?:[0-9a-f]{1,2}\1){4}[0-9a-f]{1,2}"  # six octets
    r"|[0-9a-f]{4}([:.-])[0-9a-f]{4}\2[0-9a-f]{4}"
    r"|[0-9a-f]{6}[:-]?[0-9a-f]{6}",
    re.ASCII | re.IGNORECASE,
)
_PREFIX: Final = re.compile(r"0|[1-9][0-9]{0,2}")  # a length in bits; a netmask is none
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# Python alone takes more: any character between date and time, for one. And it takes 12.5 hours for half a second.
_TIMESTAMP: Final = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-W[0-9]{2}(?:-[0-9])?|[0-9]{4}W[0-9]{2,3})"
    r"(?:[T ]"
    r"(?:[0-9]{2}(?::?[0-9]{2})?|(?:[0-9]{2}:[0-9]{2}:[0-9]{2}|[0-9]{6})(?:[.,][0-9]+)?)"
    r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)

_LONGEST_NAME: Final = 255  # characters of a DNS name, a trailing dot not counted
_LONGEST_RELATIVE_NAME: Final = 252  # of one that is going to be part of a longer one
_LONGEST_CRON: Final = 1_000  # characters; one that lists every minute has fewer than 200


@constraint("ip_addr", text_only=True)
def ip_address(value: str, _: Lookups) -> str | None:
    """An IPv4 or IPv6 address."""
    return None if _is_address(value) else _wrong(value, "an IP address", "10.0.0.1 or fd00::1")


@constraint("net_cidr", text_only=True)
def network(value: str, _: Lookups) -> str | None:
    """An IPv4 or IPv6 network: a whole address, which may have host bits, a slash and the length of the prefix."""
    return None if _is_network(value) else _wrong(value, "a network", "10.0.0.0/24 or fd00::/64")


@constraint("ip_or_cidr", text_only=True)
def ip_address_or_network(value: str, _: Lookups) -> str | None:
    """An IPv4 or IPv6 address, or a network."""
    fits = _is_address(value) or _is_network(value)
    return None if fits else _wrong(value, "an IP address or a network", "10.0.0.1 or 10.0.0.0/24")


@constraint("mac_addr", text_only=True)
def mac_address(value: str, _: Lookups) -> str | None:
    """A MAC address, in any of the usual spellings."""
    return None if _MAC.fullmatch(value) else _wrong(value, "a MAC address", "fa:16:3e:00:00:01")


@constraint("dns_name", text_only=True, empty_passes=True)
def dns_name(value: str, _: Lookups) -> str | None:
    """A DNS name, with or without a dot at its end."""
    return None if _is_dns_name(value) else _wrong(value, "a DNS name", "web or web.example.org")


@constraint("rel_dns_name", text_only=True, empty_passes=True)
def relative_dns_name(value: str, _: Lookups) -> str | None:
    """A DNS name without a dot at its end, and short enough to be put before a domain."""
    fits = _is_dns_name(value) and not value.endswith(".") and len(value) <= _LONGEST_RELATIVE_NAME
    return None if fits else _wrong(value, "a DNS name without a dot at its end", "web")


@constraint("dns_domain", text_only=True, empty_passes=True)
def dns_domain(value: str, _: Lookups) -> str | None:
    """A DNS name with a dot at its end."""
    fits = _is_dns_name(value) and value.endswith(".")
    return None if fits else _wrong(value, "a DNS name with a dot at its end", "example.org.")


@constraint("cron_expression", text_only=True, empty_passes=True)
def cron_expression(value: str, _: Lookups) -> str | None:
    """A cron expression: minute, hour, day of month, month, day of week, and maybe second and year."""
    return None if _is_cron(value) else _wrong(value, "a cron expression of 5 to 7 fields", "*/5 * * * *")


@constraint("timezone", text_only=True, empty_passes=True)
def time_zone(value: str, _: Lookups) -> str | None:
    """A time zone by its name in the IANA database."""
    return None if value in _zones() else _wrong(value, "the name of a time zone", "Europe/Berlin")


@constraint("iso_8601", text_only=True)
def iso_8601(value: str, _: Lookups) -> str | None:
    """A date, or a date and time, as ISO 8601 writes them."""
    return _wrong_timestamp(value) if _timestamp(value) is None else None


@constraint("expiration", text_only=True, empty_passes=True)
def expiration(value: str, _: Lookups) -> str | None:
    """A date, or a date and time, in the future; without a zone it is UTC."""
    expires, now = _timestamp(value.strip()), datetime.now(UTC)
    if expires is None:
        return _wrong_timestamp(value)
    return None if expires > now else f"{types.shown(value)} is past; it is {now:%Y-%m-%dT%H:%M:%SZ} now"


@constraint("json_string", text_only=True, empty_passes=True)
def json_text(value: str, _: Lookups) -> str | None:
    """A text that is JSON."""
    try:
        json.loads(value, parse_int=str, parse_constant=_no_json)  # str: a number of any length is JSON
    except ValueError as error:
        return f"{types.shown(value)} is not JSON: {error}"
    except RecursionError:
        return f"{types.shown(value)} is nested too deeply to be read as JSON"
    return None


def _wrong(value: str, what: str, such_as: str) -> str:
    return f"{types.shown(value)} is not {what} (such as {such_as})"


def _wrong_timestamp(value: str) -> str:
    return _wrong(value, "a timestamp", "2030-01-31T12:00:00Z")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if "%" in text:  # a zone means something on one machine only, and Python takes any text for one
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_address(text: str) -> bool:
    return _address(text) is not None


def _is_network(text: str) -> bool:
    host, _, prefix = text.partition("/")
    address = _address(host)
    return address is not None and bool(_PREFIX.fullmatch(prefix)) and int(prefix) <= address.max_prefixlen


def _is_dns_name(text: str) -> bool:
    name = text.removesuffix(".")
    labels = name.split(".")
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        return False
    return len(labels) == 1 or not labels[-1].isdigit()  # no top-level domain is a number, but an address ends in one


def _is_cron(text: str) -> bool:
    if len(text) > _LONGEST_CRON or not 5 <= len(text.split()) <= 7:  # the library knows shorthands like @daily too
        return False
    # Imported where it is used: it is slow to load, and few templates hold a cron expression.
    from croniter import CroniterError, croniter  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        croniter.expand(text)
    except CroniterError:
        return False
    return True


@cache
def _zones() -> frozenset[str]:
    """Return the names that are good; looking one up by asking for it would read files that a value names."""
    return frozenset(zoneinfo.available_timezones() - {"localtime"})  # that one is of this machine, not of IANA


def _timestamp(text: str) -> datetime | None:
    """Return the moment that a text names, None if none; without a zone it is UTC."""
    if not _TIMESTAMP.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"it has no {constant}")
