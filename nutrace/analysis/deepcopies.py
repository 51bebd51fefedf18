"""Where copies are made: who asks for them, of what, how much, and whether in the steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.regions import Region, Regions, divide
from nutrace.analysis.watched import was_watched
from nutrace.trace import Trace

_TARGET = "copy:deepcopy"
_COPIES = (semconv.DEEPCOPY_SPAN, semconv.COPY_SPAN, semconv.PICKLE_SPAN, semconv.UNPICKLE_SPAN)


@dataclass(frozen=True)
class Caller:
    """The function that called, its file, and the line of the call; "" and 0 if unknown."""

    function: str
    file: str
    line: int


@dataclass(frozen=True)
class Amount:
    """Root calls, the objects that they put into their memos, and their time in ns."""

    root_calls: int = 0
    objects: int = 0
    total_ns: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.root_calls + other.root_calls,
            self.objects + other.objects,
            self.total_ns + other.total_ns,
        )


@dataclass(frozen=True)
class TypeInside:
    """Copies of one type, and their own bytes by ``sys.getsizeof``."""

    type: str
    objects: int
    bytes: int


@dataclass(frozen=True)
class Source:
    """Deep copies of one caller, root type and component.

    Attributes
    ----------
    component:
        The component of the span in which they were made, "other" outside all spans.
    amount, in_steps, beside_steps:
        All of them; those on a step's own thread; those that a step set off on other threads.
    nested_calls, nested_objects, depth:
        Deep copies inside these that began a memo of their own, what they copied, and how many
        levels of them there were at most. Their time is part of ``amount``'s.
    types:
        What was copied, most bytes first; empty unless recorded with NUTRACE_DEEPCOPY=detail.
    """

    caller: Caller
    root_type: str
    component: str
    amount: Amount
    in_steps: Amount
    beside_steps: Amount
    nested_calls: int
    nested_objects: int
    depth: int
    types: Tuple[TypeInside, ...] = ()


@dataclass(frozen=True)
class OtherCopies:
    """Calls of ``copy.copy``, ``pickle.dumps`` or ``pickle.loads`` by one caller.

    A call inside another of the same kind is part of that one. ``total_ns`` leaves out what lies in
    deep copies, and deep copies that lie in it: it adds up with theirs and with the others'.
    """

    kind: str
    caller: Caller
    root_type: str
    component: str
    calls: int
    calls_in_steps: int
    total_ns: int


@dataclass(frozen=True)
class DeepCopies:
    """All copies of a trace.

    ``sources`` and ``others`` begin with the costliest. ``steps`` is how many steps finished,
    ``recorded`` whether any process of the run looked for deep copies at all.
    """

    steps: int
    recorded: bool
    amount: Amount
    in_steps: Amount
    beside_steps: Amount
    sources: Tuple[Source, ...]
    others: Tuple[OtherCopies, ...]


_Key = Tuple[Caller, str, str]


class _Tally:
    """What is added up for one source."""

    def __init__(self) -> None:
        self.regions = {region: Amount() for region in Region}
        self.nested = [0, 0]
        self.depth = 0
        self.types: Dict[str, List[int]] = {}


def deep_copies(trace: Trace, regions: Optional[Regions] = None) -> DeepCopies:
    """Add up the copies of a trace; `regions` are the trace's, if they are known."""
    regions = divide(trace) if regions is None else regions
    sources: Dict[_Key, _Tally] = {}
    others: Dict[Tuple[str, _Key], List[int]] = {}
    for span, above in _copies(trace):
        where = regions.region[span]
        key = _key(trace, span)
        if trace.name[span] == semconv.DEEPCOPY_SPAN:
            if semconv.DEEPCOPY_SPAN not in above:
                _add(sources.setdefault(key, _Tally()), trace, span, Region(where))
                if above:  # in one of the others, which leaves this time to the deep copy
                    outermost = next(iter(above.values()))
                    others[trace.name[outermost], _key(trace, outermost)][2] -= trace.busy_ns[span]
        else:
            entry = others.setdefault((trace.name[span], key), [0, 0, 0])
            if trace.name[span] not in above:
                entry[0] += trace.calls[span]
                entry[1] += trace.calls[span] if where == Region.INSIDE else 0
            if not above:
                entry[2] += trace.busy_ns[span]
    found = [_source(key, tally) for key, tally in sources.items()]
    return DeepCopies(
        steps=len(regions.steps),
        recorded=bool(found) or was_watched(trace, (_TARGET,)),
        amount=sum((source.amount for source in found), Amount()),
        in_steps=sum((source.in_steps for source in found), Amount()),
        beside_steps=sum((source.beside_steps for source in found), Amount()),
        sources=tuple(sorted(found, key=_costliest)),
        others=tuple(
            OtherCopies(kind, *key, *numbers)
            for (kind, key), numbers in sorted(
                others.items(), key=lambda item: (-item[1][2], -item[1][0], repr(item[0]))
            )
        ),
    )


