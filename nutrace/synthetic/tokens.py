"""Row tokens: eight random bytes each, equal for equal seeds."""

from __future__ import annotations

import random
from typing import Iterator

_BATCH = 4_096


def tokens(rng: random.Random) -> Iterator[bytes]:
    """Yield 8-byte tokens without end; drawn in batches, because a log needs millions."""
    while True:
        batch = rng.randbytes(8 * _BATCH)
        for start in range(0, len(batch), 8):
            yield batch[start : start + 8]
