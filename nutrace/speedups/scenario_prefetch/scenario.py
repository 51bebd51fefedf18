"""A scenario while it is simulated: its frames, and the statements that it asks for each."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Dict, List, Sequence, Set, Tuple

_numbers = itertools.count()

#: How many statements are remembered.
MOST_STATEMENTS = 2_000

#: How often a chunk is read, if it was evicted or the log has changed: querying one frame is cheaper than
#: reading many each time.
_MOST_READS = 3


class FrameStatement:
    """One statement in one scenario; methods are called with the lock held."""

    def __init__(self, is_repeated: bool) -> None:
        self.is_repeated = is_repeated  # it was asked for two frames, and so will be for all
        self.refused = False
        self.loading: Set[int] = set()  # chunks that a thread is reading
        self._first = b""
        self._reads: Counter[int] = Counter()  # of chunks

    def begin(self, token: bytes, chunk: int) -> bool:
        """Whether the caller should read a chunk now."""
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
        """Make chunks of `most` frames: of the scenario's with those before it, and of those after it."""
        parts: Tuple[Sequence[bytes], ...] = ([*before, *self.frames], after)
        self.chunks = [tuple(part[at : at + most]) for part in parts for at in range(0, len(part), most)]
        self.chunk_of = {token: number for number, chunk in enumerate(self.chunks) for token in chunk}
