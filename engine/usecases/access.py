"""Which stack a caller means, and whether it is theirs to see: used by every use case that takes an identity.

A stack that belongs to another project is not found, never forbidden, so that names and ids can't be probed (rpc.md
§1.3).
"""

from __future__ import annotations

import uuid

from engine.model.errors import Code, EngineError, stack_not_found
from engine.model.ids import StackId, StackIdentity
from engine.model.records import Caller, StackRecord
from engine.store import stacks
from engine.store.database import Tx


def resolve(tx: Tx, caller: Caller, identity: StackIdentity, *, show_deleted: bool = False) -> StackRecord:
    """Return the stack of an identity; raise STACK_NOT_FOUND or INVALID_TENANT.

    The full form must match in every part. A name alone or an id alone, in either field, is looked up as `identify`
    does.
    """
    if identity.tenant and identity.tenant != caller.project:
        text = f"Searching Tenant {identity.tenant} from Tenant {caller.project} forbidden."
        raise EngineError(Code.INVALID_TENANT, text, target=identity.tenant, actual=caller.project)
    wanted = identity.stack_name or identity.stack_id
    if identity.path or not wanted:
        raise stack_not_found(wanted)
    if identity.stack_name and identity.stack_id:
        stack = _own(stacks.get(tx, StackId(identity.stack_id), show_deleted=show_deleted), caller)
        if stack is None or stack.name != identity.stack_name:
            raise stack_not_found(identity.stack_name)
        return stack
    return by_name_or_id(tx, caller, wanted, show_deleted=show_deleted)


def by_name_or_id(tx: Tx, caller: Caller, wanted: str, *, show_deleted: bool) -> StackRecord:
    """Return the stack that a name or an id stands for; what looks like an id may still be a name (rpc.md §3.1)."""
    if _looks_like_an_id(wanted):
        stack = _own(stacks.get(tx, StackId(wanted), show_deleted=show_deleted), caller)
        if stack is not None:
            return stack
    stack = stacks.by_name(tx, caller.project, wanted)
    if stack is None:
        raise stack_not_found(wanted)
    return stack


def _own(stack: StackRecord | None, caller: Caller) -> StackRecord | None:
    return stack if stack is not None and caller.project in (stack.project, stack.user_project_id) else None


def _looks_like_an_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
