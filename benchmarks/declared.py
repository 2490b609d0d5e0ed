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


def independent(count: int, *, changed: int = 0) -> str:
    """Return a template of so many unrelated resources; the first `changed` are declared otherwise."""
    return _HEAD + "".join(_INDEPENDENT.format(i, 33 if i < changed else 32) for i in range(count))


def chain(count: int) -> str:
    """Return a template of so many resources, each of which reads the value of the one before."""
    return _HEAD + _FIRST + "".join(_NEXT.format(i, i - 1) for i in range(1, count))
