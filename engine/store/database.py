"""The way in: short transactions, `read()` and `write()`, and nothing else that holds a connection.

Called by usecases, runtime and service. What a reader could not guess: on SQLite all writers of this process take turns
on one connection (the file has one writer anyway, and a turn in a queue is fairer and cheaper than SQLite's busy wait),
while readers keep connections of their own and see a snapshot. Events of a transaction are handed on after its commit
and outside of every lock, so that a slow listener never holds the database.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from engine.model.errors import Code, EngineError
from engine.model.records import EventRecord
from engine.store import backends
from engine.store.backends import Backend
from engine.store.crypto import Keys
from engine.store.types import UtcTime

T = TypeVar("T")

_TRIES: Final = 5
_FIRST_PAUSE_S: Final = 0.01
_CLOCK: Final = select(func.clock_timestamp(type_=UtcTime()))
_MYSQL_CLOCK: Final = select(func.utc_timestamp(6, type_=UtcTime()))


class Disturbed(EngineError):
    """The transaction did not happen, for a reason that passes: the same work may succeed when done again."""


class Tx:
    """One transaction: what the functions of store take. It ends with the `with` that made it."""

    __slots__ = ("_database", "_now", "connection", "events")

    def __init__(self, database: Database, connection: Connection) -> None:
        self.connection = connection
        self.events: list[EventRecord] = []  # appended in this transaction, positions set; published after the commit
        self._database = database
        self._now: datetime | None = None

    @property
    def dialect(self) -> str:
        """Return sqlite, postgresql or mysql."""
        return self._database.dialect

    @property
    def keys(self) -> Keys:
        """Return the keys that seal and open secrets."""
        return self._database.keys

    def now(self) -> datetime:
        """Return the database's time, in UTC; the same for the whole transaction."""
        if self._now is None:
            self._now = self._database.clock(self.connection)
        return self._now


