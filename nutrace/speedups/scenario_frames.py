"""What is known of a scenario while it is simulated: its frames, and what it asks of each."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Dict, List, Sequence, Set, Tuple

from nutrace.speedups.kept_rows import KeptRows, Row

_numbers = itertools.count()

#: Of which something is remembered.
MOST_STATEMENTS = 2_000

#: How often a chunk is read, if it was evicted, or the log has changed: asking for one frame is
#: cheaper than reading many each time.
_MOST_READS = 3


class FrameStatement:
    """What is known of one statement in one scenario; its owner's lock is held."""

    def __init__(self, is_repeated: bool) -> None:
        self.is_repeated = is_repeated  # it was asked for two frames: it will be for all
        self.refused = False
        self.loading: Set[int] = set()  # chunks that a thread is reading
        self._first = b""
        self._reads: Counter[int] = Counter()  # of chunks

    def begin(self, token: bytes, chunk: int) -> bool:
        """Whether it is time to read a chunk; if so, the caller is to do it."""
        self._first = self._first or token
        self.is_repeated = self.is_repeated or token != self._first
        if self.refused or not self.is_repeated or chunk in self.loading:
            return False
        if self._reads[chunk] >= _MOST_READS:
            return False
        self._reads[chunk] += 1
        self.loading.add(chunk)
        return True


class ScenarioFrames:
    """The frames of one simulation, by their places in chunks that are read together."""

    def __init__(self, file: str, frames: Sequence[bytes]) -> None:
        self.number = next(_numbers)
        self.file = file
        self.frames = frames
        self.is_divided = False
        self.chunks: List[Tuple[bytes, ...]] = []
        self.chunk_of: Dict[bytes, int] = {}
        self.statements: Dict[str, FrameStatement] = {}

    def divide(self, before: Sequence[bytes], after: Sequence[bytes], most: int) -> None:
        """Make chunks of `most` frames: the scenario's with those before, and those after by themselves."""
        parts: Tuple[Sequence[bytes], ...] = ([*before, *self.frames], after)
        self.chunks = [tuple(part[at : at + most]) for part in parts for at in range(0, len(part), most)]
        self.chunk_of = {token: number for number, chunk in enumerate(self.chunks) for token in chunk}


class Timed:
    """A query for a frame that is not here, whose time says what is spared when others are."""

    def __init__(self, took_ns: Dict[str, int], sql: str) -> None:
        self._took_ns = took_ns
        self._sql = sql

    def wants(self, rows: Sequence[Row]) -> bool:
        """To the end."""
        return True

    def answered(self, found: KeptRows, took_ns: int) -> None:
        """Note the time."""
        if len(self._took_ns) >= MOST_STATEMENTS:
            self._took_ns.clear()
        self._took_ns[self._sql] = took_ns
