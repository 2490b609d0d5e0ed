"""What an operator can set: one frozen `Config`, and where each of its values came from.

Read by `service.py` and `cli/` alone; every other floor gets the values that it needs as parameters. Later
wins: defaults, a TOML file, `ISOTHERM_*` of the environment, flags. A key that nobody knows is an error in
each of them: a misspelt limit that is silently ignored is found out on the day it was needed. The names are
Heat's where Heat has one (rpc.md §8), and so are its -1 and 0 for "no limit".
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import socket
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX: Final = "ISOTHERM_"
MASK: Final = "******"
# Variables that the command line reads by itself; they are no options of an engine.
CLIENT_VARIABLES: Final = frozenset({"ISOTHERM_CONFIG", "ISOTHERM_ENDPOINT", "ISOTHERM_PROJECT"})
_SQLITE_FILE: Final = re.compile(r"sqlite(?:\+\w+)?:///(?!:memory:)(?P<path>[^?]+)")
_PASSWORD: Final = re.compile(r"(?P<user>://[^:/@]*):.*@")


class Auth(StrEnum):
    """How the engine learns who calls."""

    NOAUTH = "noauth"  # it believes the metadata of the call; on a loopback address only


class ConfigInvalid(ValueError):
    """The configuration is wrong; `problems` says everything that is."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def split_address(text: str) -> tuple[str, int]:
    """Return host and port of `host:port` or `[v6]:port`; the port is -1 if there is none."""
    host, _, port = text.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port) if port.isdecimal() else -1


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach the host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def without_password(url: str) -> str:
    """Return a database URL as it may be shown."""
    return _PASSWORD.sub(rf"\g<user>:{MASK}@", url)


def _texts(value: object) -> object:
    """Return a text as the list that it stands for: the environment has only text. What is empty is no item."""
    if isinstance(value, str):
        value = tuple(part.strip() for part in value.split(","))
    return tuple(part for part in value if part != "") if isinstance(value, tuple) else value


def _address(value: str) -> str:
    host, port = split_address(value)
    if not host or not 0 <= port <= 65535:
        raise ValueError(f'"{value}" is no address; an address is HOST:PORT, such as 127.0.0.1:8790')
    return value


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_texts)]
Address = Annotated[str, BeforeValidator(_address)]
Count = Annotated[int, Field(ge=1)]
Limit = Annotated[int, Field(ge=-1)]
Seconds = Annotated[float, Field(gt=0)]


