"""Cache the rows of queries by log file, statement and parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Dict, NamedTuple, Optional, Tuple, Union

from nutrace import semconv
from nutrace.errors import SettingsError
from nutrace.log_file import State, absolute, is_settled, state
from nutrace.speedups import options
from nutrace.speedups.bounded_cache import BoundedCache
from nutrace.speedups.figures import Figures
from nutrace.speedups.noting import note
from nutrace.speedups.options import MOST_MEGABYTES, option
from nutrace.speedups.queries import Learner, Rows
from nutrace.speedups.queries.rows import size_of
from nutrace.speedups.queries.statements import Parameters, frozen, traits

_DIGEST = re.compile(r"[0-9a-f]{4,16}\Z")


@dataclass(frozen=True)
class Options(options.Options):
    """Options of the cache."""

    speedup: ClassVar[str] = "row_cache"

    entries: int = option(
        10_000, "how many results it keeps; the one not used for the longest time goes first", least=1
    )
    megabytes: float = option(
        64.0,
        "what rows and parameters of all results take; a larger result is not kept",
        above=0,
        most=MOST_MEGABYTES,
    )
    only: str = option(
        "",
        "keep results of these statements only: their hashes from nutrace sql --json, or the first digits, "
        "with + between them; empty for all",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for each in self.statements:
            if not _DIGEST.match(each):
                raise SettingsError(
                    f"{self.speedup}: only={self.only!r}: {each!r} is not the hash of a statement, as "
                    "nutrace sql --json gives it: 4 to 16 hexadecimal digits"
                )

    @property
    def statements(self) -> Tuple[str, ...]:
        """The hashes in `only`."""
        return tuple(each.strip().lower() for each in self.only.split("+")) if self.only.strip() else ()


class _Key(NamedTuple):
    file: str
    state: State
    sql: str
    parameters: Parameters


class _Entry(NamedTuple):
    rows: Rows
    load_ns: int  # what the query took


class RowCache:
    """Results of queries by database file and its state, statement and parameters.

    A log that is replaced or written to is queried anew, also if the change is still in a write-ahead log.
    Kept are the results of queries that came to their end, and only of statements whose result depends on
    nothing but file and parameters: not on the time, on chance or on the connection. Views are not looked
    into: nuPlan's logs have no views, and the rows of a view that asks for the time would be kept. Threads
    may share a cache. A forked child goes on with its entries and counts from zero.

    Parameters
    ----------
    options:
        See :class:`Options`; ``None`` takes the defaults.
    """

    def __init__(self, options: Optional[Options] = None) -> None:
        options = options or Options()
        self._most_bytes = int(options.megabytes * 1e6)
        self._only = options.statements
        self._figures = Figures("hits", "misses", "evictions", "spent_ns", "avoided_ns")
        self._entries: BoundedCache[_Key, _Entry] = BoundedCache(
            self._figures, options.entries, self._most_bytes
        )

    def answer(self, query: str, parameters: Any, file: Any) -> Union[Rows, Learner, None]:
        """The rows of a query, or what learns them; ``None`` for a query whose rows are never kept."""
        known = traits(query)
        if not known.stays or (self._only and not known.digest.startswith(self._only)):
            return None
        frozen_parameters = frozen(parameters)
        if frozen_parameters is None:
            return None
        name = absolute(file)
        now = state(name)
        if now is None:
            return None
        key = _Key(name, now, query, frozen_parameters)
        entry = self._entries.get(key)
        note("database", semconv.CACHE_HIT, entry is not None)
        if entry is not None:
            self._figures.add(hits=1, avoided_ns=entry.load_ns)
            return entry.rows
        self._figures.add(misses=1)
        if not is_settled(now):
            return None
        return Learner(lambda rows, took_ns: self._keep(key, rows, took_ns), self._most_bytes)

    def _keep(self, key: _Key, rows: Optional[Rows], load_ns: int) -> None:
        """Keep the rows of a query, if the file is still the same at its end."""
        self._figures.add(spent_ns=load_ns)
        if rows is None or state(key.file) != key.state:
            return
        size = size_of(rows.rows) + size_of(key.parameters)
        if size <= self._most_bytes:
            self._entries.put(key, _Entry(rows, load_ns), size)

    @property
    def size(self) -> int:
        """How many results it keeps now, those without a row included."""
        return len(self._entries)

    def clear(self) -> None:
        """Drop all results; the figures stay."""
        self._entries.clear()

    def stats(self) -> Dict[str, int]:
        """Figures since the beginning of the process.

        ``spent_ns`` is the time of the queries whose rows were learned, ``avoided_ns`` the time that the
        queries took whose rows were returned again.
        """
        return self._entries.stats()
