"""Where finished spans wait: one queue per thread.

Its thread appends and, to merge, pops at the right; the recorder pops at the left. Both are atomic,
so each record belongs to exactly one of them.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Deque, List

LIMIT = 4096  # spans in a thread's queue before it sees to it that they are written


class Buffer:
    """One thread's finished spans."""

    def __init__(self) -> None:
        self.spans: Deque[Any] = deque()  # of records
        self.thread_id = threading.get_native_id()
        self.ended = False


class _LifeSign:
    """Lives as long as its thread; its end marks the buffer."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer

    def __del__(self) -> None:
        self._buffer.ended = True


buffers: List[Buffer] = []
#: How often queues were emptied without being written: what was in them is nobody's to add to.
forgotten = [0]


class Local(threading.local):
    """``spans``: this thread's queue."""

    def __init__(self) -> None:
        buffer = Buffer()
        self.spans = buffer.spans
        self.buffer = buffer
        self._sign = _LifeSign(buffer)
        buffers.append(buffer)


local = Local()


def forget_other_threads() -> None:
    """After a fork: other threads are gone, and what waits here is the parent process's."""
    own = local.buffer
    forgotten[0] += 1
    own.spans.clear()
    own.thread_id = threading.get_native_id()
    buffers[:] = [own]


def forget() -> None:
    """Drop what is left of an earlier recording."""
    forgotten[0] += 1
    for buffer in list(buffers):
        buffer.spans.clear()
