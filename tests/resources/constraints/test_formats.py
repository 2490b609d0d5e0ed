from __future__ import annotations

import ipaddress
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.provisional import domains

import engine.resources
from engine.plugin.registry import discover
from kit.fake_lookups import FakeLookups

LOOKUPS = FakeLookups()
CUSTOM = discover(engine.resources).custom(LOOKUPS)
FORMATS = sorted(name for name in CUSTOM if "." not in name)
EMPTY_PASSES = {
    "cron_expression", "dns_domain", "dns_name", "expiration", "json_string", "rel_dns_name", "timezone"
}  # fmt: skip

ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))

LABEL = "a" * 63
LONGEST = ".".join([LABEL] * 4)  # 255 characters

ACCEPTED = {
    "ip_addr": ["10.0.0.1", "255.255.255.255", "::1", "fd00::1", "FD00::1", "::ffff:10.0.0.1"],
    "net_cidr": ["10.0.0.0/24", "10.0.0.1/24", "0.0.0.0/0", "10.0.0.1/32", "::/0", "fd00::1/64", "fd00::/128"],
    "ip_or_cidr": ["10.0.0.1", "10.0.0.0/24", "fd00::1", "fd00::/64"],
    "mac_addr": [
        "fa:16:3e:00:00:01", "FA-16-3E-00-00-01", "fa16.3e00.0001", "fa16:3e00:0001", "fa163e:000001", "fa163e-000001",
        "fa163e000001", "0:1:2:3:4:5",
    ],
    "dns_name": [
        "web", "web.", "web.example.org", "web.example.org.", "a-b", "1", "1a.b2", LABEL, LONGEST, LONGEST + ".",
    ],
    "rel_dns_name": ["web", "web.example.org", LONGEST[:251] + "a"],
    "dns_domain": ["example.org.", "org.", LONGEST + "."],
    "cron_expression": [
        "* * * * *", "*/5 * * * *", "0 0 1 jan mon-fri", "0,30 8-18/2 * * 1#2", "0 0 l * *", "* * * * * 30",
        "0 0 1 1 * 0 2030-2035", "  0  0 * * *  ",
    ],
    "timezone": ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"],
    "iso_8601": [
        "2026-01-31", "20260131", "2026-W05-6", "2026-01-31T12:00", "2026-01-31 12:00:00", "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.123+01:00", "2026-01-31T12:00:00,5-0130", "20260131T120000Z", "2026W05", "2026-01-31T12",
        "20260131T1200+01", "0001-01-01T00:00:00+23:59",
    ],
    "expiration": [
        "9999-12-31", " 9999-12-31 ", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59+23:59",
    ],
    "json_string": ["null", "5", '"a"', "[]", '{"a": [1, 2.5e3, true]}', " {} ", "1" * 5_000],
}  # fmt: skip

