"""EngineService: the seed's class, and the one place where all parts are put together.

Built from a `Config`, started, stopped and waited for. Nothing else reads the configuration; every part gets what it
needs as values. The order of `start` and `stop` is that of rpc.md §5.4, except that a stop does not wait for walks to
end: they are left where they are, and whoever has the database next walks on.
"""

from __future__ import annotations

import importlib
import logging
import socket
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from isotherm.v1 import engine_service_pb2

from engine import global_environment
from engine import resources as built_in
from engine.api import callers, listener, rooms, server
from engine.clients.peers import POKE, Peers
from engine.config import Config, ConfigInvalid, split_address
from engine.model.errors import EngineError
from engine.model.ids import EngineId, StackId
from engine.model.records import ResourceRecord, ServiceRecord, StackRecord
from engine.plan.ending import Stopped
from engine.plugin import lifecycle, notifier
from engine.plugin import registry as registries
from engine.plugin.notifier import Notifier
from engine.runtime import machinery
from engine.runtime.bus import Bus
from engine.runtime.cage import Cage, CageLimits
from engine.runtime.clock import SystemClock
from engine.runtime.declared import Declared, Outside
from engine.runtime.lifecycle import Lifecycle
from engine.runtime.logbook import Logbook
from engine.runtime.neighbours import Answer, Neighbours
from engine.runtime.outlets import Outlets
from engine.store import database, events, migrate, requests, services
from engine.store.crypto import Keys
from engine.store.database import Database
from engine.template.facts import TimeLimit
from engine.template.queries import QueryLimits
from engine.template.source import Limits as TemplateLimits
from engine.template.target import Target
from engine.usecases import resets
from engine.usecases.definitions import Definitions
from engine.usecases.limits import Limits
from engine.usecases.nested import Nesting
from engine.usecases.signals import Signals
from engine.usecases.stacks import Stacks

log = logging.getLogger(__name__)

BINARY: Final = "isotherm-engine"
TOPIC: Final = "engine"
_HOUSEKEEPING: Final = StackId("engine")  # the group of the engine's own timers
_LISTENER_THREADS: Final = 4