class Config(BaseSettings):
    """The options of an engine. The description of each is the help of its flag."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    host: str = Field(default_factory=socket.gethostname, description="Name of this machine in the list of services.")
    listen: Address = Field("127.0.0.1:8790", description="Address for clients; port 0 takes a free one.")
    listener_listen: Address = Field("127.0.0.1:0", description="Address for the other engines.")
    auth: Auth = Field(Auth.NOAUTH, description="How callers are known; noauth only goes with loopback.")
    database: str = Field("sqlite:///isotherm.db", repr=False, description="URL of the database, SQLite or PostgreSQL.")
    encryption_keys: Texts = Field(
        (), repr=False, description="Keys for secrets at rest, base64 of 32 bytes; the first seals."
    )
    encryption_key_file: Path | None = Field(
        None, description="File of such keys, made at the first start. Default: beside the SQLite file."
    )
    pool_size: Count = Field(16, description="Threads that work on resources.")
    # More threads answer fewer calls: they take the interpreter from each other at every statement of a query.
    rpc_workers: Count = Field(8, description="Threads that answer calls.")
    max_message_size: Count = Field(16 * 2**20, description="Largest request, in bytes.")
    periodic_interval: Count = Field(60, description="Seconds between two signs of life of this engine.")
    engine_life_check_timeout: Seconds = Field(2, description="Seconds to wait for a sign of another.")
    max_stacks_per_tenant: Limit = Field(512, description="Most stacks of a project; -1: no limit.")
    max_resources_per_stack: Limit = Field(1000, description="Most resources of a tree of stacks; -1: no limit.")
    max_nested_stack_depth: Count = Field(5, description="Deepest nesting of stacks.")
    max_snapshots_per_stack: Limit = Field(32, description="Most snapshots of a stack; -1: no limit.")
    enable_stack_abandon: bool = Field(False, description="Whether stacks can be exported and abandoned.")
    enable_stack_adopt: bool = Field(False, description="Whether stacks can take over existing resources.")
    max_template_growth: Count = Field(
        20_000_000, description="Most characters that the functions of one template may make; a value counts as 50."
    )
    template_time_limit: Seconds = Field(
        1, description="Seconds of processor time for checking a template, for a resource of it, or for its outputs."
    )
    limit_iterators: Limit = Field(200, description="Most items that a yaql expression may go through; -1: no limit.")
    memory_quota: Limit = Field(10_000, description="Most bytes of one value in a yaql expression; -1: no limit.")
    yaql_time_limit: Seconds = Field(1, description="Seconds until a process that computes yaql is killed.")
    environment_dir: Path | None = Field(
        None, description="Folder of environments that map type names for every stack. Default: none."
    )
    template_dir: Path | None = Field(None, description="Folder of the templates that those name. Default: none.")
    max_template_size: Count = Field(524288, description="Longest template, in characters.")
    # Heat keeps 1,000. The creation of a stack of 1,000 resources makes 2,002: its beginning would be gone
    # before its end, and a watcher that comes back could not go on where it was.
    max_events_per_stack: Annotated[int, Field(ge=0)] = Field(
        100_000, description="Events kept of a stack; 0: all of them."
    )
    event_purge_batch_size: Count = Field(200, description="Events purged at a time beyond that number.")
    stack_action_timeout: Count = Field(3600, description="Seconds that an action on a stack may take.")
    plugin_call_timeout: Seconds = Field(
        600, description="Seconds after which a call of a resource type that hangs is given up."
    )
    hidden_stack_tags: Texts = Field((), description="Stacks with one of these tags are not listed.")
    plugin_packages: Texts = Field((), description="Importable packages with more resource types and other plugins.")
    # Heat has none by default, because there a notification goes to a message bus that may not be there. A log always
    # is, and which stack began what, and how it ended, is what one looks for in it first.
    notifications: Texts = Field(
        ("log",), description="Who is told when actions on stacks begin and end: log, names of plugins; empty: nobody."
    )
    revision: str = Field("unknown", description="What GetRevision answers.")
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = Field(
        "info", description="What to log: debug, info, warning or error, and what is worse."
    )

    @model_validator(mode="after")
    def _noauth_stays_at_home(self) -> Self:
        if not is_loopback(split_address(self.listen)[0]):
            raise ValueError(
                "listen: auth noauth believes whoever calls, so it only goes with a loopback address "
                f"such as 127.0.0.1:8790; {self.listen} is none"
            )
        return self

    def key_file(self) -> Path:
        """Return the file of the keys; raise ConfigInvalid if nothing says where it is.

        Beside an SQLite file there is one obvious place. Engines that share a database server need the same
        keys, and a file that each made for itself would let one write what no other can read.
        """
        if self.encryption_key_file is not None:
            return self.encryption_key_file
        found = _SQLITE_FILE.match(self.database)
        if found is None:
            raise ConfigInvalid(["encryption_key_file: this database needs it, or encryption_keys"])
        return Path(found["path"]).with_suffix(".key")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and where the value of each option came from, in words."""

    config: Config
    origins: Mapping[str, str]

    def shown(self) -> dict[str, Any]:
        """Return the values by name as they may be shown: plain JSON, secrets masked."""
        values = self.config.model_dump(mode="json")
        values["database"] = without_password(self.config.database)
        values["encryption_keys"] = [MASK] * len(self.config.encryption_keys)
        return values


def load(flags: Mapping[str, Any], *, file: Path | None = None) -> Loaded:
    """Return the configuration of all sources together; raise ConfigInvalid with everything that is wrong."""
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Config.model_fields, "default")
    for origin, given in (
        (f"file {file}", _read(file) if file else {}),
        ("environment", _environment()),
        ("flag", flags),
    ):
        values |= given
        origins |= dict.fromkeys(given, origin)
    known = {name: value for name, value in values.items() if name in Config.model_fields}
    problems = [_unknown(name, origins[name]) for name in values if name not in known]
    try:
        config = Config(**known)
    except ValidationError as error:
        problems += _wrong(error, origins)
        raise ConfigInvalid(problems) from None
    if problems:
        raise ConfigInvalid(problems)
    return Loaded(config, origins)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigInvalid([f"{file}: {error.strerror}"]) from error
    except ValueError as error:
        raise ConfigInvalid([f"{file}: {error}"]) from error


def _environment() -> Mapping[str, Any]:
    """Return what the variables say, the unknown ones too, so that they are found out."""
    ours = (name for name in os.environ if name.upper().startswith(PREFIX) and name not in CLIENT_VARIABLES)
    return {name.upper().removeprefix(PREFIX).lower(): os.environ[name] for name in ours}


def _unknown(name: str, origin: str) -> str:
    near = difflib.get_close_matches(name, Config.model_fields, n=1)
    return f"{name} ({origin}): there is no such option" + (f"; did you mean {near[0]}?" if near else "")


def _wrong(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    problems = []
    for detail in error.errors(include_url=False, include_input=False):
        message = detail["msg"].removeprefix("Value error, ")
        name = str(detail["loc"][0]) if detail["loc"] else ""
        problems.append(f"{name} ({origins[name]}): {message}" if name else message)
    return problems