class Database:
    """One database and the connections to it; made by `open`, used by any thread, ended by `close`."""

    def __init__(self, engine: Engine, backend: Backend, keys: Keys, *, published: Publish) -> None:
        self.engine = engine
        self.keys = keys
        self.url = engine.url.render_as_string(hide_password=False)
        self.dialect = backend.name
        self._backend = backend
        self._published = published
        self._readers: deque[Connection] = deque()  # SQLite only: idle ones; append and pop are atomic
        self._writer: Connection | None = None  # SQLite only: owned by whoever holds the turn
        self._turn = threading.Lock()
        # SQLite lets go of the interpreter at every step of a query. Without turns, threads that all read take it from
        # each other at each of these steps, which costs more than the reading; in turn they answer half as many again.
        self._reading: AbstractContextManager[object] = threading.RLock() if backend.is_file else nullcontext()

    @classmethod
    def open(cls, url: str, keys: Sequence[bytes] | Keys, *, published: Publish | None = None) -> Database:
        """Return the database of `url`; nothing is connected yet, so a server that is down shows at the first use."""
        parsed = backends.parse_url(url)
        backend = backends.backend_of(parsed)
        if backend.is_file and parsed.database:
            backends.create_private_file(parsed.database)
        engine = create_engine(parsed, **backend.options)

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            for statement in backend.on_connect:
                cursor.execute(statement)
            cursor.close()

        if backend.is_file:
            event.listen(engine, "before_cursor_execute", _refuse_nul)
        held = keys if isinstance(keys, Keys) else Keys(keys)
        return cls(engine, backend, held, published=published or _nobody_listens)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Yield a transaction that sees one snapshot and writes nothing."""
        with self._reading:
            try:
                connection = self._take_reader()
                try:
                    yield Tx(self, connection)
                finally:
                    connection.rollback()
                    self._give_back(connection)
            except SQLAlchemyError as error:
                raise self._translate(error) from error

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Yield a transaction that is committed at the end, or rolled back if the block raises.

        After the commit `published` gets its events. Raise `Disturbed` where doing it again may help.
        """
        try:
            with self._writing() as connection:
                tx = Tx(self, connection)
                try:
                    yield tx
                except BaseException:
                    connection.rollback()
                    raise
                self._commit(connection)
        except SQLAlchemyError as error:
            raise self._translate(error) from error
        if tx.events:
            self._published(tx.events)

    def close(self) -> None:
        """Close every connection; transactions that are under way must have ended."""
        with self._turn:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        while self._readers:
            self._readers.pop().close()
        self.engine.dispose()

    def clock(self, connection: Connection) -> datetime:
        """Return the database's time. SQLite runs in this process: its clock is ours, and finer when we read it."""
        if self._backend.is_file:
            return datetime.now(UTC)
        now: datetime = connection.execute(_CLOCK if self.dialect == "postgresql" else _MYSQL_CLOCK).scalar_one()
        return now

    def _take_reader(self) -> Connection:
        if not self._backend.is_file:
            return self._server_connection(self._backend.begin_read)
        try:
            connection = self._readers.pop()  # the one used last: its cache is warm
        except IndexError:
            connection = self.engine.connect()
            connection.exec_driver_sql(self._backend.on_reader)
        _begin(connection, self._backend.begin_read)
        return connection

    def _give_back(self, connection: Connection) -> None:
        if self._backend.is_file and not connection.invalidated:
            self._readers.append(connection)
        else:
            connection.close()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._backend.is_file:
            with self._turn:
                if self._writer is None:
                    self._writer = self.engine.connect()
                _begin(self._writer, self._backend.begin_write)
                yield self._writer
        else:
            with self._server_connection(self._backend.begin_write) as connection:
                yield connection

    def _server_connection(self, begin: Sequence[str]) -> Connection:
        """Return a connection in a transaction. BEGIN is the ping: a stale connection is replaced, nobody notices."""
        connection = self.engine.connect()
        try:
            _begin(connection, begin)
        except DBAPIError as error:
            connection.close()
            if not error.connection_invalidated:
                raise
            connection = self.engine.connect()  # SQLAlchemy has dropped the whole pool: this one is new
            _begin(connection, begin)
        return connection

    def _commit(self, connection: Connection) -> None:
        try:
            connection.commit()
        except DBAPIError as error:
            if not error.connection_invalidated:
                connection.rollback()
                raise
            # It may have landed. Doing it again would find its own traces and report a race that it lost.
            message = "the connection was lost while a change was committed; it may or may not have landed"
            raise EngineError(Code.DATABASE_UNAVAILABLE, message) from error

    def _translate(self, error: SQLAlchemyError) -> EngineError:
        if isinstance(error, PoolTimeout):
            return EngineError(Code.DATABASE_UNAVAILABLE, "all connections to the database are busy")
        if not isinstance(error, DBAPIError):
            return EngineError(Code.INTERNAL, f"the store failed: {type(error).__name__}")
        if self._backend.may_retry(error):
            return Disturbed(Code.CONCURRENT_TRANSACTION, "another transaction was faster; try again")
        if wrong := self._backend.wrong_value(error):
            return EngineError(Code.INVALID_ARGUMENT, wrong)
        if error.connection_invalidated:
            return Disturbed(Code.DATABASE_UNAVAILABLE, "the connection to the database was lost")
        if isinstance(error, OperationalError | InterfaceError):
            return EngineError(Code.DATABASE_UNAVAILABLE, f"the database cannot be used: {_first_line(error)}")
        return EngineError(Code.INTERNAL, f"the database refused a statement: {type(error).__name__}")


def retrying(database: Database, work: Callable[[Tx], T]) -> T:
    """Return `work(tx)`, done in one `write()` and done again, up to five times, when the database was disturbed.

    `work` must be repeatable: whatever it does outside of its transaction happens as often as it is called.
    """
    for attempt in range(1, _TRIES):
        try:
            with database.write() as tx:
                return work(tx)
        except Disturbed:
            # Full jitter: two that collided must not meet again.
            time.sleep(random.uniform(0, _FIRST_PAUSE_S * 2**attempt))  # noqa: S311
    with database.write() as tx:
        return work(tx)


Publish = Callable[[Sequence[EventRecord]], None]


def _begin(connection: Connection, statements: Sequence[str]) -> None:
    try:
        for statement in statements:
            connection.exec_driver_sql(statement)
    except SQLAlchemyError:
        connection.rollback()  # SQLAlchemy believes that a transaction has begun
        raise


def _refuse_nul(*about: Any) -> None:
    """Take what SQLAlchemy tells of a statement that is about to be sent."""
    _connection, _cursor, _statement, parameters, _context, is_many = about
    backends.refuse_nul(parameters if is_many else (parameters,))


def _nobody_listens(_events: Sequence[EventRecord]) -> None:
    pass


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).splitlines() or [""])[0]