class EngineService:
    """One engine process: its parts, and how they start and stop."""

    def __init__(self, config: Config) -> None:
        """Put the parts together; nothing is connected, and no thread runs."""
        self._config = config
        self.engine_id = EngineId(machinery.new_id())
        self._stopped = threading.Event()
        bus = Bus()
        keys = Keys.from_list(config.encryption_keys) if config.encryption_keys else _key_file(config)
        self._db = Database.open(config.database, keys, published=bus.publish)
        packages = [importlib.import_module(name) for name in config.plugin_packages]
        registry = registries.discover(built_in, *packages)
        self._cage = _cage(config)
        declared = Declared(registry, _template_limits(config), _outside(config, self._cage))
        shared_key = keys.derive("engine listener")
        self._peers = Peers(shared_key, timeout=config.engine_life_check_timeout)
        peers = Neighbours(self._db, _Listeners(self._peers))
        around = Lifecycle(lifecycle.discover(*packages))
        among = machinery.Surroundings(self.engine_id, bus, peers, self._ports_for, lifecycle=around)
        self._outlets = Outlets(self._db, registry, _notifiers(config))
        self._bus = bus
        self._machinery = machinery.assemble(self._db, declared, among, _settings(config))
        self._nesting = Nesting(
            self._db,
            declared,
            self._machinery.traversals,
            self._machinery.logbook,
            machinery.new_id,
            _limits(config),
        )
        self._callers = ThreadPoolExecutor(config.rpc_workers, thread_name_prefix="rpc")
        self._engines = ThreadPoolExecutor(_LISTENER_THREADS, thread_name_prefix="listener")
        self._server = server.Server(_public(config), self._public_door(), self._callers)
        self._listener = server.Server(_internal(config), self._internal_door(shared_key), self._engines)
        self._record = _service_record(config, self.engine_id)
        self.address = config.listen  # with the port that was taken, once started

    def start(self) -> None:
        """Bring the database up to date where that is ours to do, start answering, and walk on what was left."""
        if self._db.dialect == "sqlite":
            migrate.upgrade(self._db)
        self._outlets.start(self._bus)
        self._machinery.start()
        self._record = replace(self._record, listener_address=_bound(self._config.listener_listen, self._listener))
        self.service_manage_report()
        self.service_manage_cleanup()
        self.address = _bound(self._config.listen, self._server)
        self.create_periodic_tasks()
        self.reset_stack_status()
        self._server.ready(True)

    def stop(self) -> None:
        """Stop answering, leave the walks where they are for whoever walks next, and say goodbye."""
        if self._stopped.is_set():
            return
        self._server.ready(False)
        self._machinery.streams.stop()  # first: watchers learn why, and the server has nothing to wait for
        self._server.stop(grace=2.0)
        self._listener.stop()
        self._callers.shutdown()
        self._engines.shutdown()
        self._peers.close()
        try:
            self._machinery.stop()
            self._cage.stop()  # after the walks: one that finds it gone would fail a resource for that
            database.retrying(self._db, lambda tx: services.retire(tx, self.engine_id))
        finally:
            self._outlets.stop()  # after all that commits, and while the database can still be read
            self._db.close()
            self._stopped.set()

    def wait(self) -> None:
        """Return when the engine has stopped."""
        self._stopped.wait()

    def reset(self) -> None:
        """Take up a SIGHUP: set up logging again."""
        logging.getLogger().setLevel(self._config.log_level.upper())

    def create_periodic_tasks(self) -> None:
        """Report, look for walks that were left, and tidy up, from now on and periodically."""
        groups = self._machinery.groups
        groups.add_timer(_HOUSEKEEPING, self.service_manage_report)
        groups.add_timer(_HOUSEKEEPING, self._machinery.recovery.sweep)
        groups.add_timer(_HOUSEKEEPING, self._machinery.removals.sweep)
        groups.add_timer(_HOUSEKEEPING, self._purge_events)
        groups.add_timer(_HOUSEKEEPING, self._forget_answers)

    def service_manage_report(self) -> None:
        """Report that this engine lives, by the database's clock."""
        try:
            database.retrying(self._db, lambda tx: services.report(tx, self._record))
        except Exception:
            log.exception("the report of this engine was not written")

    def service_manage_cleanup(self) -> None:
        """Retire the engines of this host that have not reported for long."""
        database.retrying(self._db, lambda tx: services.retire_stale(tx, self._record))

    def reset_stack_status(self) -> int:
        """Walk on every stack whose engine is gone; return how many unfinished stacks there were.

        Where Heat marks them as failed, they are finished: a walk after a crash is the same walk again.
        """
        return self._machinery.recovery.sweep()

    def set_stack_and_resource_to_failed(self, stack: StackRecord) -> None:
        """Give up the walk of a stack: it and what is being waited for in it become FAILED."""
        reason = f"Engine went down during stack {stack.action}"
        self._machinery.conductor.halt(stack.id, Stopped(reason, roll_back=False))

    def _internal_door(self, shared_key: bytes) -> server.Door:
        groups = self._machinery.groups
        return listener.door(listener.Listener(self.engine_id, self._machinery.leave, groups.send), shared_key)

    def _public_door(self) -> server.Door:
        config, parts = self._config, self._machinery
        sinks = parts.declared.registry.sinks()
        stacks = Stacks(
            self._db,
            parts.declared,
            parts.traversals,
            Definitions(machinery.new_id, parts.declared.template, sinks, parts.declared.limits),
            parts.logbook,
            machinery.new_id,
            _limits(config),
            config.hidden_stack_tags,
        )
        furnished = rooms.furnish(
            stacks,
            db=self._db,
            declared=parts.declared,
            ports_for=self._ports_for,
            streams=parts.streams,
            removals=parts.removals,
            signals=Signals(self._db, parts.declared, parts.logbook, self.engine_id, parts.traversals.wake),
            max_nested_stack_depth=config.max_nested_stack_depth,
            revision=config.revision,
        )
        service = engine_service_pb2.DESCRIPTOR.services_by_name["EngineService"]
        return server.Door(service, furnished, callers.noauth)

    def _ports_for(self, stack: StackRecord, resource: ResourceRecord, target: Target) -> Mapping[str, Any]:
        return {"stacks": self._nesting.within(stack, resource, target)}

    def _purge_events(self) -> None:
        keep, batch = self._config.max_events_per_stack, self._config.event_purge_batch_size
        if not keep:
            return
        with self._db.read() as tx:
            long = events.long_histories(tx, keep)
        for stack_id in long:
            prune = partial(events.prune, stack_id=stack_id, keep=keep, batch=batch)
            while database.retrying(self._db, prune) == batch:
                pass

    def _forget_answers(self) -> None:
        database.retrying(self._db, lambda tx: requests.forget(tx, tx.now() - requests.LIFETIME))


