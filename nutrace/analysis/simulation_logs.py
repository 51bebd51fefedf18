"""Simulation logs: how many bytes are pickled for a scenario, and for which of its parts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional

from nutrace import semconv
from nutrace.analysis.attributes import number, text
from nutrace.trace import Trace
from nutrace.trace.bounds import whole

_CLASS = "SimulationLog"


@dataclass(frozen=True)
class SimulationLogs:
    """The simulation logs that a run pickled.

    Attributes
    ----------
    count, bytes, total_ns:
        Logs, the length of all their pickles, and the time to make these.
    log_bytes, parts, planner:
        The largest log whose parts are known: its length, the bytes of each attribute and of attributes of
        attributes (``"planner"``, ``"planner._model"``), and the class of its planner. 0, empty and "" if
        there is none.
    complete:
        Whether it was followed to its end; otherwise a part is named ``"... and what follows"``.
    """

    count: int
    bytes: int
    total_ns: int
    log_bytes: int
    parts: Mapping[str, int]
    planner: str
    complete: bool


def simulation_logs(trace: Trace) -> Optional[SimulationLogs]:
    """The simulation logs of a run; ``None`` if it recorded none."""
    count = size = total_ns = 0
    for span, name in enumerate(trace.name):
        if name == semconv.PICKLE_SPAN:
            attributes = trace.attributes(span)
            if text(attributes, semconv.COPY_ROOT_TYPE).rpartition(".")[2] == _CLASS:
                count += trace.calls[span]
                size += number(attributes, semconv.PICKLE_BYTES)
                total_ns += trace.busy_ns[span]
    if not count:
        return None
    largest = max(_followed(trace), key=lambda log: whole(log.get("bytes")), default={})
    parts = largest.get("parts", {})
    sizes = {part: whole(length) for part, length in parts.items() if whole(length) >= 0}
    return SimulationLogs(
        count=count,
        bytes=size,
        total_ns=total_ns,
        log_bytes=max(whole(largest.get("bytes")), 0),
        parts=sizes,
        planner=text(largest, "planner"),
        complete=largest.get("complete") is True,
    )


def _followed(trace: Trace) -> Iterator[Mapping[str, Any]]:
    """The logs whose parts the processes of the run have told."""
    for resource in trace.resources:
        try:
            logs = json.loads(text(resource.attributes, semconv.SIMULATION_LOGS) or "[]")
        except (ValueError, RecursionError):  # a damaged file
            continue
        for log in logs if isinstance(logs, list) else ():
            if isinstance(log, dict) and isinstance(log.get("parts"), dict) and log["parts"]:
                yield log
