"""A pool of connections to SQLite files: SQLAlchemy's pool classes, one pool for each file."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import Counter, OrderedDict
from typing import Any, Dict, List, Optional, Set, Union

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as CheckoutTimeout
from sqlalchemy.pool import NullPool, Pool, QueuePool

from nutrace.errors import NutraceError
from nutrace.recording.clock import now_ns
from nutrace.speedups.forks import watch
from nutrace.speedups.log_file import identity
from nutrace.speedups.pool_options import Options
from nutrace.speedups.pooled import PooledConnection

# What a pool notes about a connection, in SQLAlchemy's record of it.
_IDENTITY = "nutrace.identity"
_FRESH = "nutrace.fresh"


class PoolExhaustedError(NutraceError):
    """No connection came back in time."""


class ConnectionPool:
    """Connections to SQLite files, each in one pair of hands at a time.

    Threads may share a pool. A forked child begins with an empty one, and leaves the connections
    that it inherited alone: they are the parent's.

    Parameters
    ----------
    options:
        See :class:`~nutrace.speedups.pool_options.Options`; ``None`` takes the defaults.
    """

    def __init__(self, options: Optional[Options] = None) -> None:
        self.options = options or Options()
        self._inherited: List[Any] = []
        self._begin()
        watch(self)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._pools: OrderedDict[str, Pool] = OrderedDict()
        self._held: Dict[str, Counter[int]] = {}  # by file and thread
        # Files for which one waited in vain: until half of the connections are back, whoever holds them
        # hoards, and nobody waits for them again.
        self._stuck: Set[str] = set()
        self._figures: Counter[str] = Counter()
        self._fastest_ns = 2**62

    def connect(self, file: Union[str, bytes, os.PathLike[Any]]) -> PooledConnection:
        """A connection to `file`, to be closed by whoever has it, or collected with them.

        Raises
        ------
        PoolExhaustedError
            If all connections are out and none comes back in time; at once if they are all in the
            hands of the thread that asks, or if half of them are not back since one waited in vain.
        sqlite3.Error
            If the file cannot be opened.
        """
        name = os.path.abspath(os.fsdecode(file))
        began = now_ns()
        with self._lock:
            pool = self._pool(name)
            held = self._held.setdefault(name, Counter())
            out = sum(held.values())
            if self.options.pool_size and held[threading.get_ident()] >= self.options.most:
                self._figures["exhausted"] += 1
                raise PoolExhaustedError(
                    f"all {self.options.most} connections to {name} are held by the thread that asks for "
                    "one more: exhaust or close its generators, or raise max_overflow"
                )
            if name in self._stuck and out >= self.options.most:
                self._figures["exhausted"] += 1
                raise self._exhausted(name)
            held[threading.get_ident()] += 1
        try:
            fairy = pool.connect()
        except CheckoutTimeout:
            with self._lock:
                self._release(name, held, threading.get_ident())
                self._stuck.add(name)
            self._count(exhausted=1, waits=1, wait_ns=now_ns() - began)
            raise self._exhausted(name) from None
        except BaseException:
            self._release(name, held, threading.get_ident())
            raise
        took = now_ns() - began
        reused = not fairy.info.pop(_FRESH, False)
        waited = bool(self.options.pool_size) and out >= self.options.most
        self._count(
            checkouts=1,
            in_use=1,
            reused=int(reused),
            spent_ns=took if reused and not waited else 0,
            waits=int(waited),
            wait_ns=took if waited else 0,
        )
        return PooledConnection(self, name, held, fairy, reused, retired=lambda: self._is_retired(name, pool))

    def close(self) -> None:
        """Close the connections that are in; those that are out close when they come back."""
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.dispose()

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``connections`` were opened, ``reused`` checkouts found one open; ``spent_ns`` is the time in
        those checkouts, and ``avoided_ns`` what the fastest opening took, as often as one was reused:
        an estimate, without what a new connection's first statement takes to read the schema.
        ``exhausted`` checkouts got none. ``open`` are open now, ``in_use`` of them by queries, and no
        more than ``most`` at a time, as long as there are pools; ``pending`` checkouts are under way.
        """
        with self._lock:
            found = Counter(self._figures)
            names = (
                *("checkouts", "reused", "connections", "replaced", "waits", "wait_ns", "exhausted"),
                *("open", "in_use", "spent_ns"),
            )
            figures = {name: found[name] for name in names}
            figures["pending"] = sum(sum(held.values()) for held in self._held.values()) - found["in_use"]
            if self.options.pool_size:
                figures["most"] = self.options.most * len(self._pools)
            figures["avoided_ns"] = found["reused"] * self._fastest_ns if found["reused"] else 0
            return figures

    # -- for its connections -----------------------------------------------------------------

    def give_back(self, connection: PooledConnection) -> None:
        """A connection is no longer used."""
        with self._lock:
            self._figures["in_use"] -= 1
            self._release(connection.file, connection.held, connection.thread)
            if sum(connection.held.values()) <= self.options.most // 2:
                self._stuck.discard(connection.file)

    def keep_inherited(self, fairy: Any) -> None:
        """A parent process's connection: closing it here could undo what the parent has locked."""
        self._inherited.append(fairy)

    def _release(self, name: str, held: Counter[int], thread: int) -> None:
        with self._lock:
            held[thread] -= 1
            if held[thread] <= 0:
                del held[thread]
            if not held and self._held.get(name) is held and name not in self._pools:
                del self._held[name]

    def _exhausted(self, name: str) -> PoolExhaustedError:
        return PoolExhaustedError(
            f"no connection to {name} came back within {self.options.timeout_s:g} s: all "
            f"{self.options.most} are in use; exhaust or close generators, or raise max_overflow"
        )

    def _is_retired(self, name: str, pool: Pool) -> bool:
        return self._pools.get(name) is not pool

    # -- pools -------------------------------------------------------------------------------

    def _pool(self, name: str) -> Pool:
        pool = self._pools.get(name)
        if pool is None:
            pool = self._pools[name] = self._make(name)
            while len(self._pools) > self.options.files:
                self._pools.popitem(last=False)[1].dispose()
        self._pools.move_to_end(name)
        return pool

    def _make(self, name: str) -> Pool:
        def creator() -> Any:
            began = now_ns()
            before = identity(name)
            # A generator may be collected, and its connection come back, in any thread.
            connection = sqlite3.connect(name, check_same_thread=False)
            found = identity(name)
            made[id(connection)] = found if found == before else None
            with self._lock:
                self._fastest_ns = min(self._fastest_ns, now_ns() - began)
            self._count(connections=1, open=1)
            return connection

        made: Dict[int, Any] = {}
        shared: Dict[str, Any] = {"recycle": self.options.recycle_s, "reset_on_return": None}
        pool: Pool
        if self.options.pool_size:
            pool = QueuePool(
                creator,
                pool_size=self.options.pool_size,
                max_overflow=self.options.max_overflow,
                timeout=self.options.timeout_s,
                **shared,
            )
        else:
            pool = NullPool(creator, **shared)

        def connected(connection: Any, record: Any) -> None:
            record.info[_IDENTITY] = made.pop(id(connection), None)
            record.info[_FRESH] = True

        def checked_out(connection: Any, record: Any, fairy: Any) -> None:
            if not record.info.get(_FRESH) and record.info[_IDENTITY] != identity(name):
                self._count(replaced=1)
                raise DisconnectionError(f"{name} is not what it was")

        event.listen(pool, "connect", connected)
        event.listen(pool, "close", lambda connection, record: self._count(open=-1))
        if self.options.pre_ping:
            event.listen(pool, "checkout", checked_out)
        return pool

    def _count(self, **figures: int) -> None:
        with self._lock:
            for name, figure in figures.items():
                self._figures[name] += figure

    # -- forks -------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Let no thread be in the middle of a change."""
        self._lock.acquire()

    def after_fork(self, in_child: bool) -> None:
        """Go on; a child with nothing of its parent's."""
        if in_child:
            self._inherited.append((self._pools, self._held))
            self._begin()
        else:
            self._lock.release()


def notice_changes(pool: Pool) -> None:
    """Make an engine's pool open its connections anew when their file is replaced or written to.

    Its connections are made by the program, and know themselves which file they are of.
    """

    def connected(connection: Any, record: Any) -> None:
        file = next((row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"), "")
        record.info[_IDENTITY] = file, identity(file)

    def checked_out(connection: Any, record: Any, fairy: Any) -> None:
        file, known = record.info[_IDENTITY]
        if file and identity(file) != known:
            raise DisconnectionError(f"{file} is not what it was")

    event.listen(pool, "connect", connected)
    event.listen(pool, "checkout", checked_out)


def engine_options(options: Options) -> Dict[str, Any]:
    """What ``sqlalchemy.create_engine`` is given for an engine with such a pool."""
    if not options.pool_size:
        return {"poolclass": NullPool}
    return {
        "poolclass": QueuePool,
        "pool_pre_ping": bool(options.pre_ping),
        "pool_size": options.pool_size,
        "pool_timeout": options.timeout_s,
        "pool_recycle": options.recycle_s,
        "max_overflow": options.max_overflow,
    }
