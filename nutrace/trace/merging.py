"""Merge equal siblings of a trace, as the recorder merges short ones."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import replace
from typing import Any, Dict, Hashable, List, Mapping, Optional, Sequence, Tuple

import msgspec

from nutrace import semconv
from nutrace.sketch import Sketch
from nutrace.trace.addresses import NO_SCENARIO, NO_STEP, Addresses
from nutrace.trace.bounds import whole
from nutrace.trace.selection import moved_scenarios, narrowed
from nutrace.trace.trace import Trace
from nutrace.trace.values import any_value, loose_json

#: Attributes that add up.
_SUMS = frozenset(
    (
        *(semconv.DB_ROWS, semconv.SQL_ROWS_AT_ONCE, semconv.SQL_EXECUTE_NS, semconv.SQL_FETCH_NS),
        *(semconv.COPY_OBJECTS, semconv.COPY_NESTED, semconv.COPY_NESTED_OBJECTS, semconv.PICKLE_BYTES),
        *(semconv.GC_COLLECTED, semconv.POOL_WAIT_NS, semconv.POOL_IN_USE_NS),
        *(semconv.BUSY_NS, semconv.OWN_NS, semconv.CLOCKED_NS, semconv.YIELDED),
    )
)
_MOST = frozenset((semconv.COPY_DEPTH,))
_SERIES = frozenset((semconv.SQL_PARAMETERS, semconv.SQL_TOOK_NS, semconv.SQL_OPEN))
_OF_COMPOSITES = semconv.COMPOSITE_MIN_NS, semconv.COMPOSITE_MAX_NS, semconv.COMPOSITE_TIMES
#: Spans that differ in these are counted apart: in the tables of statements, copies and collections.
_APART = frozenset(
    (
        *(semconv.CODE_FUNCTION, semconv.CODE_FILE, semconv.CODE_LINE, semconv.BLOCK),
        *(semconv.DB_SYSTEM, semconv.DB_NAMESPACE, semconv.DB_TEXT, semconv.DB_OPERATION, semconv.DB_BATCH),
        *(semconv.OLD_DB_SYSTEM, semconv.OLD_DB_NAMESPACE, semconv.OLD_DB_TEXT, semconv.OLD_DB_OPERATION),
        *(
            semconv.CONTINUES,
            semconv.SQL_STATEMENT,
            semconv.SQL_RUNS,
            semconv.COPY_ROOT_TYPE,
            semconv.COPY_THROUGH,
        ),
        *(semconv.COPY_TYPES, semconv.GC_GENERATION, semconv.GC_OFF, semconv.POOL_REUSED, semconv.CACHE_HIT),
    )
)
_ALONE = frozenset((semconv.STEP_SPAN, semconv.RUN_SPAN))

#: Attributes by key, each a decoded AnyValue.
_Attributes = Mapping[str, Any]


def merged(trace: Trace) -> Trace:
    """A trace with equal siblings merged; see :meth:`nutrace.Trace.merged`."""
    into, members = _groups(trace)
    children: List[List[int]] = [[] for _ in members]
    roots: List[int] = []
    for group, spans in enumerate(members):
        above = trace.parent[spans[0]]
        (children[into[above]] if above >= 0 else roots).append(group)
    for siblings in (roots, *children):
        siblings.sort(key=lambda group: trace.start_ns[members[group][0]])
    order, subtree_end = _preorder(roots, children)
    number = array("i", bytes(4 * len(members)))
    for place, group in enumerate(order):
        number[group] = place
    groups = [members[group] for group in order]
    firsts = [spans[0] for spans in groups]

    def first_of(column: Any) -> Any:
        chosen = column[:0]
        chosen.extend(column[first] for first in firsts)
        return chosen

    def sum_of(column: Any) -> Any:
        chosen = column[:0]
        chosen.extend(
            column[spans[0]] if len(spans) == 1 else sum(map(column.__getitem__, spans)) for spans in groups
        )
        return chosen

    def common(column: array[int], otherwise: int) -> array[int]:
        """What all spans of a group have; `otherwise` where they lie in different steps."""
        every = (set(map(column.__getitem__, spans)) for spans in groups)
        return array(column.typecode, (values.pop() if len(values) == 1 else otherwise for values in every))

    def at(span: int) -> int:
        return number[into[span]]

    raw, sampled = trace.raw, trace.sampled
    where = trace.addresses
    parents = (trace.parent[first] for first in firsts)
    return replace(
        trace,
        selection=narrowed(trace, "equal siblings merged"),
        **{
            column: first_of(getattr(trace, column))
            for column in ("name", "component", "thread", "depth", "start_ns")
        },
        **{
            column: sum_of(getattr(trace, column))
            for column in ("busy_ns", "self_ns", "own_ns", "calls", "yielded")
        },
        end_ns=array("q", (max(map(trace.end_ns.__getitem__, spans)) for spans in groups)),
        parent=array("i", (-1 if above < 0 else at(above) for above in parents)),
        subtree_end=subtree_end,
        sampled=replace(sampled, group_of=first_of(sampled.group_of)) if sampled else None,
        kept=Addresses(
            moved_scenarios(trace, where.scenario_of, at),
            common(where.scenario_of, NO_SCENARIO),
            common(where.iteration_of, NO_STEP),
        ),
        raw=replace(
            raw,
            **{
                column: first_of(getattr(raw, column))
                for column in ("span_id", "trace_id", "kind", "by_api", "unfinished")
            },
            attributes=[
                raw.attributes[spans[0]] if len(spans) == 1 else _attributes_of(trace, spans)
                for spans in groups
            ],
            single_rows=sum_of(trace.single_rows),
            clocked_ns=sum_of(trace.clocked_ns),
            events={at(span): value for span, value in raw.events.items()},
            status={at(span): value for span, value in raw.status.items() if len(members[into[span]]) == 1},
        ),
    )


def _groups(trace: Trace) -> Tuple[array[int], List[List[int]]]:
    """For each span the number of its group, and the spans of each group, by their start."""
    raw = trace.raw
    continued = {
        trace.attributes(span).get(semconv.CONTINUES) for span, calls in enumerate(trace.calls) if not calls
    }
    alone = {*trace.failed, *raw.events}
    apart = _Apart()
    into = array("i", bytes(4 * len(trace)))
    members: List[List[int]] = []
    known: Dict[Hashable, int] = {}
    sampled = trace.sampled.group_of if trace.sampled else trace.thread
    for span, above in enumerate(trace.parent):
        name = trace.name[span]
        if (
            name in _ALONE
            or raw.unfinished[span]
            or span in alone
            or (continued and trace.span_id(span) in continued)
        ):
            into[span] = len(members)
            members.append([span])
            continue
        key = (
            into[above] if above >= 0 else -1,
            *(name, trace.component[span], trace.thread[span]),
            sampled[span],
            *(raw.kind[span], raw.by_api[span], raw.trace_id[span], apart.number(raw.attributes[span])),
        )
        group = known.setdefault(key, len(members))
        if group == len(members):
            members.append([])
        into[span] = group
        members[group].append(span)
    for spans in members:
        spans.sort(key=trace.start_ns.__getitem__)  # those of parents that overlap come in another order
    return into, members


class _Apart:
    """Numbers sets of attributes: spans that tables count apart have different numbers."""

    def __init__(self) -> None:
        self._of_raw: Dict[bytes, int] = {}
        self._known: Dict[Hashable, int] = {}

    def number(self, raw: bytes) -> int:
        """The number of attributes as they are in the file."""
        number = self._of_raw.get(raw)
        if number is None:
            told = _decoded(raw)
            key: Hashable = raw
            if told is not None:
                key = tuple((each, msgspec.json.encode(told[each])) for each in sorted(_APART & told.keys()))
            number = self._of_raw[raw] = self._known.setdefault(key, len(self._known))
        return number


def _decoded(raw: bytes) -> Optional[_Attributes]:
    """Attributes by key; None if they cannot be read."""
    if not raw:
        return {}
    try:
        items = loose_json(raw)
    except (ValueError, RecursionError):
        return None
    return {
        item["key"]: item.get("value")
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict) and isinstance(item.get("key"), str)
    }


def _preorder(roots: Sequence[int], children: Sequence[List[int]]) -> Tuple[List[int], array[int]]:
    """The groups with parents before their children, and for each place the end of its subtree."""
    order: List[int] = []
    subtree_end = array("i", bytes(4 * len(children)))
    waiting = [(group, False) for group in reversed(roots)]
    places: List[int] = []
    while waiting:
        group, is_done = waiting.pop()
        if is_done:
            subtree_end[places.pop()] = len(order)
            continue
        places.append(len(order))
        order.append(group)
        waiting.append((group, True))
        waiting.extend((child, False) for child in reversed(children[group]))
    return order, subtree_end


def _attributes_of(trace: Trace, spans: Sequence[int]) -> bytes:
    """What several spans say together: what they all say, and sums of what adds up."""
    told = [_decoded(trace.raw.attributes[span]) or {} for span in spans]
    common = dict(told[0])
    sums: Dict[str, int] = {}
    series: Dict[str, List[Any]] = {}
    for each in told:
        for key, value in each.items():
            if key in _SUMS:
                sums[key] = sums.get(key, 0) + max(whole(any_value(value)), 0)
            elif key in _MOST:
                sums[key] = max(sums.get(key, 0), whole(any_value(value)))
            elif key in _SERIES:
                series.setdefault(key, []).extend(_items(value))
        for key in [key for key, value in common.items() if key not in each or each[key] != value]:
            del common[key]
    for key in _OF_COMPOSITES:  # said anew below, as far as it is known
        common.pop(key, None)
    sums[semconv.BUSY_NS] = sum(_recorded_ns(trace, span, each) for span, each in zip(spans, told))
    whole_numbers, lists = _calls(trace, spans)
    values = {
        **common,
        **{key: {"intValue": str(number)} for key, number in {**sums, **whole_numbers}.items()},
        **{key: {"arrayValue": {"values": items}} for key, items in {**series, **lists}.items()},
    }
    return msgspec.json.encode([{"key": key, "value": value} for key, value in values.items()])


def _items(value: Any) -> List[Any]:
    """The items of a list as they are in the file."""
    content = value.get("arrayValue") if isinstance(value, dict) else None
    items = content.get("values") if isinstance(content, dict) else None
    return items if isinstance(items, list) else []


def _recorded_ns(trace: Trace, span: int, told: _Attributes) -> int:
    """The cost of a span as its attributes have it, or else its duration."""
    busy_ns = whole(any_value(told[semconv.BUSY_NS])) if semconv.BUSY_NS in told else -1
    return busy_ns if busy_ns >= 0 else trace.end_ns[span] - trace.start_ns[span]


def _calls(trace: Trace, spans: Sequence[int]) -> Tuple[Dict[str, int], Dict[str, List[Any]]]:
    """How many calls the spans stand for, and how long these took, as composite spans say it."""
    count = sum(map(trace.calls.__getitem__, spans))
    if count <= 1:
        return {}, {}
    numbers = {semconv.COMPOSITE_COUNT: count}
    single: List[int] = []
    often: Counter[int] = Counter()
    for span in spans:
        if trace.calls[span] == 1:
            single.append(trace.busy_ns[span] + trace.own_inside_ns[span])
            continue
        times = trace.call_times(span)
        if times is None:  # so of none of them together
            return numbers, {}
        for time_ns, calls in times:
            often[round(time_ns)] += calls
    sketch = _sketch(single, often)
    numbers[semconv.COMPOSITE_MIN_NS], numbers[semconv.COMPOSITE_MAX_NS] = sketch.min_ns, sketch.max_ns
    pairs = sketch.pairs()
    return numbers, {semconv.COMPOSITE_TIMES: [{"intValue": str(each)} for each in pairs]} if pairs else {}


def _sketch(single: Sequence[int], often: Mapping[int, int]) -> Sketch:
    """The sketch of single times, and of times that each occurred so often."""
    sketch = Sketch().plus([*single, *often])
    buckets = Counter(sketch.buckets)
    for time_ns, calls in often.items():
        (bucket,) = Sketch().plus([time_ns]).buckets
        buckets[bucket] += calls - 1
    more = sum(often.values()) - len(often)
    more_ns = sum(time_ns * (calls - 1) for time_ns, calls in often.items())
    return sketch._replace(calls=sketch.calls + more, sum_ns=sketch.sum_ns + more_ns, buckets=buckets)
