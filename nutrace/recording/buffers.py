"""Where finished spans wait: one list per thread, appended to by its thread and taken by the recorder."""

from __future__ import annotations

import threading
from typing import List

from nutrace.recording.span import Span

LIMIT = 4096  # spans in a thread's list before that thread writes them itself


class Buffer:
    """One thread's finished spans."""

    def __init__(self) -> None:
        self.spans: List[Span] = []
        self.thread_id = threading.get_native_id()
        self.ended = False


class _LifeSign:
    """Lives as long as its thread; its end marks the buffer."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer

    def __del__(self) -> None:
        self._buffer.ended = True


buffers: List[Buffer] = []


class Local(threading.local):
    """``spans``: this thread's list."""

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
    own.spans.clear()
    own.thread_id = threading.get_native_id()
    buffers[:] = [own]


def forget() -> None:
    """Drop what is left of an earlier recording."""
    for buffer in list(buffers):
        buffer.spans.clear()
