"""Write what a worker of a ``multiprocessing.Pool`` has done before its result reaches the parent process.

A pool terminates its workers as soon as it has the last result: there is no later moment to write in.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

from nutrace.patching import Replacement, Switch
from nutrace.recording.process_state import process_state


class _Results:
    """The queue of a worker's results, with a call before each of them."""

    def __init__(self, queue: Any, before: Callable[[], None]) -> None:
        self._queue = queue
        self._before = before

    def put(self, result: Any) -> None:
        """Call, and send the result."""
        try:
            self._before()
        except Exception:  # the program's result is sent all the same
            process_state.fault("before a worker's result")
        self._queue.put(result)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


def before_results(call: Callable[[], None]) -> Replacement:
    """Have `call` called in a pool's worker before each of its results is sent."""

    def make(original: Any, switch: Switch) -> Any:
        @functools.wraps(original)
        def worker(inqueue: Any, outqueue: Any, *args: Any, **kwargs: Any) -> Any:
            return original(inqueue, _Results(outqueue, call) if switch else outqueue, *args, **kwargs)

        return worker

    return Replacement("multiprocessing.pool:worker", make, distribution="Python")
