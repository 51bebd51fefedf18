"""The rows of queries: kept, and given again to who asks the same of an unchanged file."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.errors import SettingsError
from nutrace.speedups.asked import AskedConnection
from nutrace.speedups.asked_cursor import Answer
from nutrace.speedups.bounds import MOST_MEGABYTES, above, at_least, at_most
from nutrace.speedups.forks import watch
from nutrace.speedups.kept_rows import KeptRows, Row, size_of
from nutrace.speedups.log_file import State, absolute, is_settled, state
from nutrace.speedups.noting import note
from nutrace.speedups.queries import Open
from nutrace.speedups.statements import Parameters, frozen, verdict

NAME = "row_cache"

_DIGEST = re.compile(r"[0-9a-f]{4,16}\Z")


@dataclass(frozen=True)
class Options:
    """Options of the cache.

    Parameters
    ----------
    entries:
        How many results it keeps at most; the one not asked for the longest goes first.
    megabytes:
        What rows and parameters of all of them take at most. A result that is larger is not kept.
    only:
        Statements to keep results of, by the hashes that ``nutrace sql --json`` gives them or their
        first digits, with ``+`` between them; all if empty.

    Raises
    ------
    SettingsError
        If a bound is too low or too high, or a hash is none.
    """

    entries: int = 10_000
    megabytes: float = 64.0
    only: str = ""

    def __post_init__(self) -> None:
        at_least(NAME, "entries", self.entries, 1)
        above(NAME, "megabytes", self.megabytes, 0)
        at_most(NAME, "megabytes", self.megabytes, MOST_MEGABYTES)
        for each in self.statements:
            if not _DIGEST.match(each):
                raise SettingsError(
                    f"{NAME}: only={self.only!r}: {each!r} is not the hash of a statement, as nutrace sql "
                    "--json gives it: 4 to 16 hexadecimal digits"
                )

    @property
    def statements(self) -> Tuple[str, ...]:
        """The hashes in :attr:`only`."""
        return tuple(each.strip().lower() for each in self.only.split("+")) if self.only.strip() else ()


class _Key(NamedTuple):
    file: str
    state: State
    sql: str
    parameters: Parameters


class _Entry(NamedTuple):
    rows: KeptRows
    size: int  # bytes
    load_ns: int  # what the query took


class RowCache:
    """Results of queries by database file and its state, statement and parameters.

    A log that is replaced or written to is asked anew, also if what was written waits in a
    write-ahead log. Kept are results of queries that have come to their end, of statements whose
    result depends on nothing else: none that asks for the time, for chance or the connection, and
    none on a connection that did anything but query. Of a view only the name is seen: nuPlan's logs
    have none, and one that asks for such things inside would be kept. Threads may share a cache. A
    forked child goes on with what is in it and counts from zero.

    Parameters
    ----------
    options:
        See :class:`Options`; ``None`` takes the defaults.
    """

    def __init__(self, options: Optional[Options] = None) -> None:
        options = options or Options()
        self._most = options.entries
        self.most_bytes = int(options.megabytes * 1e6)
        self._only = options.statements
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._bytes = 0
        # Reentrant: the garbage collector may run a finalizer of anybody's while we hold it.
        self._lock = threading.RLock()
        self._forget_figures()
        watch(self)

    def _forget_figures(self) -> None:
        self._hits = self._misses = self._evictions = 0
        self._spent_ns = self._avoided_ns = 0

    def connect(self, file: Any, following: Optional[Open] = None) -> Any:
        """In place of ``sqlite3.connect(file)``: opens the file when a query is not kept.

        Parameters
        ----------
        following:
            What opens it instead of ``sqlite3.connect``, such as a pool.
        """
        if following is None:
            return AskedConnection(file, lambda: sqlite3.connect(file), self.ask)
        return AskedConnection(file, following, self.ask)

    @property
    def size(self) -> int:
        """How many results it keeps now; those without a row as well."""
        return len(self._entries)

    def clear(self) -> None:
        """Keep nothing any more; the figures stay."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``misses`` came to their end or not; ``spent_ns`` is the time in those that did, ``avoided_ns``
        what the queries of the entries that were hit took when they were loaded.
        """
        with self._lock:
            return {
                "hits": self._hits,
                "misses": self._misses,
                "evictions": self._evictions,
                "entries": len(self._entries),
                "bytes_held": self._bytes,
                "spent_ns": self._spent_ns,
                "avoided_ns": self._avoided_ns,
            }

    def ask(self, connection: AskedConnection, sql: str, parameters: Sequence[object]) -> Answer:
        """The rows of a query, or the wish to learn them; ``None`` for what is not kept at all."""
        found = verdict(sql)
        if not found.stays or (self._only and not found.digest.startswith(self._only)):
            return None
        frozen_parameters = frozen(parameters)
        if frozen_parameters is None:
            return None
        file = absolute(connection.file)
        now = state(file)
        if now is None:
            return None
        key = _Key(file, now, sql, frozen_parameters)
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                self._hits += 1
                self._avoided_ns += entry.load_ns
            else:
                self._misses += 1
        note("database", semconv.CACHE_HIT, entry is not None)
        if entry is not None:
            return entry.rows
        return _Missed(self, key) if is_settled(now) else None

    def put(self, key: _Key, rows: KeptRows, size: int, load_ns: int) -> None:
        """Keep the rows of a query that was at its end when the file was still the same."""
        unchanged = state(key.file) == key.state
        with self._lock:
            self._spent_ns += load_ns
            if not unchanged:
                return
            self._drop(key)
            self._entries[key] = _Entry(rows, size, load_ns)
            self._bytes += size
            while len(self._entries) > self._most or self._bytes > self.most_bytes:
                self._drop(next(iter(self._entries)))
                self._evictions += 1

    def _drop(self, key: _Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size

    def before_fork(self) -> None:
        """Let no thread be in the middle of a change."""
        self._lock.acquire()

    def after_fork(self, in_child: bool) -> None:
        """Go on; a child's figures are its own."""
        if in_child:
            self._forget_figures()
        self._lock.release()


class _Missed:
    """A query whose rows are to be kept when they have all come."""

    def __init__(self, cache: RowCache, key: _Key) -> None:
        self._cache = cache
        self._key = key
        self._size = size_of(key.parameters)

    def wants(self, rows: Sequence[Row]) -> bool:
        """While they are not too many."""
        self._size += size_of(rows)
        return self._size <= self._cache.most_bytes

    def answered(self, found: KeptRows, took_ns: int) -> None:
        """Keep them."""
        self._cache.put(self._key, found, self._size, took_ns)
