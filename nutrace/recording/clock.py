"""One monotonic clock for all spans, tied to Unix time once.

A child process takes over its parent's tie, so that the spans of a run share one time line even
if the system's clock is set while it runs.
"""

from __future__ import annotations

import time
from typing import Callable, Optional

#: Nanoseconds of the monotonic clock; every span reads this one.
now_ns: Callable[[], int] = time.perf_counter_ns

# An inherited tie that is off by more comes from another host or another boot.
_PLAUSIBLE_NS = 5_000_000_000


def unix_offset_ns(inherited: Optional[int] = None) -> int:
    """What to add to :data:`now_ns` for Unix nanoseconds; `inherited` wins if it is plausible."""
    # The middle of two readings of one clock around the other: the tie is right to a microsecond.
    before = now_ns()
    unix = time.time_ns()
    after = now_ns()
    own = unix - (before + after) // 2
    if inherited is not None and abs(inherited - own) < _PLAUSIBLE_NS:
        return inherited
    return own
