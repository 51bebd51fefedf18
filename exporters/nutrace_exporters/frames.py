"""Frames: the name, component and place in the code that spans have in common."""

from __future__ import annotations

from array import array
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

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

    ``of[i]`` is the number of span i's frame in ``frames``; spans are added in their order.
    """

    def __init__(self, trace: Trace) -> None:
        self.frames: List[Frame] = []
        self.of = array("l", bytes(0))
        self._trace = trace
        self._labels = labels_of(trace)
        self._numbers: Dict[Frame, int] = {}
        self._known: Dict[Tuple[object, ...], int] = {}  # by what spans say, of which labels are made once

    def add(self, span: int, attributes: Mapping[str, Any]) -> None:
        """Add the next span, which has these attributes."""
        name, component = self._trace.name[span], self._trace.component[span]
        function, file = attributes.get(semconv.CODE_FUNCTION), attributes.get(semconv.CODE_FILE)
        line = attributes.get(semconv.CODE_LINE)
        plain = type(function) is str and type(file) is str and type(line) is int
        said = (name, component, function, file, line, semconv.BLOCK in attributes) if plain else None
        number = self._known.get(said) if said else None
        if number is None:
            frame = frame_of(self._labels[name], component, attributes)
            number = self._numbers.setdefault(frame, len(self.frames))
            if number == len(self.frames):
                self.frames.append(frame)
            if said:
                self._known[said] = number
        self.of.append(number)


def frame_table(trace: Trace) -> FrameTable:
    """The frames of all spans."""
    table = FrameTable(trace)
    for span in range(len(trace)):
        table.add(span, trace.attributes(span))
    return table


def labels_of(trace: Trace) -> Dict[str, str]:
    """The label of each name in a trace, made once however many spans have the name."""
    return {name: label(name) for name in set(trace.name)}


def frame_of(name: str, component: str, attributes: Mapping[str, Any]) -> Frame:
    """The frame of a span, whose name as a label is `name`."""
    if name == semconv.STEP_SPAN and attributes.get(semconv.BLOCK):
        # A step lies between two calls, often of callbacks: the place where it begins is not its own.
        return Frame(name, component, "", "", 0)
    return Frame(
        name,
        component,
        value(attributes.get(semconv.CODE_FUNCTION, "")),
        value(attributes.get(semconv.CODE_FILE, "")),
        max(whole(attributes.get(semconv.CODE_LINE)), 0),
    )
