"""`isotherm serve`: an engine in this process, until a signal ends it.

The signals are blocked before the engine starts its threads and then waited for: so the one thread that has
nothing else to do takes them, never one in the middle of a transaction, and a signal during the start waits
until the engine can be stopped in order.
"""

from __future__ import annotations

import gc
import logging
import signal
import sys
from typing import Final

import click

from engine.cli.exits import ExitCode, Failed
from engine.cli.settings import config_options
from engine.config import Config, ConfigInvalid, Loaded, without_password
from engine.service import EngineService

log = logging.getLogger(__name__)
_ENDS: Final = frozenset({signal.SIGTERM, signal.SIGINT})


@click.command()
@config_options()
def command(loaded: Loaded) -> None:
    """Run an engine until SIGTERM or SIGINT, which stop it in order.

    What stacks were doing then goes on when an engine starts on the same database. Each option can also be
    given in a TOML file, as pool_size, and in the environment, as ISOTHERM_POOL_SIZE.
    """
    config = loaded.config
    logging.basicConfig(
        stream=sys.stderr,
        level=config.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    service = _started(config)
    database = without_password(config.database)
    click.echo(f"isotherm ready on {service.address} (engine {service.engine_id}, database {database})")
    sys.stdout.flush()
    signal.sigwait(_ENDS)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)  # a second one ends it at once
    service.stop()
    service.wait()


def _started(config: Config) -> EngineService:
    """Return a running engine; raise Failed with one line if it cannot run, whatever the reason is."""
    try:
        service = EngineService(config)
    except ConfigInvalid:
        raise
    except Exception as error:
        raise _no_start(error) from error
    try:
        service.start()
    except Exception as error:
        service.stop()  # its threads would keep the process
        raise _no_start(error) from error
    gc.collect()
    gc.freeze()  # what is here now is here for good: later collections, which stop every thread, pass it over
    return service


def _no_start(error: Exception) -> Failed:
    log.debug("the engine could not start", exc_info=error)
    hint = "--log-level debug shows where that comes from"
    return Failed(ExitCode.STACK_FAILED, f"the engine could not start: {error}", [hint])
