"""The templates that are measured."""

from __future__ import annotations

_HEAD = "heat_template_version: 2015-10-15\nresources:\n"
_INDEPENDENT = "  r{0:05}:\n    type: OS::Heat::RandomString\n    properties: {{length: {1}}}\n"
_FIRST = "  r00000:\n    type: OS::Heat::RandomString\n"
_NEXT = """\
  r{0:05}:
    type: OS::Heat::RandomString
    properties:
      salt: {{get_attr: [r{1:05}, value]}}
"""

# As a stack that somebody runs: few resources, one of them read by an output.
ORDINARY = """\
heat_template_version: 2015-10-15
description: a name and a password
parameters:
  length: {type: number, default: 16}
resources:
  name:
    type: OS::Heat::RandomString
    properties: {length: 8}
  password:
    type: OS::Heat::RandomString
    properties: {length: {get_param: length}, salt: {get_attr: [name, value]}}
outputs:
  name:
    description: what it is called
    value: {get_attr: [name, value]}
"""

_FIVE = """\
heat_template_version: 2015-10-15
description: number {0}
resources:
  name: {{type: OS::Heat::RandomString, properties: {{length: 8}}}}
  token: {{type: OS::Heat::RandomString, properties: {{length: {1}}}}}
  user: {{type: OS::Heat::RandomString, properties: {{salt: {{get_attr: [name, value]}}}}}}
  admin: {{type: OS::Heat::RandomString, properties: {{salt: {{get_attr: [name, value]}}}}}}
  all:
    type: OS::Heat::Value
    properties: {{value: [{{get_attr: [user, value]}}, {{get_attr: [admin, value]}}, {{get_attr: [token, value]}}]}}
outputs:
  all: {{value: {{get_attr: [all, value]}}}}
"""
_PLAIN = "  plain{0:05}:\n    type: OS::Heat::RandomString\n    properties: {{length: {1}}}\n"
_WAITING = """\
  waiting{0:05}:
    type: OS::Heat::TestResource
    properties: {{value: "{1}", action_wait_secs: {{update: {2}}}}}
"""
_FOR_EVER = -1
_SHORTEST = 16  # of what is random
_GROUP = {
    "kept{0:05}": "{{type: OS::Heat::RandomString, properties: {{length: {1}}}}}",
    "waiting{0:05}": "{{type: OS::Heat::TestResource, properties: "
    "{{value: {{get_attr: [kept{0:05}, value]}}, action_wait_secs: {{update: 0.2}}}}}}",
    "user{0:05}": "{{type: OS::Heat::RandomString, properties: {{salt: {{get_attr: [waiting{0:05}, output]}}}}}}",
    "new{0:05}of{1:05}": "{{type: OS::Heat::RandomString, properties: {{salt: {{get_attr: [kept{0:05}, value]}}}}}}",
}


def independent(count: int, *, changed: int = 0) -> str:
    """Return a template of so many unrelated resources; the first `changed` are declared otherwise."""
    return _HEAD + "".join(_INDEPENDENT.format(i, 33 if i < changed else 32) for i in range(count))


def chain(count: int) -> str:
    """Return a template of so many resources, each of which reads the value of the one before."""
    return _HEAD + _FIRST + "".join(_NEXT.format(i, i - 1) for i in range(1, count))


def five(number: int, *, length: int = 16) -> str:
    """Return a template of five resources that read each other, no two of the same text; its output reads them all."""
    return _FIVE.format(number, length)


def waiting(count: int, value: int) -> str:
    """Return a template of so many resources; with another value half of them wait for ever, half are replaced."""
    half = count // 2
    waits = (_WAITING.format(i, value, _FOR_EVER) for i in range(count - half))
    return _HEAD + "".join(waits) + "".join(_PLAIN.format(i, value) for i in range(half))


def generation(count: int, number: int) -> tuple[str, set[str]]:
    """Return a template of about so many resources, and their names.

    From one generation to the next a quarter of them is replaced, a quarter waits, a quarter is replaced because of
    those, and a quarter gives way to others of new names.
    """
    found = {
        name.format(group, number): text.format(group, _SHORTEST + number)
        for group in range(max(1, count // len(_GROUP)))
        for name, text in _GROUP.items()
    }
    return _HEAD + "".join(f"  {name}: {text}\n" for name, text in found.items()), set(found)
