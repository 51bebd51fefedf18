"""What the pickle of a simulation log holds, in bytes by part.

The devkit pickles a ``SimulationLog`` for each scenario, with the planner and whatever that holds. The pickle
is in hand when ``pickle.dumps`` returns, so the log is not pickled again: that would run the program's
``__reduce__`` and ``__getstate__`` once more. It is followed in the background (:mod:`.pickle_parts`): the
first of a process, and later ones whose size is a different one. A log of 150 steps with IDM agents has 1.1
million opcodes and takes half a second of CPU time; one of PDM-Closed 3.6 million and 1.7 s.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Dict, Generator, List

from nutrace import semconv
from nutrace.probes.copying.pickle_parts import PickleParts
from nutrace.recording.errands import errands
from nutrace.recording.resource import contribute

_CLASS = "SimulationLog"
_DIFFERENT = 0.2  # a log whose size differs by a larger part is followed as well
_LONGEST = 1 << 29  # a pickle is kept in memory until it was followed
_MOST_LOGS = 20
_MOST_PARTS = 40  # of a log, the largest


class SimulationLogs:
    """The logs that this process has pickled and followed."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Forget all logs."""
        self._pid = os.getpid()
        self._size = 0  # of the log that was looked at last
        self._followed: List[Dict[str, Any]] = []

    def note(self, log: Any, pickled: bytes) -> None:
        """Have a log followed, if `log` is one, and not like the last."""
        if not any(base.__name__ == _CLASS for base in type(log).__mro__):
            return
        if os.getpid() != self._pid:
            self.renew()  # in a forked child
        size = len(pickled)
        if abs(size - self._size) <= _DIFFERENT * self._size or size > _LONGEST:
            return
        work = self._follow({"bytes": size, **_names(log)}, PickleParts(pickled))
        if len(self._followed) < _MOST_LOGS and errands.add(work, pickled):
            self._size = size

    def told(self) -> str:
        """The logs that were followed, as JSON; empty if there are none."""
        return json.dumps(self._followed) if self._followed and os.getpid() == self._pid else ""

    def _follow(self, log: Dict[str, Any], parts: PickleParts) -> Generator[None, None, None]:
        try:
            yield from parts.follow()
        finally:  # also at the end of a process that ends sooner
            largest = sorted(parts.parts().items(), key=lambda part: -part[1])[:_MOST_PARTS]
            self._followed.append({**log, "complete": parts.complete, "parts": dict(largest)})


def _names(log: Any) -> Dict[str, str]:
    """The class of the planner in a log. Plain attributes only, as no code of the program's may run."""
    names = {}
    with contextlib.suppress(Exception):  # a log may be anything by that name
        planner = type(vars(log)["planner"])
        names["planner"] = f"{planner.__module__}.{planner.__qualname__}"
    return names


simulation_logs = SimulationLogs()
contribute(semconv.SIMULATION_LOGS, simulation_logs.told)
