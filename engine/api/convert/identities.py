"""What every noun needs: identities, states, times, and the limits of lists.

Called by the other modules of convert and by the rooms.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from isotherm.v1 import common_pb2 as pb

from engine.model.errors import Code, EngineError
from engine.model.ids import StackIdentity
from engine.model.states import Action, Status

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)

STATUS: Final[Mapping[str, pb.Status.ValueType]] = {status: pb.Status.Value(f"STATUS_{status}") for status in Status}
STACK_ACTION: Final[Mapping[str, pb.StackAction.ValueType]] = {
    action: pb.StackAction.Value(f"STACK_ACTION_{action}") for action in Action if action is not Action.INIT
}
RESOURCE_ACTION: Final[Mapping[str, pb.ResourceAction.ValueType]] = {
    action: pb.ResourceAction.Value(f"RESOURCE_ACTION_{action}") for action in (*Action, "SIGNAL")
}
_SORT_DIR: Final = {
    pb.SORT_DIR_UNSPECIFIED: "",
    pb.SORT_DIR_ASC: "asc",
    pb.SORT_DIR_DESC: "desc",
}


def stack_identity(identity: StackIdentity) -> pb.StackIdentity:
    """Return the identity of a stack as a message."""
    return pb.StackIdentity(
        tenant=identity.tenant, stack_name=identity.stack_name, stack_id=identity.stack_id, path=identity.path
    )


def resource_identity(identity: StackIdentity) -> pb.ResourceIdentity:
    """Return the identity of a resource as a message."""
    return pb.ResourceIdentity(
        tenant=identity.tenant, stack_name=identity.stack_name, stack_id=identity.stack_id, path=identity.path
    )


def event_identity(identity: StackIdentity) -> pb.EventIdentity:
    """Return the identity of an event as a message."""
    return pb.EventIdentity(
        tenant=identity.tenant, stack_name=identity.stack_name, stack_id=identity.stack_id, path=identity.path
    )


def wanted_stack(request: Any) -> StackIdentity:
    """Return which stack a request is about; raise INVALID_ARGUMENT if it does not say."""
    found = wanted_stack_if_any(request)
    if found is None:
        text = "stack_identity: it must be said which stack is meant; a name or an id is enough"
        raise EngineError(Code.INVALID_ARGUMENT, text, field="stack_identity")
    return found


def wanted_stack_if_any(request: Any) -> StackIdentity | None:
    """Return which stack a request is about; None: it names none."""
    if not request.HasField("stack_identity"):
        return None
    given: pb.StackIdentity = request.stack_identity
    return StackIdentity(given.tenant, given.stack_name, given.stack_id, given.path)


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Return a point in time as a message; None, which leaves its field absent, for none."""
    if moment is None:
        return None
    since = moment - _EPOCH
    return Timestamp(seconds=since // _SECOND, nanos=moment.microsecond * 1000)


def limit(request: Any) -> int | None:
    """Return the `limit` of a list; None: all. Raise INVALID_ARGUMENT for a negative one."""
    if not request.HasField("limit"):
        return None
    given: int = request.limit
    if given < 0:
        raise EngineError(Code.INVALID_ARGUMENT, f"limit: {given} is negative", field="limit")
    return given


def sort_dir(given: pb.SortDir.ValueType) -> str:
    """Return asc, desc or "" for the list's own direction; raise INVALID_ARGUMENT for a number without a name."""
    if given not in _SORT_DIR:
        raise EngineError(Code.INVALID_ARGUMENT, f"sort_dir: {given} is no direction", field="sort_dir")
    return _SORT_DIR[given]
