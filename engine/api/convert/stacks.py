"""Stacks as messages, and what callers ask of them as values (rpc.md §2.1, §3.1 to §3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from isotherm.v1 import common_pb2
from isotherm.v1 import stack_pb2 as pb

from engine.api.convert import identities, outputs, pages, resources, templates
from engine.model.ids import NO_STACK
from engine.model.records import StackRecord
from engine.template import parse
from engine.usecases.commands import CreateStack, Options, UpdateStack
from engine.usecases.stacks import ListStacks
from engine.usecases.views import StackView, UpdatePreview

Create = pb.CreateStackRequest | pb.PreviewStackRequest
Update = pb.UpdateStackRequest | pb.PreviewUpdateStackRequest


def stack(view: StackView) -> pb.Stack:
    """Return a stack with all its details; a preview has no state."""
    record = view.stack
    is_preview = record.id == NO_STACK
    return pb.Stack(
        stack_name=record.name,
        stack_identity=identities.stack_identity(record.identity),
        creation_time=identities.timestamp(record.created_time),
        updated_time=identities.timestamp(record.updated_time),
        deletion_time=identities.timestamp(record.deleted_time),
        parameters=view.parameters,
        description=record.description,
        template_description=record.description,
        disable_rollback=record.disable_rollback,
        timeout_mins=record.timeout_mins,
        stack_owner=record.username,
        parent=record.owner_id or "",
        stack_user_project_id=record.user_project_id,
        tags=record.tags,
        stack_action=common_pb2.STACK_ACTION_UNSPECIFIED if is_preview else identities.STACK_ACTION[record.action],
        stack_status=common_pb2.STATUS_UNSPECIFIED if is_preview else identities.STATUS[record.status],
        stack_status_reason="" if is_preview else record.reason,
        outputs=[outputs.output(one) for one in view.outputs or ()],
        resources=[resources.previewed(one) for one in view.resources],
    )


def summary(record: StackRecord) -> pb.StackSummary:
    """Return a stack as it stands in a list."""
    return pb.StackSummary(
        stack_identity=identities.stack_identity(record.identity),
        stack_name=record.name,
        description="" if record.description == parse.NO_DESCRIPTION else record.description,
        stack_action=identities.STACK_ACTION[record.action],
        stack_status=identities.STATUS[record.status],
        stack_status_reason=record.reason,
        creation_time=identities.timestamp(record.created_time),
        updated_time=identities.timestamp(record.updated_time),
        deletion_time=identities.timestamp(record.deleted_time),
        stack_owner=record.username,
        parent=record.owner_id or "",
        stack_user_project_id=record.user_project_id,
        tags=record.tags,
    )


def update_preview(found: UpdatePreview) -> pb.PreviewUpdateStackResponse:
    """Return what an update would do."""
    return pb.PreviewUpdateStackResponse(
        unchanged=[resources.compared(one) for one in found.unchanged],
        updated=[resources.compared(one) for one in found.updated],
        replaced=[resources.compared(one) for one in found.replaced],
        added=[resources.compared(one) for one in found.added],
        deleted=[resources.compared(one) for one in found.deleted],
    )


def summaries(records: Sequence[StackRecord], marker: str) -> pb.ListStacksResponse:
    """Return a page of stacks."""
    messages, following = pages.fit(records, marker, convert=summary, marker_of=lambda record: record.id)
    return pb.ListStacksResponse(stacks=messages, next_marker=following)


def shown(views: Sequence[StackView], marker: str) -> pb.ShowStackResponse:
    """Return one stack, or a page of all."""
    messages, following = pages.fit(views, marker, convert=stack, marker_of=lambda view: view.stack.id)
    return pb.ShowStackResponse(stacks=messages, next_marker=following)


def list_stacks(request: pb.ListStacksRequest) -> ListStacks:
    """Return which stacks are wanted, in what order."""
    return ListStacks(
        limit=identities.limit(request),
        marker=request.marker,
        sort_keys=tuple(request.sort_keys),
        sort_dir=identities.sort_dir(request.sort_dir),
        **_selection(request),
    )


def count_stacks(request: pb.CountStacksRequest) -> ListStacks:
    """Return which stacks are counted."""
    return ListStacks(**_selection(request))


def all_stacks(request: pb.ShowStackRequest) -> ListStacks:
    """Return the page of all stacks that is wanted, for a request that names no stack."""
    return ListStacks(limit=identities.limit(request), marker=request.marker)


def create_stack(request: Create) -> CreateStack:
    """Return what is to be created."""
    return CreateStack(
        name=request.stack_name,
        given=templates.given(request),
        adopt_stack_data=request.adopt_stack_data,
        options=Options(
            timeout_mins=request.timeout_mins if request.HasField("timeout_mins") else None,
            disable_rollback=request.disable_rollback if request.HasField("disable_rollback") else None,
            tags=tuple(request.tags) or None,
        ),
        request_id=request.request_id if isinstance(request, pb.CreateStackRequest) else "",
    )


def update_stack(request: Update) -> UpdateStack:
    """Return what a stack is to become."""
    keeps_tags = request.existing and not request.tags and not request.clear_tags
    return UpdateStack(
        identity=identities.wanted_stack(request),
        given=templates.given(request),
        options=Options(
            timeout_mins=request.timeout_mins or None,  # absent and 0 mean the same
            disable_rollback=request.disable_rollback if request.HasField("disable_rollback") else None,
            tags=None if keeps_tags else tuple(request.tags),
        ),
        existing=request.existing,
        clear_parameters=tuple(request.clear_parameters),
        converge=request.converge if request.HasField("converge") else None,
        request_id=request.request_id if isinstance(request, pb.UpdateStackRequest) else "",
        show_nested=request.show_nested if isinstance(request, pb.PreviewUpdateStackRequest) else False,
    )


class _Selection(TypedDict):
    filters: Mapping[str, Sequence[object]]
    show_deleted: bool
    show_nested: bool
    show_hidden: bool
    tags: Sequence[str]
    tags_any: Sequence[str]
    not_tags: Sequence[str]
    not_tags_any: Sequence[str]
    all_projects: bool


def _selection(request: pb.ListStacksRequest | pb.CountStacksRequest) -> _Selection:
    """Return what a list and a count have in common."""
    return _Selection(
        filters={field.name: list(given) for field, given in request.filters.ListFields()},
        show_deleted=request.show_deleted,
        show_nested=request.show_nested,
        show_hidden=request.show_hidden,
        tags=tuple(request.tags),
        tags_any=tuple(request.tags_any),
        not_tags=tuple(request.not_tags),
        not_tags_any=tuple(request.not_tags_any),
        all_projects=request.HasField("tenant_safe") and not request.tenant_safe,
    )
