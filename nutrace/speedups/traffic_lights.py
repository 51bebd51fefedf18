"""The traffic lights of a scenario's frames: queried once, kept, handed out anew to each who asks."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Callable, Dict, Generator, Iterable, List, NamedTuple, Optional, Tuple, Union

from nutrace import semconv
from nutrace.recording.clock import now_ns
from nutrace.speedups.bounds import at_least
from nutrace.speedups.copies import fresh, size_of
from nutrace.speedups.forks import watch
from nutrace.speedups.log_file import State, absolute, is_settled, state
from nutrace.speedups.noting import note

NAME = "traffic_light_cache"


@dataclass(frozen=True)
class Options:
    """Options of the cache.

    Parameters
    ----------
    entries:
        How many frames it keeps at most; the one not asked for the longest goes first.

    Raises
    ------
    SettingsError
        If `entries` is below 1.
    """

    entries: int = 1000

    def __post_init__(self) -> None:
        at_least(NAME, "entries", self.entries, 1)


class _Entry(NamedTuple):
    statuses: Tuple[Any, ...]
    size: int  # bytes
    load_ns: int  # what it took to query them


_Token = Union[str, bytes]
_Key = Tuple[str, Optional[State], _Token, _Token]


class TrafficLightCache:
    """Traffic lights by database file, scenario token and lidar_pc token.

    The file's state is part of the key: a log that is replaced or written to while the program runs is
    queried anew, also if what was written waits in a write-ahead log. Threads may share a cache. A
    forked child goes on with what is in it and counts from zero.

    Parameters
    ----------
    entries:
        How many frames it keeps at most.

    Raises
    ------
    SettingsError
        If `entries` is below 1.
    """

    def __init__(self, entries: int = Options.entries) -> None:
        self._most = Options(entries).entries
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._bytes = 0  # that they hold
        # Reentrant: the garbage collector may run a finalizer of anybody's while we hold it.
        self._lock = threading.RLock()
        self._forget_figures()
        watch(self)

    def _forget_figures(self) -> None:
        self._hits = self._misses = self._evictions = 0
        self._spent_ns = self._avoided_ns = 0

    @property
    def size(self) -> int:
        """How many frames it keeps now; those without a traffic light as well."""
        return len(self._entries)

    def get(self, log_file: str, scenario_token: _Token, lidar_pc_token: _Token) -> Optional[List[Any]]:
        """The frame's lights, as a list and objects of the caller's own; ``None`` if they are not kept."""
        return self._get(_key(log_file, scenario_token, lidar_pc_token))

    def put(
        self, log_file: str, scenario_token: _Token, lidar_pc_token: _Token, statuses: Iterable[Any]
    ) -> None:
        """Keep a frame's lights; copies of them, so that the caller's objects stay the caller's."""
        key = _key(log_file, scenario_token, lidar_pc_token)
        self._put(key, tuple(fresh(status) for status in statuses), 0)

    def clear(self) -> None:
        """Keep nothing any more; the figures stay."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``spent_ns`` is the time in queries, ``avoided_ns`` what the queries of the entries that were
        hit took when they were loaded, and ``bytes_held`` what the entries take, without their keys.
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

    def statuses(
        self,
        log_file: str,
        scenario_token: _Token,
        lidar_pc_token: _Token,
        load: Callable[[], Iterable[Any]],
    ) -> Generator[Any, None, None]:
        """A generator of the frame's lights: from here, or from `load`, one by one.

        Nothing is looked up before the first is asked for. What `load` gives is kept when it has
        come to its end: half a frame, or one whose query fails, is not; nor is one of a log that was
        written to just now, for a second change might not be seen.
        """
        key = _key(log_file, scenario_token, lidar_pc_token)
        kept = self._get(key)
        note("scenario", semconv.CACHE_HIT, kept is not None)
        if kept is None:
            yield from self._load(key, load)
            return
        yield from kept

    def _load(self, key: _Key, load: Callable[[], Iterable[Any]]) -> Generator[Any, None, None]:
        statuses: List[Any] = []
        spent_ns = 0
        settled = key[1] is not None and is_settled(key[1])
        began = now_ns()
        source = iter(load())
        try:
            for status in source:
                spent_ns += now_ns() - began
                statuses.append(fresh(status))
                yield status
                began = now_ns()
            spent_ns += now_ns() - began
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
            with self._lock:
                self._spent_ns += spent_ns
        if settled and state(key[0]) == key[1]:  # else the rows are of a file that has changed meanwhile
            self._put(key, tuple(statuses), spent_ns)

    def _get(self, key: _Key) -> Optional[List[Any]]:
        with self._lock:
            entry = self._entries.get(key) if key[1] is not None else None
            if entry is None:
                self._misses += 1
                return None
            self._entries.move_to_end(key)
            self._hits += 1
            self._avoided_ns += entry.load_ns
        return [fresh(status) for status in entry.statuses]

    def _put(self, key: _Key, statuses: Tuple[Any, ...], load_ns: int) -> None:
        if key[1] is None:  # no such file: a query would fail, or find nothing that will stay true
            return
        entry = _Entry(statuses, size_of(statuses), load_ns)
        with self._lock:
            before = self._entries.pop(key, None)
            self._entries[key] = entry
            self._bytes += entry.size - (before.size if before is not None else 0)
            while len(self._entries) > self._most:
                self._bytes -= self._entries.popitem(last=False)[1].size
                self._evictions += 1

    def before_fork(self) -> None:
        """Let no thread be in the middle of a change."""
        self._lock.acquire()

    def after_fork(self, in_child: bool) -> None:
        """Go on; a child's figures are its own."""
        if in_child:
            self._forget_figures()
        self._lock.release()


def _key(log_file: str, scenario_token: _Token, lidar_pc_token: _Token) -> _Key:
    file = absolute(log_file)
    return file, state(file), scenario_token, lidar_pc_token
