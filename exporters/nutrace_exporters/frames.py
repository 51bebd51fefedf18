"""Frames: the name, component and place in the code that spans have in common."""

from __future__ import annotations

from array import array
from typing import Any, Dict, List, Mapping, NamedTuple

from nutrace import semconv
from nutrace.trace import Trace
from nutrace.trace.bounds import whole
from nutrace_exporters.labels import label, value


class Frame(NamedTuple):
    """Name, component and place of a span; empty or 0 where unknown."""

    name: str
    component: str
    function: str
    file: str
    line: int


class FrameTable:
    """The distinct frames of a trace, in order of first appearance.

    ``of[i]`` is the number of span i's frame in ``frames``.
    """

    def __init__(self, trace: Trace) -> None:
        self.frames: List[Frame] = []
        self.of = array("l", bytes(0))
        seen: Dict[Frame, int] = {}
        names: Dict[str, str] = {}
        for i in range(len(trace)):
            raw = trace.name[i]
            name = names.get(raw)
            if name is None:
                name = names[raw] = label(raw)
            attributes = trace.attributes(i)
            frame = Frame(
                name,
                trace.component[i],
                value(attributes.get(semconv.CODE_FUNCTION, "")),
                value(attributes.get(semconv.CODE_FILE, "")),
                _line(attributes),
            )
            number = seen.get(frame)
            if number is None:
                number = seen[frame] = len(self.frames)
                self.frames.append(frame)
            self.of.append(number)


def _line(attributes: Mapping[str, Any]) -> int:
    return max(whole(attributes.get(semconv.CODE_LINE)), 0)
