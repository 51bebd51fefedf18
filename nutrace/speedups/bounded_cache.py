"""A cache with bounds, which drops the entry that was not used for the longest time first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Callable, Dict, Generic, Optional, Tuple, TypeVar

from nutrace.speedups import forks
from nutrace.speedups.figures import Figures

Key = TypeVar("Key")
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """Values by key. Threads may share it; a forked child goes on with its entries.

    Parameters
    ----------
    figures:
        The owner's, among them ``evictions``, which are counted here. The owner counts hits and misses,
        because it knows which lookups are questions of the program.
    most_entries, most_bytes:
        Bounds; ``None`` is no bound.
    """

    def __init__(
        self, figures: Figures, most_entries: Optional[int] = None, most_bytes: Optional[int] = None
    ) -> None:
        self.bytes = 0
        self._figures = figures
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._entries: OrderedDict[Key, Tuple[Value, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Optional[Value]:
        """The value, which is now the one used last; or ``None``."""
        with forks.lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: Key, value: Value, size: int) -> None:
        """Keep a value of `size` bytes, and drop others until the bounds hold."""
        with forks.lock:
            self.drop(key)
            self._entries[key] = value, size
            self.bytes += size
            while self._exceeds():
                self.drop(next(iter(self._entries)))
                self._figures.add(evictions=1)

    def drop(self, key: Key) -> None:
        """Drop an entry, if there is one."""
        with forks.lock:
            entry = self._entries.pop(key, None)
            if entry is not None:
                self.bytes -= entry[1]

    def drop_where(self, unwanted: Callable[[Key, Value], bool]) -> None:
        """Drop the entries for which `unwanted` is true."""
        with forks.lock:
            for key in [key for key, (value, _) in self._entries.items() if unwanted(key, value)]:
                self.drop(key)

    def clear(self) -> None:
        """Drop all entries; these are no evictions."""
        with forks.lock:
            self._entries.clear()
            self.bytes = 0

    def stats(self) -> Dict[str, int]:
        """The figures, with ``entries`` and ``bytes_held`` after the evictions; takes no lock."""
        stats = {}
        for name, value in self._figures.as_dict().items():
            stats[name] = value
            if name == "evictions":
                stats.update(entries=len(self._entries), bytes_held=self.bytes)
        return stats

    def _exceeds(self) -> bool:
        if self._most_entries is not None and len(self._entries) > self._most_entries:
            return True
        return self._most_bytes is not None and self.bytes > self._most_bytes
