"""How long a probe works beside a call, where that is long: statements, uses of connections, deep copies.

What other probes do takes a microsecond or two, and is priced. What is clocked is noted on the call's span
(:data:`nutrace.semconv.CLOCKED_NS`), and taken out of the span above when the file is read.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, Tuple

from nutrace.recording.clock import now_ns

#: Beginnings and ends between two writings, 12 MB; what comes above that is counted.
_MOST_WAITING = 100_000
#: Garbage collections that were not written yet, which are spans of their own: see :mod:`.garbage`. Their
#: number changes when one strikes.
collections_waiting: Deque[Tuple[Any, ...]] = deque(maxlen=_MOST_WAITING)

#: Who needed longer did not work, but waited: for the processor, or for Python's lock.
_LONGEST_NS = 1_000_000

#: How many events of collections wait.
struck = collections_waiting.__len__

#: When a probe began to work: a clock reading, and what :func:`struck` said.
Since = Tuple[int, int]


def worked_ns(since: Since, call_ns: int = 0) -> int:
    """How long a probe has worked since, besides what the call took; 0 if something else came in between."""
    took_ns = now_ns() - since[0] - call_ns
    return took_ns if took_ns <= _LONGEST_NS and struck() == since[1] else 0
