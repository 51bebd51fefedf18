"""Cache the traffic lights of a scenario's frames, and hand out copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import (
    Any,
    Callable,
    ClassVar,
    Dict,
    Generator,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Tuple,
    Union,
)

from nutrace import semconv
from nutrace.log_file import State, absolute, is_settled, state
from nutrace.recording.clock import now_ns
from nutrace.speedups import options
from nutrace.speedups.bounded_cache import BoundedCache
from nutrace.speedups.figures import Figures
from nutrace.speedups.noting import note
from nutrace.speedups.options import option
from nutrace.speedups.traffic_light_cache.copies import fresh, size_of


@dataclass(frozen=True)
class Options(options.Options):
    """Options of the cache."""

    speedup: ClassVar[str] = "traffic_light_cache"

    entries: int = option(
        1000, "how many frames it keeps; the one not used for the longest time goes first", least=1
    )


class _Entry(NamedTuple):
    statuses: Tuple[Any, ...]
    load_ns: int  # what it took to query them


_Token = Union[str, bytes]
_Key = Tuple[str, Optional[State], _Token, _Token]


class TrafficLightCache:
    """Traffic lights by database file, scenario token and lidar_pc token.

    The file's state is part of the key: a log that is replaced or written to while the program runs is
    queried anew, also if the change is still in a write-ahead log. Threads may share a cache. A forked child
    goes on with its entries and counts from zero.

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
        self._figures = Figures("hits", "misses", "evictions", "spent_ns", "avoided_ns")
        self._entries: BoundedCache[_Key, _Entry] = BoundedCache(self._figures, Options(entries).entries)

    @property
    def size(self) -> int:
        """How many frames it keeps now, those without a traffic light included."""
        return len(self._entries)

    def get(self, log_file: str, scenario_token: _Token, lidar_pc_token: _Token) -> Optional[List[Any]]:
        """The frame's lights, as a list and objects of the caller's own; ``None`` if they are not kept."""
        return self._get(_key(log_file, scenario_token, lidar_pc_token))

    def put(
        self, log_file: str, scenario_token: _Token, lidar_pc_token: _Token, statuses: Iterable[Any]
    ) -> None:
        """Keep copies of a frame's lights."""
        key = _key(log_file, scenario_token, lidar_pc_token)
        self._put(key, tuple(fresh(status) for status in statuses), 0)

    def clear(self) -> None:
        """Drop all frames; the figures stay."""
        self._entries.clear()

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``spent_ns`` is the time in queries, ``avoided_ns`` the time that the queries took whose lights were
        returned again, and ``bytes_held`` what the entries take, without their keys.
        """
        return self._entries.stats()

    def statuses(
        self,
        log_file: str,
        scenario_token: _Token,
        lidar_pc_token: _Token,
        load: Callable[[], Iterable[Any]],
    ) -> Generator[Any, None, None]:
        """A generator of the frame's lights: from here, or from `load`, one by one.

        Nothing is looked up before the first is asked for. What `load` gives is kept when it has come to its
        end. Not kept are half a frame, a frame whose query fails, and one of a log that was written to just
        now, because a second change might not be seen.
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
            self._figures.add(spent_ns=spent_ns)
        if settled and state(key[0]) == key[1]:  # else the file has changed meanwhile
            self._put(key, tuple(statuses), spent_ns)

    def _get(self, key: _Key) -> Optional[List[Any]]:
        entry = self._entries.get(key) if key[1] is not None else None
        if entry is None:
            self._figures.add(misses=1)
            return None
        self._figures.add(hits=1, avoided_ns=entry.load_ns)
        return [fresh(status) for status in entry.statuses]

    def _put(self, key: _Key, statuses: Tuple[Any, ...], load_ns: int) -> None:
        # Without a file, the query failed, or its result will not stay true.
        if key[1] is not None:
            self._entries.put(key, _Entry(statuses, load_ns), size_of(statuses))


def _key(log_file: str, scenario_token: _Token, lidar_pc_token: _Token) -> _Key:
    file = absolute(log_file)
    return file, state(file), scenario_token, lidar_pc_token
