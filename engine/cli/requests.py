"""What a user gives for a stack, as the fields that creating, updating, previewing and validating have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.struct_pb2 import Struct

from engine.cli import files
from engine.cli.causes import Sources
from engine.cli.options import Definition


@dataclass(frozen=True, slots=True)
class Given:
    """The fields of a request, and the texts that they came from."""

    fields: dict[str, Any]
    sources: Sources


def given(definition: Definition) -> Given:
    """Return the definition with every file read that it needs; raise Failed if one is missing."""
    parameters = dict(definition.parameters)
    texts = files.collect(definition.template, definition.environments, parameters)
    values = Struct()
    values.update(parameters)
    fields = {
        "template": texts.template,
        "environment": texts.environment,
        "parameters": values,
        "files": texts.files,
        "environment_files": texts.environment_files,
    }
    environments = tuple(texts.files[name] for name in texts.environment_files) or (texts.environment,)
    name = str(definition.template) if definition.template else "the stack's template"
    return Given(fields, Sources(name, texts.template, texts.files, environments))
