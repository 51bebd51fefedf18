"""The attributes, events and status of spans, for tooltips; equal sets are stored once."""

from __future__ import annotations

from array import array
from typing import Any, Dict, Final, FrozenSet, List, Mapping, Tuple

from nutrace import semconv
from nutrace.trace import Trace
from nutrace_exporters.labels import label, value

#: Shown elsewhere on the page, and not among the attributes.
ELSEWHERE: Final[FrozenSet[str]] = frozenset(
    {
        semconv.COMPONENT,
        semconv.CODE_FUNCTION,
        semconv.CODE_FILE,
        semconv.CODE_LINE,
        semconv.THREAD_ID,
        semconv.THREAD_NAME,
        semconv.BUSY_NS,
        semconv.OWN_NS,
        semconv.CLOCKED_NS,
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
#: The same of sets that are made when these bounds are reached.
BUDGET_SHARED: Final = 30_000
#: In the place of attributes that are left out then.
LEFT_OUT: Final = ("(other attributes)", "left out, to keep this file small")
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
        return self.find(text, True)

    def find(self, text: str, add: bool) -> int:
        """The number of `text`; if it is new, and is not to be added, -1."""
        known = self._numbers.get(text, -1)
        if known < 0 and add:
            known = self._numbers[text] = len(self.items)
            self.items.append(text)
            self.chars += len(text)
        return known


class AttributeSets:
    """Distinct sets of attributes of a trace: ``of[i]`` is the number of span i's set.

    A set is ``[key, value, key, value, ...]`` in numbers of `strings`. Set 0 is empty. When the bounds are
    reached, new sets are made of the texts among the attributes only, which many spans share; ``left_out``
    counts the spans that lack others. Spans are added in their order.
    """

    def __init__(self, trace: Trace, strings: Strings) -> None:
        self.sets: List[Tuple[int, ...]] = [()]
        self.of = array("l", bytes(0))
        self.left_out = 0
        self._trace = trace
        self._strings = strings
        self._numbers: Dict[Tuple[int, ...], int] = {(): 0}
        self._keys: Dict[str, int] = {}
        self._texts: Dict[str, int] = {}  # of short texts as spans say them, which are made safe only once
        self._by_identity: Dict[int, Tuple[Mapping[str, Any], int]] = {}
        self._shared_sets = 0  # those that were added when the bounds had been reached

    def add(self, span: int, attributes: Mapping[str, Any]) -> None:
        """Add the next span, which has these attributes."""
        if span in self._trace.raw.events or span in self._trace.raw.status:
            number = self._number(_pairs(attributes) + _happened(self._trace, span))
        else:
            # Equal attributes are mostly the same object.
            known = self._by_identity.get(id(attributes))
            if known is None:
                if len(self._by_identity) > 10_000:
                    self._by_identity.clear()
                known = self._by_identity[id(attributes)] = (attributes, self._number(_pairs(attributes)))
            number = known[1]
        self.left_out += number < 0
        self.of.append(~number if number < 0 else number)

    def _number(self, pairs: List[Tuple[str, Any]]) -> int:
        """The number of a set, or ``~number`` of one that has only a part of it."""
        if not pairs:
            return 0
        if self._strings.chars <= BUDGET_CHARS and len(self.sets) <= BUDGET_SETS:
            return self._stored(pairs)
        known = self._stored(pairs, add=False)
        if known:
            return known
        texts = [pair for pair in pairs if type(pair[1]) is str]
        if self._strings.chars > 2 * BUDGET_CHARS or self._shared_sets > BUDGET_SHARED:
            texts = []  # these are all different as well
        before = len(self.sets)
        number = self._stored(texts if len(texts) == len(pairs) else [*texts, LEFT_OUT])
        self._shared_sets += len(self.sets) - before
        return number if len(texts) == len(pairs) else ~number

    def _stored(self, pairs: List[Tuple[str, Any]], add: bool = True) -> int:
        """The number of a set; if it is new, and is not to be added, 0."""
        numbers: List[int] = []
        for key, item in pairs:
            known = self._keys.get(key)
            text = self._texts.get(item) if type(item) is str else None
            if known is None:
                known = self._strings.find(label(key, 200), add)
                if add:
                    self._keys[key] = known
            if text is None:
                text = self._strings.find(value(item, VALUE_CHARS), add)
                if add and type(item) is str and len(item) <= VALUE_CHARS:
                    self._texts[item] = text
            if known < 0 or text < 0:
                return 0
            numbers += (known, text)
        key_values = tuple(numbers)
        number = self._numbers.get(key_values, 0)
        if not number and add:
            number = self._numbers[key_values] = len(self.sets)
            self.sets.append(key_values)
        return number


def _pairs(attributes: Mapping[str, Any]) -> List[Tuple[str, Any]]:
    return [(key, item) for key, item in attributes.items() if key not in ELSEWHERE]


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
