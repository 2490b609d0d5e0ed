"""Templates that nest: houses of which one may be broken inside. For tests of what looks into whole trees."""

from __future__ import annotations

from typing import Final

from kit.served import HOT

HOUSE: Final = f"""{HOT}
parameters:
  broken: {{type: boolean, default: false}}
  paint: {{type: string, default: white}}
resources:
  wände: {{type: OS::Heat::TestResource, properties: {{value: {{get_param: paint}}}}}}
  door: {{type: OS::Heat::TestResource, depends_on: wände, properties: {{fail: {{get_param: broken}}}}}}
  roof: {{type: OS::Heat::TestResource, depends_on: door}}
"""
STREET: Final = f"""{HOT}
parameters:
  broken: {{type: boolean, default: false}}
  paint: {{type: string, default: white}}
resources:
  ground: {{type: OS::Heat::TestResource}}
  left: {{type: house.yaml, depends_on: ground}}
  right:
    type: house.yaml
    depends_on: ground
    properties: {{broken: {{get_param: broken}}, paint: {{get_param: paint}}}}
  lamp: {{type: OS::Heat::Value, depends_on: [left, right], properties: {{value: on}}}}
"""
FILES: Final = {"house.yaml": HOUSE}
BROKEN: Final = {"broken": True}
