"""Every option of `Config` as a flag, and `--config`, for the commands that need a configuration.

Made from the fields of `Config`, so that none can be forgotten. The values stay texts here: `Config` converts
and checks them, whatever source they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from pathlib import Path
from typing import Any, get_origin

import click
from pydantic.fields import FieldInfo

from engine import config
from engine.cli.exits import ExitCode, Failed
from engine.config import Config, ConfigInvalid

Function = Callable[..., None]


def config_options(*, only: Collection[str] = ()) -> Callable[[Function], Function]:
    """Add the flags (of `only` these options, if any are named), and pass the whole on as `loaded`."""
    names = [name for name in Config.model_fields if not only or name in only]

    def decorate(function: Function) -> Function:
        @wraps(function)
        def load(*, config_file: Path | None, **rest: Any) -> None:
            flags = {name: value for name in names if (value := rest.pop(name)) not in {None, ()}}
            try:
                function(loaded=config.load(flags, file=config_file), **rest)
            except ConfigInvalid as error:
                raise Failed(ExitCode.USAGE, "the configuration is wrong", error.problems) from None

        command: Function = load
        for name in reversed(names):
            command = _flag(name, Config.model_fields[name])(command)
        return click.option(
            "--config",
            "config_file",
            envvar="ISOTHERM_CONFIG",
            type=click.Path(dir_okay=False, path_type=Path),
            help="TOML file with any of these options.",
        )(command)

    return decorate


def _flag(name: str, option: FieldInfo) -> Callable[[Function], Function]:
    is_list = get_origin(option.annotation) is tuple
    default = option.get_default()
    text = option.description or ""
    if default not in {None, ()}:
        text += f"  [default: {', '.join(default) if is_list else default}]"
    return click.option(f"--{name.replace('_', '-')}", name, help=text, metavar="VALUE", multiple=is_list)