REFUSED = {
    "ip_addr": [
        "10.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.1 ", "10.0.0.1\n", "10.0.0.0/24", "167772161", "0x0a000001",
        "\u0661\u0660.0.0.1", "fd00:::1", "::1::", "[::1]", "fe80::1%eth0", "fe80::1%; reboot", "web", "1:" * 100_000,
    ],
    "net_cidr": [
        "10/8", "10.0.0.0", "10.0.0.0/", "/24", "10.0.0.0/33", "fd00::/129", "10.0.0.0/-1", "10.0.0.0/+8",
        "10.0.0.0/08", "10.0.0.0/8 ", "10.0.0.0 /8", "10.0.0.0/\u0668", "10.0.0.0/255.255.255.0", "10.0.0.0/8/8",
        "fe80::1%0/64", "10.0.0.0/" + "9" * 100_000,
    ],
    "ip_or_cidr": ["10/8", "10.0.0.256", "10.0.0.0/33", "web"],
    "mac_addr": [
        "fa:16:3e:00:00", "fa:16:3e:00:00:01:02", "fa:16-3e:00:00:01", "fa:16:3e:00:00:0g", "fa:16:3e:00:00:001",
        "fa163e00001", "fa16.3e00:0001", " fa163e000001", "fa163e000001\n", "\u0660a163e000001",
    ],
    "dns_name": [
        ".", "..", "a..b", ".a", "-a", "a-", "a.-b", "a_b", "a b", "web\n", "bücher.example", "*.example.org",
        "10.0.0.1", "a" + LABEL, LONGEST + "a", LONGEST[:-1] + ".aa", "." * 100_000,
    ],
    "rel_dns_name": ["web.", "web.example.org.", "-a", LONGEST[:253], "."],
    "dns_domain": ["example.org", "org", ".", "-a.", LONGEST + "a."],
    "cron_expression": [
        "* * * *", "* * * * * * * *", "@daily", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * foo *",
        "*/0 * * * *", "-1 * * * *", "? * * * *", "h * * * *", "* * * * 1#6", "\u0663 * * * *", "* * * *\u00a0*",
        "\0 * * * *", "*,* * * * *," * 100_000, "*" + " " * 1_000 + "* * * *", " ",
    ],
    "timezone": [
        "Berlin", "europe/berlin", "../../etc/passwd", "/etc/passwd", "Europe/../UTC", "Europe", "Europe/", "localtime",
        "posix/UTC", "UTC\0", "zone.tab", " UTC", "x" * 100_000,
    ],
    "iso_8601": [
        "tomorrow", "2026", "2026-13-01", "2026-02-30", "2026-01-31T25:00", "2026-01-31T", "2026-01-31_12:00", "12:00",
        "2026-01-31T12:00:00+25:00", "2026-01-31T12:00Z ", "\u0662026-01-31", "1" * 100_000, "10000-01-01",
        "2026-01-31T12.5", "2026-01-31T12:00.5", "2026-01-31T12:00:00+01:", "2026-01-31T12:0", "2026-0131",
        "9999-W52-7", "2026-01-31x12:00", "0000-01-01",
    ],
    "expiration": ["2000-01-01", "2000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "tomorrow", "  "],
    "json_string": [
        "{", "{'a': 1}", "[1,]", "NaN", "[-Infinity]", "nul", " ", "\ufeff{}", "[" * 100_000, '{"a":' * 100_000, "1 2",
    ],
}  # fmt: skip


def cases(table: dict[str, list[str]]) -> list[Any]:
    return [
        pytest.param(name, value, id=f"{name}-{number}: {value[:20]!a}")
        for name, values in table.items()
        for number, value in enumerate(values)
    ]


def test_every_format_is_tried() -> None:
    assert sorted(ACCEPTED) == sorted(REFUSED) == FORMATS


@pytest.mark.parametrize(("name", "value"), cases(ACCEPTED))
def test_a_value_is_accepted(name: str, value: str) -> None:
    assert CUSTOM[name](value) is None


@pytest.mark.parametrize(("name", "value"), cases(REFUSED))
def test_a_value_is_refused(name: str, value: str) -> None:
    told = CUSTOM[name](value)

    assert told is not None
    assert "raised" not in told, "the constraint saw it coming"
    assert len(told) < 300, "a long value is cut"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("nothing", ["", None])
def test_nothing_passes_where_the_table_says_so(name: str, nothing: str | None) -> None:
    assert (CUSTOM[name](nothing) is None) == (name in EMPTY_PASSES)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("value", [5, 1.5, True, ["10.0.0.1"], {"a": 1}])
def test_what_is_not_text_is_refused(name: str, value: Any) -> None:
    assert CUSTOM[name](value) == f"{json.dumps(value)} is not text, and the custom constraint {name} is about text"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ip_addr", "web", '"web" is not an IP address (such as 10.0.0.1 or fd00::1)'),
        ("net_cidr", "10/8", '"10/8" is not a network (such as 10.0.0.0/24 or fd00::/64)'),
        ("cron_expression", "@daily", '"@daily" is not a cron expression of 5 to 7 fields (such as */5 * * * *)'),
        ("timezone", "Berlin", '"Berlin" is not the name of a time zone (such as Europe/Berlin)'),
        ("json_string", "[1,", '"[1," is not JSON: Expecting value: line 1 column 4 (char 3)'),
        ("json_string", "NaN", '"NaN" is not JSON: it has no NaN'),
    ],
)
def test_the_text_says_what_would_be_right(name: str, value: str, told: str) -> None:
    assert CUSTOM[name](value) == told


def test_an_expiration_is_held_against_the_time_now() -> None:
    expiration, now = CUSTOM["expiration"], datetime.now(UTC)

    assert expiration((now + timedelta(minutes=5)).isoformat()) is None
    assert expiration((now + timedelta(minutes=5)).replace(tzinfo=None).isoformat()) is None, "UTC without a zone"
    told = expiration((now - timedelta(minutes=5)).isoformat())
    assert told is not None
    assert f" is past; it is {now.year}-" in told


def test_no_format_asks_a_cloud() -> None:
    for name in FORMATS:
        CUSTOM[name]("web")

    assert LOOKUPS.asked == {}


@given(address=st.ip_addresses())
def test_every_address_is_one(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert CUSTOM["ip_addr"](str(address)) is None
    assert CUSTOM["ip_addr"](address.exploded) is None


@given(address=st.ip_addresses(), data=st.data())
def test_every_address_with_a_prefix_is_a_network(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, data: st.DataObject
) -> None:
    network = f"{address}/{data.draw(st.integers(0, address.max_prefixlen))}"

    assert CUSTOM["net_cidr"](network) is None
    assert CUSTOM["ip_or_cidr"](network) is None
    assert CUSTOM["ip_addr"](network) is not None


@given(octets=st.binary(min_size=6, max_size=6), separator=st.sampled_from(":-"))
def test_every_six_octets_are_a_mac_address(octets: bytes, separator: str) -> None:
    assert CUSTOM["mac_addr"](octets.hex(separator)) is None


@given(
    moment=st.datetimes(timezones=st.none() | ZONES), timespec=st.sampled_from(["minutes", "seconds", "microseconds"])
)
def test_every_moment_is_a_timestamp(moment: datetime, timespec: str) -> None:
    assert CUSTOM["iso_8601"](moment.isoformat(timespec=timespec)) is None


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=10))
def test_everything_that_is_written_as_json_is_json(value: Any) -> None:
    assert CUSTOM["json_string"](json.dumps(value)) is None


@given(name=domains())
def test_every_domain_is_a_dns_name_with_and_without_a_dot(name: str) -> None:
    assert CUSTOM["dns_name"](name) is None
    assert CUSTOM["dns_domain"](f"{name}.") is None
    assert (CUSTOM["rel_dns_name"](name) is None) == (len(name) <= 252)


@pytest.mark.parametrize("name", FORMATS)
@given(value=st.text(alphabet='0123456789abcdefhlrwTZ*/-,#?()[]{}":.+% \n\0') | st.text())
def test_no_text_makes_a_format_raise(name: str, value: str) -> None:
    told = CUSTOM[name](value)

    assert told is None or "raised" not in told
