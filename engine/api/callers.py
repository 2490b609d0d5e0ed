"""Who calls, as the metadata of a call say it (rpc.md §7).

Each function here is an `Authenticate` of the interceptors; the service chooses one. A Caller is made here and
nowhere else, and never from a message.
"""

from __future__ import annotations

import re
from typing import Final

from engine.api.interceptors import REQUEST_ID, Headers
from engine.model.errors import Code, EngineError
from engine.model.records import Caller

DEFAULT_PROJECT: Final = "default"
ADMIN: Final = "admin"  # the role that sees all projects
_NAME: Final = re.compile(r"[^\s/]{1,64}")


def noauth(headers: Headers, _peer: str) -> Caller:
    """Return whoever the caller claims to be. Only for a loopback address, where the machine's own users are trusted.

    A caller who names neither project nor roles is the operator at a shell of the engine's own machine, and may see all
    projects; whoever acts for a project has the roles that are named, and no others.
    """
    project = headers.get("x-project-id", "")
    roles = frozenset(role.strip() for role in headers.get("x-roles", "").split(",") if role.strip())
    if not project and "x-roles" not in headers:
        roles = frozenset({ADMIN})
    if project and not _NAME.fullmatch(project):
        text = "x-project-id: a project is 1 to 64 characters without spaces and slashes"
        raise EngineError(Code.NOT_AUTHENTICATED, text)
    return Caller(
        project=project or DEFAULT_PROJECT,
        user=headers.get("x-auth-user") or headers.get("x-user-id", ""),
        roles=roles,
        request_id=headers[REQUEST_ID],
    )
