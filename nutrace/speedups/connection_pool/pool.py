"""Connections to SQLite files that stay open: SQLAlchemy's pool classes, one pool for each file."""

from __future__ import annotations

import sqlite3
from collections import Counter, OrderedDict
from typing import Any, Dict, List, Optional

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as CheckoutTimeout
from sqlalchemy.pool import NullPool, Pool, QueuePool

from nutrace import semconv
from nutrace.log_file import absolute, identity
from nutrace.recording.clock import now_ns
from nutrace.recording.faults import say
from nutrace.speedups import forks
from nutrace.speedups.connection_pool.options import Options
from nutrace.speedups.figures import Figures
from nutrace.speedups.noting import note
from nutrace.speedups.own_faults import fault
from nutrace.speedups.queries.rows import Rows
from nutrace.speedups.queries.running import Runner

# What a pool notes about a connection, in SQLAlchemy's record of it.
_IDENTITY = "nutrace.identity"
_FRESH = "nutrace.fresh"
_LONGEST = 400  # characters of a path in a message
_NEVER_NS = 2**62


class ConnectionPool:
    """Runs queries on connections that stay open.

    A connection is in use while one query runs to its end, and runs nothing but queries. Threads may share
    a pool. A forked child begins with an empty one, and leaves the connections that it inherited alone,
    because they belong to the parent process.

    Parameters
    ----------
    options:
        See :class:`~nutrace.speedups.connection_pool.options.Options`; ``None`` takes the defaults.
    """

    def __init__(self, options: Optional[Options] = None) -> None:
        self.options = options or Options()
        self._runner = Runner()
        self._figures = Figures(
            *("checkouts", "reused", "connections", "replaced", "waits", "wait_ns", "exhausted"),
            *("open", "in_use", "spent_ns", "pending"),
        )
        self._pools: OrderedDict[str, Pool] = OrderedDict()
        self._out: Counter[str] = Counter()  # connections in use or asked for, by file
        self._fastest_ns = _NEVER_NS
        self._inherited: List[Any] = []
        self._warned = False
        forks.watch(self)

    def answer(self, query: str, parameters: Any, file: Any) -> Optional[Rows]:
        """All rows of a query.

        ``None`` if the statement is not a query, has too many rows
        (:data:`~nutrace.speedups.queries.running.MOST_ROWS`), or fails; or if no connection is free in time.
        """
        if not self._runner.accepts(query):
            return None
        name = absolute(file)
        pool = self._pool(name)
        fairy = self._checkout(name, pool)
        if fairy is None:
            return None
        try:
            return self._runner.run(fairy.dbapi_connection, query, parameters)
        finally:
            if self._pools.get(name) is pool:
                fairy.close()  # gives it back
            else:  # the pool had to go meanwhile
                fairy.invalidate()
            with forks.lock:
                self._out[name] -= 1
                self._figures.add(in_use=-1)

    def _checkout(self, name: str, pool: Pool) -> Any:
        """A connection of the pool as SQLAlchemy hands it out; ``None`` if it has no free one."""
        began = now_ns()
        fairy = None
        with forks.lock:
            self._out[name] += 1
            waits = self.options.pool_size > 0 and self._out[name] > self.options.most
            self._figures.add(pending=1)
        try:
            fairy = pool.connect()
        except CheckoutTimeout:
            self._figures.add(exhausted=1, waits=1, wait_ns=now_ns() - began)
            self._warn(name)
        except sqlite3.Error:  # the program's own function cannot open the file either, and says so
            pass
        except Exception:  # the query must not fail because the pool does
            fault("taking a connection out of the pool")
        finally:
            with forks.lock:
                self._figures.add(pending=-1)
                self._out[name] -= fairy is None
        if fairy is None:
            return None
        took = now_ns() - began
        reused = not fairy.info.pop(_FRESH, False)
        self._figures.add(
            checkouts=1,
            in_use=1,
            reused=int(reused),
            spent_ns=took if reused and not waits else 0,
            waits=int(waits),
            wait_ns=took if waits else 0,
        )
        if not reused:  # only then, because spans with attributes of their own are not merged
            note("database", semconv.POOL_REUSED, False)
        return fairy

    def _warn(self, name: str) -> None:
        if self._warned:
            return
        self._warned = True
        if len(name) > _LONGEST:
            name = f"{name[: _LONGEST // 2]}...{name[-_LONGEST // 2 :]}"
        say(
            f"{self.options.speedup}: no connection to {name} came back within "
            f"{self.options.timeout_s:g} s: all {self.options.most} are in use; "
            "such queries open connections of their own"
        )

    def close(self) -> None:
        """Close the connections that are not in use; those in use close when their query is at its end."""
        with forks.lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.dispose()

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``connections`` were opened, ``reused`` checkouts got an open one; ``spent_ns`` is the time in those
        checkouts, and ``avoided_ns`` what the fastest opening took, as often as one was reused: an estimate,
        without what a new connection's first statement takes to read the schema. ``exhausted`` checkouts got
        no connection in time. ``open`` are open now, ``in_use`` of them by queries, and at most ``most`` at a
        time with the pools that there are now; ``pending`` checkouts are under way.
        """
        figures = self._figures.as_dict()
        if self.options.pool_size:
            figures["most"] = self.options.most * len(self._pools)
        figures["avoided_ns"] = figures["reused"] * self._fastest_ns if figures["reused"] else 0
        return figures

    def _pool(self, name: str) -> Pool:
        made = None if name in self._pools else self._make(name)
        surplus = []
        with forks.lock:
            pool = self._pools.get(name) or made or self._make(name)
            self._pools[name] = pool
            self._pools.move_to_end(name)
            while len(self._pools) > self.options.files:
                surplus.append(self._pools.popitem(last=False)[1])
        for each in surplus:
            each.dispose()
        return pool

    def _make(self, name: str) -> Pool:
        def creator() -> Any:
            began = now_ns()
            before = identity(name)
            # Another thread may use it next. If the log is locked, the program's own function runs the query,
            # and waits as long as it does without a pool.
            connection = sqlite3.connect(name, check_same_thread=False, timeout=0)
            after = identity(name)
            made[id(connection)] = after if after == before else None
            self._fastest_ns = min(self._fastest_ns, now_ns() - began)
            self._figures.add(connections=1, open=1)
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
                self._figures.add(replaced=1)
                raise DisconnectionError(f"{name} is not what it was")

        event.listen(pool, "connect", connected)
        event.listen(pool, "close", lambda connection, record: self._figures.add(open=-1))
        if self.options.pre_ping:
            event.listen(pool, "checkout", checked_out)
        return pool

    def in_child(self) -> None:
        """Begin with no pool, but keep the parent's: closing its connections could undo its locks."""
        self._inherited.append(self._pools)
        self._pools = OrderedDict()
        self._out = Counter()
        self._fastest_ns = _NEVER_NS
