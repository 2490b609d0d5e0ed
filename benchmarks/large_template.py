"""A template as large as a stack may be, written the way people write them; for the section `language`.

Nodes of ten resources each: names and secrets, a setup script with its parameters, settings, what depends on a
condition, metadata. Nothing here is drawn by chance: the same count gives the same text, and 1,000 resources give
340 KB. Every node reads the one before it, so that what refers to what is a long graph without a circle.
"""

from __future__ import annotations

from typing import Any, Final

RESOURCES_OF_A_NODE: Final = 10
PARAMETERS: Final = {"key_name": "operations", "admin_password": "correct-horse-battery"}  # those without a default

_HEAD = """\
heat_template_version: 2018-08-31

description: >
  A cluster of nodes in front of a database, each set up by a script of its own,
  with monitoring and backups where they are asked for.

parameter_groups:
  - label: Machines
    description: what the nodes are made of
    parameters: [image, flavor, key_name, volume_size]
  - label: Network
    parameters:
      - network
      - domain
      - name_servers

parameters:
  image: {type: string, default: debian-12, description: Image that nodes are started from}
  flavor:
    type: string
    description: Size of a node
    default: m1.medium
    constraints:
      - allowed_values: [m1.small, m1.medium, m1.large, m1.xlarge]
        description: has to be one of the sizes that are paid for
  key_name:
    type: string
    description: Name of the key pair of the operators
    constraints:
      - length: {min: 1, max: 255}
      - allowed_pattern: '[a-zA-Z][a-zA-Z0-9_-]*'
        description: a letter, then letters, digits, dashes and underscores
  volume_size:
    type: number
    default: 20
    constraints:
      - range: {min: 10, max: 2000}
  network: {type: string, default: internal}
  domain:
    type: string
    default: example.org
    constraints:
      - allowed_pattern: '([a-z0-9-]+\\.)+[a-z]+'
  name_servers: {type: comma_delimited_list, default: '192.0.2.53,198.51.100.53'}
  admin_password:
    type: string
    hidden: true
    constraints:
      - length: {min: 12, max: 64}
  password_length: {type: number, default: 24, constraints: [{range: {min: 16, max: 128}}]}
  labels: {type: json, default: {team: platform, tier: gold, cost_center: "0815"}}
  monitored: {type: boolean, default: true}
  backups: {type: string, default: 'yes', constraints: [{allowed_values: ['yes', 'no']}]}

conditions:
  with_backups: {equals: [{get_param: backups}, 'yes']}
  with_monitoring:
    and:
      - get_param: monitored
      - not: {equals: [{get_param: network}, none]}
  large_volumes: {not: {equals: [{get_param: volume_size}, 20]}}

resources:
"""

