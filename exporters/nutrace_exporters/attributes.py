"""The attributes, events and status of spans, for tooltips; equal sets are stored once."""

from __future__ import annotations

from typing import Any, Dict, Final, FrozenSet, List, Mapping, Tuple

from nutrace import semconv
from nutrace.trace import Trace
from nutrace_exporters.labels import label, value

#: Shown elsewhere on the page, and not among the attributes.
_ELSEWHERE: Final[FrozenSet[str]] = frozenset(
    {
        semconv.COMPONENT,
        semconv.CODE_FUNCTION,
        semconv.CODE_FILE,
        semconv.CODE_LINE,
        semconv.THREAD_ID,
        semconv.THREAD_NAME,
        semconv.BUSY_NS,
        semconv.OWN_NS,
        semconv.YIELDED,
        semconv.CONTINUES,
        semconv.COMPOSITE_COUNT,
        semconv.COMPOSITE_MIN_NS,
        semconv.COMPOSITE_MAX_NS,
        semconv.COMPOSITE_TIMES,
        semconv.UNFINISHED,
        semconv.STEP_INDEX,
    }
)

VALUE_CHARS: Final = 400
#: Bounds on the characters of distinct texts and on the number of distinct sets, to keep a page small.
BUDGET_CHARS: Final = 12_000_000
BUDGET_SETS: Final = 300_000
#: Events of one span that are shown.
MOST_EVENTS: Final = 100


class Strings:
    """Distinct strings, numbered in order of first appearance; number 0 is the empty string."""

    def __init__(self) -> None:
        self.items: List[str] = [""]
        self._numbers: Dict[str, int] = {"": 0}
        self.chars = 0

    def number(self, text: str) -> int:
        """The number of `text`, new or old."""
        known = self._numbers.get(text)
        if known is None:
            known = self._numbers[text] = len(self.items)
            self.items.append(text)
            self.chars += len(text)
        return known


class AttributeSets:
    """Distinct sets of attributes of a trace: ``of[i]`` is the number of span i's set.

    A set is ``[key, value, key, value, ...]`` in numbers of `strings`. Set 0 is empty. When the bounds are
    reached, new sets are left out; ``left_out`` counts their spans.
    """

    def __init__(self, trace: Trace, strings: Strings) -> None:
        self.sets: List[Tuple[int, ...]] = [()]
        self.of: List[int] = []
        self.left_out = 0
        self._strings = strings
        self._numbers: Dict[Tuple[int, ...], int] = {(): 0}
        by_identity: Dict[int, Tuple[Mapping[str, Any], int]] = {}
        for i in range(len(trace)):
            attributes = trace.attributes(i)
            if i in trace.raw.events or i in trace.raw.status:
                number = self._number(_pairs(attributes) + _happened(trace, i))
            else:
                # Equal attributes are mostly the same object.
                known = by_identity.get(id(attributes))
                if known is None:
                    if len(by_identity) > 10_000:
                        by_identity.clear()
                    known = by_identity[id(attributes)] = (attributes, self._number(_pairs(attributes)))
                number = known[1]
            self.left_out += number < 0
            self.of.append(max(0, number))

    def _number(self, pairs: List[Tuple[str, Any]]) -> int:
        """The number of a set; -1 if it is new and the bounds are reached."""
        if not pairs:
            return 0
        if self._strings.chars > BUDGET_CHARS or len(self.sets) > BUDGET_SETS:
            return -1
        numbers: List[int] = []
        for key, item in pairs:
            numbers += (self._strings.number(label(key, 200)), self._strings.number(value(item, VALUE_CHARS)))
        key_values = tuple(numbers)
        known = self._numbers.get(key_values)
        if known is None:
            known = self._numbers[key_values] = len(self.sets)
            self.sets.append(key_values)
        return known


def _pairs(attributes: Mapping[str, Any]) -> List[Tuple[str, Any]]:
    return [(key, item) for key, item in attributes.items() if key not in _ELSEWHERE]


def _happened(trace: Trace, span: int) -> List[Tuple[str, Any]]:
    status = trace.status(span)
    pairs: List[Tuple[str, Any]] = []
    if status.code == 2:
        pairs.append(("status", f"error: {status.message}" if status.message else "error"))
    events = trace.events(span)
    pairs.extend((f"event {event.name}", _event(event.attributes)) for event in events[:MOST_EVENTS])
    if len(events) > MOST_EVENTS:
        pairs.append(("events", f"{len(events) - MOST_EVENTS:,} more"))
    return pairs


def _event(attributes: Mapping[str, Any]) -> str:
    kind, message = attributes.get("exception.type"), attributes.get("exception.message")
    if kind is not None:
        return f"{kind}: {message}" if message else str(kind)
    return ", ".join(f"{key}={item}" for key, item in attributes.items())