def stored_keys(config: Config) -> Keys:
    """Return the keys that engines with this configuration seal with; raise INVALID_ENCRYPTION_KEY if there are none.

    Where an engine that starts makes a key, whoever comes to what engines have stored must not: nothing would open.
    """
    return Keys.from_list(config.encryption_keys) if config.encryption_keys else Keys.from_file(config.key_file())


def reset_stack(db: Database, stack_id: StackId) -> Sequence[StackRecord]:
    """Give up what is under way in a stack and all nested in it, whoever walks them; return them, outer ones first.

    For operators; no engine has to run. Raise STACK_NOT_FOUND.
    """
    return resets.reset(db, stack_id, Logbook(machinery.new_id, SystemClock().now))


class _Listeners:
    """The listeners of other engines, as the runtime asks them."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    def ask(self, address: str, engine_id: EngineId) -> Answer:
        """Ask whether the engine is there."""
        return Answer(self._peers.ask(address, engine_id).value)

    def poke(self, address: str, stack: StackRecord) -> None:
        """Ask the engine there to look at the stack; it looks by itself too, only later."""
        try:
            self._peers.send(address, stack.identity, POKE)
        except EngineError as error:
            log.info("stack %s: %s", stack.id, error)


def _public(config: Config) -> server.Listen:
    return server.Listen(config.listen, max_message_bytes=config.max_message_size, loopback_only=True)


def _internal(config: Config) -> server.Listen:
    return server.Listen(config.listener_listen, is_public=False)


def _bound(address: str, started: server.Server) -> str:
    """Start a server and return its address, with the port that it took."""
    host, _ = split_address(address)
    port = started.start()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _key_file(config: Config) -> Keys:
    return Keys.generate_file(config.key_file())


def _cage(config: Config) -> Cage:
    return Cage(CageLimits(seconds=config.yaql_time_limit), QueryLimits(config.limit_iterators, config.memory_quota))


def _outside(config: Config, cage: Cage) -> Outside:
    operator = global_environment.NOTHING
    if config.environment_dir is not None:
        limits = _template_limits(config)
        operator = global_environment.load(config.environment_dir, config.template_dir, limits=limits)
    return Outside(
        queries=cage,
        operator=operator.registry,
        files=operator.files,
        limit=TimeLimit(config.template_time_limit, cage.thread_time),
    )


def _settings(config: Config) -> machinery.Settings:
    return machinery.Settings(
        pool_size=config.pool_size,
        periodic_interval=config.periodic_interval,
        plugin_call_timeout=config.plugin_call_timeout,
        stack_action_timeout=config.stack_action_timeout,
    )


def _template_limits(config: Config) -> TemplateLimits:
    return TemplateLimits(
        max_size=config.max_template_size,
        max_resources=config.max_resources_per_stack,
        max_nested_depth=config.max_nested_stack_depth,
        max_growth=config.max_template_growth,
    )


def _limits(config: Config) -> Limits:
    return Limits(
        max_stacks_per_tenant=config.max_stacks_per_tenant,
        max_resources_per_stack=config.max_resources_per_stack,
        max_nested_stack_depth=config.max_nested_stack_depth,
        max_snapshots_per_stack=config.max_snapshots_per_stack,
        enable_stack_abandon=config.enable_stack_abandon,
        enable_stack_adopt=config.enable_stack_adopt,
    )


def _notifiers(config: Config) -> Mapping[str, Notifier]:
    try:
        return notifier.named(config.notifications)
    except notifier.UnknownNotifier as error:
        raise ConfigInvalid([f"notifications: {error}"]) from error


def _service_record(config: Config, engine_id: EngineId) -> ServiceRecord:
    return ServiceRecord(
        engine_id=engine_id,
        host=config.host,
        hostname=socket.gethostname(),
        binary=BINARY,
        topic=TOPIC,
        report_interval=config.periodic_interval,
        created_time=datetime.now(UTC),
    )
