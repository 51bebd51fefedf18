"""Where finished spans wait to be written: one queue per thread.

The thread appends to its queue without a lock, because ``deque.append`` is atomic. The lock covers
the two things that are not: merging a leaf into a composite that is still in the queue, and the
recorder's taking of the queue. Each takes microseconds, and nobody waits for the other for long: a
finalizer or signal handler may interrupt a merge in its own thread, and must not deadlock. A leaf whose
thread cannot have the lock is not merged.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Deque, Dict, List, Tuple

LIMIT = 4096  # spans in a thread's queue before the thread sees to it that they are written

PATIENCE_S = 0.01  # how long a thread waits for the recorder
# A lock that is held for so long belongs to a merge that was interrupted for ever: Ctrl-C can strike between
# taking a lock and the block that releases it. It is not a merge whose thread waits for its turn to run: with
# dozens of busy threads that takes a fraction of this.
_RECORDERS_PATIENCE_S = 0.5


class Buffer:
    """One thread's finished spans."""

    def __init__(self) -> None:
        self.spans: Deque[Any] = deque()  # spans and composites, in the order of their ends
        self.lock = threading.Lock()
        self.patience_s = PATIENCE_S
        self.may_wait = True  # whether the thread waits for the recorder to write what is here
        self.parent: Any = None  # what the open composites lie below
        self.open: Dict[Any, Any] = {}  # composites in the queue that leaves are added to, by call site
        self.thread_id = threading.get_native_id()
        self.ended = False

    def take(self, into: List[Tuple[Any, int]], most: int) -> None:
        """Move up to `most` of the oldest records, with their thread's id, to the end of `into`.

        Nothing is added to a composite after it was taken.
        """
        lock = self.lock
        if not lock.acquire(True, _RECORDERS_PATIENCE_S):
            lock = self.lock = threading.Lock()
            lock.acquire()
        self.patience_s = PATIENCE_S
        self.may_wait = True
        try:
            self.open.clear()
            pop = self.spans.popleft
            for _ in range(min(most, len(self.spans))):
                into.append((pop(), self.thread_id))
        except IndexError:  # the thread took its last span back: a generator that goes on
            pass
        finally:
            lock.release()

    def waited_in_vain(self) -> bool:
        """The thread could not have the lock. It waits no more until the recorder has it; returns False."""
        self.patience_s = 0.0
        return False

    def drop(self) -> int:
        """Empty the queue, and return how many records were in it."""
        dropped = 0
        self.open.clear()
        try:
            while True:
                self.spans.popleft()
                dropped += 1
        except IndexError:
            return dropped


class _LifeSign:
    """Lives as long as its thread, and marks the buffer when it dies."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer

    def __del__(self) -> None:
        self._buffer.ended = True


buffers: List[Buffer] = []


class Local(threading.local):
    """``buffer`` is this thread's buffer, and ``spans`` its queue."""

    def __init__(self) -> None:
        buffer = Buffer()
        self.spans = buffer.spans
        self.buffer = buffer
        self._sign = _LifeSign(buffer)
        buffers.append(buffer)


local = Local()


def forget_other_threads() -> None:
    """After a fork: the other threads are gone, and what waits here belongs to the parent process."""
    own = local.buffer
    own.drop()
    own.lock = threading.Lock()
    own.patience_s = PATIENCE_S
    own.may_wait = True
    own.thread_id = threading.get_native_id()
    buffers[:] = [own]


def forget() -> None:
    """Drop what is left of an earlier recording."""
    for buffer in list(buffers):
        buffer.drop()
