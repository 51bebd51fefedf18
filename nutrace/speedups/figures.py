"""What a speedup counts."""

from __future__ import annotations

from typing import Dict

from nutrace.speedups import forks


class Figures:
    """Named counters, which begin at zero in a forked child.

    Parameters
    ----------
    names:
        In the order in which they are shown. Times are in nanoseconds, and their names end in ``_ns``.
    """

    def __init__(self, *names: str) -> None:
        self._values = dict.fromkeys(names, 0)
        forks.watch(self)

    def add(self, **amounts: int) -> None:
        """Add to some of them."""
        with forks.lock:
            for name, amount in amounts.items():
                self._values[name] += amount

    def set(self, **values: int) -> None:
        """Set some of them."""
        with forks.lock:
            self._values.update(values)

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def as_dict(self) -> Dict[str, int]:
        """A copy of all.

        The lock is not taken: the recorder's thread reads figures while a fork, which holds the lock, waits
        for that thread.
        """
        return dict(self._values)

    def in_child(self) -> None:
        """Begin at zero."""
        self._values.update(dict.fromkeys(self._values, 0))
