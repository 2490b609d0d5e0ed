"""A template used as a resource type: its resources are a stack inside the stack (engine.md §8).

Nobody writes the type's name in a template: a resource whose type is a template file, or is mapped to one, is
built by this type. The stack inside is walked like any other, by any engine. This resource asks for it and
waits: the runtime calls `poll` as soon as the stack inside has come to its end, and every few seconds in case
that hint was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from engine.model.errors import Code, EngineError
from engine.model.states import Action, Status
from engine.plugin import (
    Context,
    Done,
    NestedRequest,
    NestedStack,
    Observed,
    Outcome,
    Poll,
    Replace,
    ResourceFailed,
    ResourceType,
)
from engine.plugin.resource_type import TEMPLATE_TYPE
from engine.schema import paths
from engine.schema.support import Support, SupportStatus

LOOK_AGAIN: Final = 5.0  # seconds
STACK_ID_OUTPUT: Final = "OS::stack_id"  # an output of this name stands in for the stack's own ARN
INNER: Final = "resource."  # attributes of this prefix reach a resource inside


class TemplateResource(ResourceType):
    """A stack inside a stack. Properties and attributes are those of its template."""

    type_name = TEMPLATE_TYPE
    support = Support(SupportStatus.HIDDEN)
    keeps_failed = True
    builds_outside = True
    always_observes = True
    supersedes = True
    any_property = True
    any_attribute = True

    def create(self, ctx: Context) -> Outcome:
        """Start the stack inside."""
        return _waiting_for(ctx.stacks.create(ctx.idempotency_token, _request(ctx)))

    def update(self, ctx: Context) -> Outcome:
        """Bring the stack inside to its new template and parameters, even if its last walk failed.

        One that was never created is created now; one that was taken away from outside needs a new resource.
        """
        stack_id = _stack_id(ctx)
        if stack_id is None:
            return self.create(ctx)
        if ctx.stacks.get(stack_id) is None:
            return Replace("the nested stack is gone")
        token = f"{ctx.record.id}/{ctx.record.version}"  # the same only when this very update is tried again
        return _waiting_for(ctx.stacks.update(stack_id, token, _request(ctx)))

    def delete(self, ctx: Context) -> Outcome:
        """Start to delete the stack inside."""
        stack_id = _stack_id(ctx)
        stack = ctx.stacks.delete(stack_id) if stack_id is not None else None
        return _waiting_for(stack) if stack is not None else Done()

    def adopt(self, ctx: Context) -> Outcome:
        """Make a stack inside around what the stack was that was given away; it adopts in its turn."""
        given = ctx.data.get("adopted")
        if not isinstance(given, Mapping):
            raise ResourceFailed("the data to adopt hold no nested stack for it")
        return _waiting_for(ctx.stacks.create(ctx.idempotency_token, replace(_request(ctx), adopted=given)))

    def suspend(self, ctx: Context) -> Outcome:
        """Start to put to rest what is inside."""
        return _acting(ctx)

    def resume(self, ctx: Context) -> Outcome:
        """Start to wake what is inside."""
        return _acting(ctx)

    def check(self, ctx: Context) -> Outcome:
        """Start to check what is inside."""
        return _acting(ctx)

    def snapshot(self, ctx: Context) -> Outcome:
        """Start to save what is inside."""
        return _acting(ctx)

    def forget(self, ctx: Context) -> Outcome:
        """Start to delete the stack inside and nothing that it has built."""
        stack_id = _stack_id(ctx)
        stack = ctx.stacks.delete(stack_id, retain=True) if stack_id is not None else None
        return _waiting_for(stack) if stack is not None else Done()

    def observe(self, ctx: Context) -> Observed | None:
        """Look whether the stack inside is there and as it was left.

        With `converge` it has to look in its turn, and a restore goes through everything inside.
        """
        stack_id = _stack_id(ctx)
        if stack_id is None:
            return None
        stack = ctx.stacks.get(stack_id)
        if stack is None:
            return Observed(is_gone=True)
        goes_inside = ctx.stack.manner.observe or ctx.stack.action is Action.RESTORE
        return Observed(differs=goes_inside or not stack.is_settled)

    def poll(self, ctx: Context) -> Outcome:
        """Look whether the stack inside has come to its end."""
        stack = ctx.stacks.get(ctx.token["stack_id"])
        if ctx.action is Action.DELETE:
            return _deleted(stack)
        if stack is None or stack.state.action is Action.DELETE:
            raise ResourceFailed("the nested stack was deleted meanwhile")
        match stack.state.status:
            case Status.IN_PROGRESS:
                return _waiting_for(stack)
            case Status.FAILED:
                raise ResourceFailed(stack.reason, cause=stack.reason)
            case Status.COMPLETE:
                reference = _reference(ctx, stack)
                done = Done(physical_id=stack.id, nested_stack_id=stack.id, reference=reference)
                return replace(done, data={}) if ctx.action is Action.ADOPT else done  # what was adopted is used up

    def find(self, ctx: Context) -> Outcome | None:
        """Return the stack that an interrupted create has left, to be waited for."""
        stack = ctx.stacks.find(ctx.idempotency_token)
        return _waiting_for(stack) if stack is not None else None

    def attribute(self, ctx: Context, name: str, path: tuple[str | int, ...]) -> Any:
        """Return an output, or with `resource.<name>[.<attribute>]` what a resource inside yields."""
        stack_id = _stack_id(ctx)
        if stack_id is None:
            return None
        if name.startswith(INNER):
            resource, _, inner = name.removeprefix(INNER).partition(".")
            return ctx.stacks.inner(stack_id, resource, (inner, *path) if inner else path)
        try:
            value = ctx.stacks.output(stack_id, name)
        except KeyError:
            text = f"the template of {ctx.name} has no output {name}"
            raise EngineError(Code.INVALID_TEMPLATE_ATTRIBUTE, text, resource=ctx.name, key=name) from None
        return paths.select(value, path)


def _acting(ctx: Context) -> Outcome:
    """Start in the stack inside what is done with its resource."""
    stack_id = _stack_id(ctx)
    if stack_id is None or ctx.stacks.get(stack_id) is None:
        raise ResourceFailed("the nested stack is gone")
    token = f"{ctx.record.id}/{ctx.record.version}"
    return _waiting_for(ctx.stacks.act(stack_id, token, ctx.action))


def _stack_id(ctx: Context) -> str | None:
    """Return the id of the stack inside, looked up where a create was cut short before it told it."""
    known = ctx.record.nested_stack_id or ctx.physical_id
    if known is not None:
        return known
    found = ctx.stacks.find(ctx.idempotency_token)
    return found.id if found is not None else None


def _request(ctx: Context) -> NestedRequest:
    text = ctx.files.get(ctx.template_file)
    if text is None:
        raise ResourceFailed(f"the stack has no file {ctx.template_file}")
    given = {name: value for name, value in ctx.properties.items() if value is not None}
    parameters = {name: _parameter(value) for name, value in given.items()}
    return NestedRequest(template=text, template_file=ctx.template_file, parameters=parameters)


def _parameter(value: Any) -> Any:
    """Return a property as a parameter inside takes it: lists are text there (templates.md §17.2)."""
    if not isinstance(value, list):
        return value
    if value and isinstance(value[0], Mapping):
        pairs = ((index, key, item[key]) for index, item in enumerate(value) for key in item)
        return ",".join(f".member.{index}.{key}={text}" for index, key, text in pairs)
    return ",".join("" if item is None else str(item) for item in value)


def _waiting_for(stack: NestedStack) -> Poll:
    token = {"stack_id": stack.id}
    return Poll(after=LOOK_AGAIN, token=token, physical_id=stack.id, nested_stack_id=stack.id)


def _deleted(stack: NestedStack | None) -> Outcome:
    if stack is None or stack.state == (Action.DELETE, Status.COMPLETE):
        return Done()
    if stack.state == (Action.DELETE, Status.FAILED):
        raise ResourceFailed(stack.reason, cause=stack.reason)
    return _waiting_for(stack)


def _reference(ctx: Context, stack: NestedStack) -> Any:
    """Return what get_resource yields: what the template says with its output, or the ARN if it says nothing."""
    try:
        told = ctx.stacks.output(stack.id, STACK_ID_OUTPUT)
    except (KeyError, EngineError):
        return stack.arn
    return stack.arn if told is None else told
