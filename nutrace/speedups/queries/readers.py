"""Which files the program's own query functions are reading now."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, Dict, Tuple

from nutrace.log_file import absolute
from nutrace.speedups import forks

#: A file's absolute name, and the thread that began to read it.
Reading = Tuple[str, int]


class Readers:
    """Counts queries between their first row and their end, by file and thread.

    A query that is not at its end keeps its file locked against writing.
    """

    def __init__(self) -> None:
        self._by_file: Dict[str, Counter[int]] = {}
        forks.watch(self)

    def begin(self, file: Any) -> Reading:
        """This thread begins to read a file."""
        reader = absolute(file), threading.get_ident()
        with forks.lock:
            self._by_file.setdefault(reader[0], Counter())[reader[1]] += 1
        return reader

    def end(self, reader: Reading) -> None:
        """A query is at its end; a generator may end in any thread."""
        name, thread = reader
        with forks.lock:
            threads = self._by_file.get(name, Counter())
            threads[thread] -= 1
            if threads[thread] <= 0:
                del threads[thread]
            if not threads:
                self._by_file.pop(name, None)

    def any(self, name: str) -> bool:
        """Whether any thread reads the file of this absolute name."""
        return name in self._by_file

    def own(self, name: str) -> bool:
        """Whether this thread does."""
        threads = self._by_file.get(name)
        return threads is not None and threads[threading.get_ident()] > 0

    def in_child(self) -> None:
        """A forked child has only the thread that forked."""
        own = threading.get_ident()
        self._by_file = {
            name: Counter({own: threads[own]}) for name, threads in self._by_file.items() if threads[own] > 0
        }


#: Of this process.
readers = Readers()
