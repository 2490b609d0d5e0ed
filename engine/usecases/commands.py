"""What callers ask for, as values: the arguments of the calls that take more than a few.

`api/convert` makes them from messages, the use cases take them. None means "not given" wherever that differs from
empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.model.ids import StackIdentity


@dataclass(frozen=True, slots=True)
class Given:
    """A definition as a caller gives it."""

    template: str = ""  # text; "": not given
    environment: str = ""  # text of one environment; not read when environment_files are given
    parameters: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    environment_files: Sequence[str] = ()  # names in `files`, merged in this order


@dataclass(frozen=True, slots=True)
class Options:
    """How a stack is to be run; None keeps what is stored, or the default of a new stack."""

    timeout_mins: int | None = None
    disable_rollback: bool | None = None
    tags: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class CreateStack:
    """Bring a new stack to what is given."""

    name: str
    given: Given
    options: Options = Options()
    adopt_stack_data: str = ""  # what AbandonStack or ExportStack answered, as text; "": an ordinary create
    request_id: str = ""  # a repeated call with the same id gets the first answer; "": none


@dataclass(frozen=True, slots=True)
class UpdateStack:
    """Bring a stack to something else."""

    identity: StackIdentity
    given: Given
    options: Options = Options()
    existing: bool = False  # what is not given stays as it is (PATCH)
    clear_parameters: Sequence[str] = ()  # with existing: stored parameters to forget
    converge: bool | None = None  # look at what is really there before comparing; None: as at the last update
    request_id: str = ""
    show_nested: bool = False  # a preview: tell of nested resources too