def _copies(trace: Trace) -> Iterator[Tuple[int, Mapping[str, int]]]:
    """Each copy's span, and of each kind the outermost that it lies in on its thread, from outside in."""
    above: Dict[int, Dict[str, int]] = {}  # by span, of the spans that are copies
    names, parents, threads = trace.name, trace.parent, trace.thread
    for span in range(len(trace)):
        if names[span] not in _COPIES or trace.component[span] != "deepcopy":
            continue
        up = parents[span]
        while up >= 0 and threads[up] == threads[span] and up not in above:
            up = parents[up]
        kinds: Dict[str, int] = {}
        if up >= 0 and threads[up] == threads[span]:
            kinds = dict(above[up])
            kinds.setdefault(names[up], up)
        above[span] = kinds
        yield span, kinds


def _key(trace: Trace, span: int) -> _Key:
    view = trace[span]
    up = trace.parent[span]
    while up >= 0 and trace.component[up] == "deepcopy":
        up = trace.parent[up]
    component = trace.component[up] if up >= 0 else "other"
    root_type = str(view.attributes.get(semconv.COPY_ROOT_TYPE, ""))
    return Caller(view.function, view.file, view.line), root_type, component


def _add(tally: _Tally, trace: Trace, span: int, where: Region) -> None:
    attributes = trace.attributes(span)
    objects = _number(attributes, semconv.COPY_OBJECTS)
    tally.regions[where] += Amount(trace.calls[span], objects, trace.busy_ns[span])
    tally.nested[0] += _number(attributes, semconv.COPY_NESTED)
    tally.nested[1] += _number(attributes, semconv.COPY_NESTED_OBJECTS)
    tally.depth = max(tally.depth, _number(attributes, semconv.COPY_DEPTH))
    types = attributes.get(semconv.COPY_TYPES)
    if isinstance(types, dict):
        for name, numbers in types.items():
            if isinstance(numbers, dict):
                entry = tally.types.setdefault(name, [0, 0])
                entry[0] += _number(numbers, "objects")
                entry[1] += _number(numbers, "bytes")


def _number(attributes: Mapping[str, Any], key: str) -> int:
    value = attributes.get(key, 0)
    return value if isinstance(value, int) else 0


def _source(key: _Key, tally: _Tally) -> Source:
    types = sorted(tally.types.items(), key=lambda item: (-item[1][1], item[0]))
    return Source(
        *key,
        amount=sum(tally.regions.values(), Amount()),
        in_steps=tally.regions[Region.INSIDE],
        beside_steps=tally.regions[Region.BESIDE],
        nested_calls=tally.nested[0],
        nested_objects=tally.nested[1],
        depth=tally.depth,
        types=tuple(TypeInside(name, *numbers) for name, numbers in types),
    )


def _costliest(source: Source) -> Tuple[Any, ...]:
    return (-source.amount.total_ns, -source.amount.root_calls, repr(source.caller), source.root_type)