_NODE = """\

  # --- node @N: @ROLE ---
  node_@N_id:
    type: OS::Heat::RandomString
    properties: {length: 8, character_classes: [{class: lowercase, min: 2}, {class: digits, min: 1}]}

  node_@N_password:
    type: OS::Heat::RandomString
    properties:
      length: {get_param: password_length}
      salt: {get_attr: [node_@N_id, value]}

  node_@N_cookie:
    type: OS::Heat::RandomString
    properties:
      length: 64
      character_classes:
        - class: hexdigits
          min: 64

  node_@N_name:
    type: OS::Heat::Value
    properties:
      type: string
      value:
        list_join:
          - '.'
          - - list_join: ['-', [@ROLE, '@N', {get_attr: [node_@N_id, value]}]]
            - get_param: domain

  node_@N_setup:
    type: OS::Heat::Value
    properties:
      type: string
      value:
        str_replace:
          params:
            $hostname: {get_attr: [node_@N_name, value]}
            $password: {get_attr: [node_@N_password, value]}
            $resolver: {get_param: [name_servers, 0]}
            $previous: @PREVIOUS
            $volume_gb: {get_param: volume_size}
            $wait_url: {get_resource: node_@N_ready}
          template: |
            #!/bin/bash
            set -eu -o pipefail
            hostnamectl set-hostname "$hostname"
            echo "nameserver $resolver" > /etc/resolv.conf

            apt-get update && apt-get install --yes --no-install-recommends @PACKAGE
            cat > /etc/@ROLE/node.conf <<CONF
            listen = 0.0.0.0:@PORT
            secret = "$password"
            upstream = $previous
            workers = @WORKERS
            CONF

            if ! blkid /dev/vdb; then
                mkfs.ext4 -L data /dev/vdb   # $volume_gb GB
            fi
            mount /dev/disk/by-label/data /srv/@ROLE
            systemctl enable --now @ROLE.service
            curl -fsS -X POST "$wait_url" -d '{"status": "SUCCESS"}'

  node_@N_ready:
    type: OS::Heat::TestResource
    properties: {value: "https://signals.example.org/node-@N", wait_secs: 0}

  node_@N_settings:
    type: OS::Heat::Value
    properties:
      type: json
      value:
        image: {get_param: image}
        flavor: {get_param: flavor}
        network: {get_param: network}
        role: @ROLE
        ports: [22, @PORT, 9100]
        limits: {open_files: 65536, memory_mb: @MEMORY, swap: false}
        labels: {get_param: labels}

  node_@N_server:
    type: OS::Heat::TestResource
    depends_on: [node_@N_ready, node_@N_settings]
    metadata:
      owner: operations
      kind: @ROLE
      key: {get_param: key_name}
      alarms:
        - {name: load, above: 4.5, minutes: 10}
        - {name: disk, above: 85, minutes: 30}
    properties:
      value: {get_resource: node_@N_setup}
      update_replace: @REPLACE
      action_wait_secs: {create: 0, update: 0, delete: 0}

  node_@N_volume:
    type: OS::Heat::TestResource
    condition: with_backups
    deletion_policy: Retain
    properties:
      value:
        str_replace:
          template: volume-$id-$size
          params: {$id: {get_attr: [node_@N_id, value]}, $size: {get_param: volume_size}}

  node_@N_monitor:
    type: OS::Heat::TestResource
    condition: with_monitoring
    properties:
      value: {if: [large_volumes, {get_attr: [node_@N_server, output]}, "node @N is checked every @MINUTES minutes"]}
"""

_OUTPUT = """\
  node_@N_address:
    description: Where node @N answers
    value:
      str_replace:
        template: https://host:@PORT/
        params: {host: {get_attr: [node_@N_name, value]}}
"""

_ROLES = (
    ("gateway", "haproxy socat", 8443),
    ("worker", "python3-venv redis-tools", 9000),
    ("store", "postgresql", 5432),
)
_OUTPUT_EVERY = 10  # nodes


def text(resources: int) -> str:
    """Return the template; the number of its resources is rounded up to whole nodes."""
    nodes = range(nodes_of(resources))
    outputs = (_filled(_OUTPUT, number) for number in nodes if number % _OUTPUT_EVERY == 0)
    return "".join([_HEAD, *(_filled(_NODE, number) for number in nodes), "\noutputs:\n", *outputs])


def nodes_of(resources: int) -> int:
    """Return how many nodes it takes to have so many resources."""
    return -(-resources // RESOURCES_OF_A_NODE)


def attributes(name: str) -> dict[str, Any]:
    """Return attributes that a resource of the template could have on a walk, by name."""
    return {"value": f"value of {name}", "output": f"output of {name}"}


def _filled(part: str, number: int) -> str:
    role, package, port = _ROLES[number % len(_ROLES)]
    previous = f"{{get_attr: [node_{number - 1:03}_name, value]}}" if number else "none"
    filled = {
        "@N": f"{number:03}",
        "@ROLE": role,
        "@PACKAGE": package,
        "@PORT": str(port + number),
        "@PREVIOUS": previous,
        "@WORKERS": str(2 + number % 7),
        "@MEMORY": str(1024 * (1 + number % 4)),
        "@REPLACE": "true" if number % 2 else "false",
        "@MINUTES": str(5 + number % 3),
    }
    for sign, value in filled.items():
        part = part.replace(sign, value)
    return part
