"""Frames: the name, component and place in the code that spans have in common."""

from __future__ import annotations

from array import array
from typing import Dict, List, NamedTuple

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
        labels = labels_of(trace)
        for i in range(len(trace)):
            frame = frame_of(trace, i, labels[trace.name[i]])
            number = seen.get(frame)
            if number is None:
                number = seen[frame] = len(self.frames)
                self.frames.append(frame)
            self.of.append(number)


def labels_of(trace: Trace) -> Dict[str, str]:
    """The label of each name in a trace, made once however many spans have the name."""
    return {name: label(name) for name in set(trace.name)}


def frame_of(trace: Trace, span: int, name: str) -> Frame:
    """The frame of a span, whose name as a label is `name`."""
    attributes = trace.attributes(span)
    return Frame(
        name,
        trace.component[span],
        value(attributes.get(semconv.CODE_FUNCTION, "")),
        value(attributes.get(semconv.CODE_FILE, "")),
        max(whole(attributes.get(semconv.CODE_LINE)), 0),
    )
