"""What the commands that change a stack have in common: which stack is meant, and how they end."""

from __future__ import annotations

from typing import Final

from isotherm.v1 import common_pb2, stack_pb2, template_pb2

from engine.cli import messages, output, waiting
from engine.cli.causes import Sources
from engine.cli.client import Client
from engine.cli.options import Patience, Session
from engine.cli.output import Format
from engine.cli.waiting import Wait

_SUMMARY: Final = ("stack_name", "id", "status", "status_reason")


def identify(client: Client, stack: str) -> common_pb2.StackIdentity:
    """Return the identity of the stack of a name or an id."""
    request = stack_pb2.IdentifyStackRequest(stack_name=stack)
    return client.call(client.stub.IdentifyStack, request).stack_identity


def stored(client: Client, identity: common_pb2.StackIdentity) -> Sources:
    """Return the template that the engine has, to find lines in."""
    request = template_pb2.GetTemplateRequest(stack_identity=identity)
    return Sources("template", client.call(client.stub.GetTemplate, request).template)


def finish(session: Session, patience: Patience, wait: Wait) -> None:
    """Wait if asked to, and print the stack as it is then."""
    client, form = session.client, session.form
    if patience.wait:
        stack = waiting.until_settled(session, wait, patience.seconds)
        if form is Format.TABLE and not client.is_repetition:
            return  # what was shown while waiting has said it all
    else:
        request = stack_pb2.ShowStackRequest(stack_identity=wait.identity, resolve_outputs=False)
        stack = messages.plain(client.call(client.stub.ShowStack, request).stacks[0])
    output.show_one(form, messages.of_stack(stack), _SUMMARY)
