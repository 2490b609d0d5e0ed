"""What the engine has of a stack: its resources with those of every stack nested in it, and what it was made from.

Read by the commands that look into a stack and draw or judge it elsewhere; nothing is printed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml
from isotherm.v1 import common_pb2, resource_pb2, stack_pb2, template_pb2

from engine.cli import messages
from engine.cli.causes import Sources
from engine.cli.client import Client
from engine.cli.options import DEPTH, stack_called

Path = tuple[str, ...]  # names, from the stack that was asked for downwards; (): that stack itself

NOTHING: Final = Sources("", "")  # of a stack that was rolled back: what the engine has then is not what failed


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource, and where in the tree it is."""

    path: Path  # down to this one
    values: Mapping[str, Any]  # the message, as `messages.of_resource` tells it

    @property
    def name(self) -> str:
        """Return its own name."""
        return self.path[-1]

    @property
    def type(self) -> str:
        """Return its type, as the template says."""
        return str(self.values["resource_type"])

    @property
    def action(self) -> str:
        """Return what was last done with it."""
        return str(self.values["resource_action"])

    @property
    def status(self) -> str:
        """Return how far that came."""
        return str(self.values["resource_status"])

    @property
    def reason(self) -> str:
        """Return why it is in this state."""
        return str(self.values["resource_status_reason"])

    @property
    def is_reached(self) -> bool:
        """Return whether a walk has ever come to it."""
        return self.action != "INIT"

    @property
    def nested_name(self) -> str:
        """Return the name of the nested stack that it consists of; "": there is none."""
        nested = self.values["nested_stack_id"]
        return str(nested["stack_name"]) if nested else ""

    @property
    def required_by(self) -> Sequence[str]:
        """Return the names of what directly needs it, in the same stack."""
        return tuple(self.values["required_by"])


@dataclass(frozen=True, slots=True)
class Inventory:
    """A stack and everything in it."""

    stack: Mapping[str, Any]  # the message, as `messages.of_stack` tells it
    contents: Mapping[Path, Sequence[Resource]]  # by what holds them: a resource that is a nested stack; (): the stack

    @property
    def identity(self) -> common_pb2.StackIdentity:
        """Return the whole identity of the stack."""
        return common_pb2.StackIdentity(**self.stack["stack_identity"])

    @property
    def name(self) -> str:
        """Return the name of the stack."""
        return str(self.stack["stack_name"])

    @property
    def resources(self) -> Iterator[Resource]:
        """Yield all resources as the templates order them, each before what is nested in it."""
        waiting = list(reversed(self.inside(())))
        while waiting:
            yield (resource := waiting.pop())
            waiting += reversed(self.inside(resource.path))

    def inside(self, path: Path) -> Sequence[Resource]:
        """Return what the nested stack of a resource consists of; with the empty path the stack itself."""
        return self.contents.get(path, ())


def read(client: Client, name: str, *, depth: int = DEPTH) -> Inventory:
    """Return a stack, a deleted one too, with its resources down to so many levels of nested stacks."""
    request = stack_pb2.ShowStackRequest(stack_identity=stack_called(name), resolve_outputs=False)
    stack = client.call(client.stub.ShowStack, request).stacks[0]
    listing = resource_pb2.ListStackResourcesRequest(stack_identity=stack.stack_identity, nested_depth=depth)
    found = client.items(client.stub.ListStackResources, listing, "resources")
    values = [messages.of_resource(messages.plain(one)) for one in found]
    return Inventory(messages.of_stack(messages.plain(stack)), placed(stack.stack_identity.stack_id, values))


def sources(client: Client, identity: common_pb2.StackIdentity) -> Sources:
    """Return the texts that the engine has of a stack, to find lines in."""
    stub = client.stub
    template = client.call(stub.GetTemplate, template_pb2.GetTemplateRequest(stack_identity=identity)).template
    files = client.call(stub.GetFiles, template_pb2.GetFilesRequest(stack_identity=identity)).files
    asked = template_pb2.GetEnvironmentRequest(stack_identity=identity)
    environment = messages.plain(client.call(stub.GetEnvironment, asked))["environment"]
    return Sources("template", template, dict(files), (yaml.safe_dump(environment),))


def placed(root_id: str, found: Iterable[Mapping[str, Any]]) -> dict[Path, list[Resource]]:
    """Return the resources by the path of what holds them; the engine lists them level by level."""
    paths: dict[str, Path] = {root_id: ()}  # of stacks, by id
    contents: dict[Path, list[Resource]] = {}
    for values in found:
        above = paths.get(values["stack_identity"]["stack_id"])
        if above is None:
            continue  # its holder went while the pages were read
        resource = Resource((*above, values["resource_name"]), values)
        contents.setdefault(above, []).append(resource)
        if values["nested_stack_id"]:
            paths[values["nested_stack_id"]["stack_id"]] = resource.path
    return contents
