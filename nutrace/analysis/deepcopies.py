"""Copies: which function makes them, of what, how many, and whether in the steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number, text
from nutrace.analysis.origins import Caller, component_around
from nutrace.analysis.regions import Region, Regions, divide
from nutrace.analysis.watched import was_watched
from nutrace.trace import Trace

_TARGET = "copy:deepcopy"
_COPIES = (semconv.DEEPCOPY_SPAN, semconv.COPY_SPAN, semconv.PICKLE_SPAN, semconv.UNPICKLE_SPAN)


@dataclass(frozen=True)
class Amount:
    """Root calls, the number of objects that they copied (entries of their memos), their time in ns."""

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
        All of the copies; those on a step's own thread; those that a step set off on other threads.
    nested_calls, nested_objects, depth:
        Deep copies inside these with a memo of their own, the objects that they copied, and how many of
        them lay inside each other at most. Their time is part of the time in ``amount``.
    types:
        The types of the copied objects, most bytes first; empty without NUTRACE_DEEPCOPY=detail.
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

    A call inside another of the same kind is part of that one. ``total_ns`` leaves out calls inside deep
    copies and the time of deep copies inside the calls, so that it can be added to the time of deep copies.
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

    ``sources`` and ``others`` begin with the costliest. ``steps`` is the number of finished steps.
    ``recorded`` says whether any process of the run recorded deep copies at all.
    """

    steps: int
    recorded: bool
    amount: Amount
    in_steps: Amount
    beside_steps: Amount
    sources: Tuple[Source, ...]
    others: Tuple[OtherCopies, ...]


_Key = Tuple[Caller, str, str]


class _Sums:
    """The sums over one source's copies, while they are added up."""

    def __init__(self) -> None:
        self.regions = {region: Amount() for region in Region}
        self.nested = [0, 0]
        self.depth = 0
        self.types: Dict[str, List[int]] = {}


def deep_copies(trace: Trace, regions: Optional[Regions] = None) -> DeepCopies:
    """Add up the copies of a trace.

    Parameters
    ----------
    trace:
        A trace.
    regions:
        How the trace is divided, if that is known already.
    """
    regions = divide(trace) if regions is None else regions
    makers = component_around(trace, "deepcopy")
    sources: Dict[_Key, _Sums] = {}
    others: Dict[Tuple[str, _Key], List[int]] = {}
    for span, above in _copies(trace):
        where = regions.region[span]
        key = _key(trace, span, makers)
        if trace.name[span] == semconv.DEEPCOPY_SPAN:
            if semconv.DEEPCOPY_SPAN not in above:
                _add(sources.setdefault(key, _Sums()), trace, span, Region(where))
                if above:  # the time of a deep copy is not part of the other call around it
                    outermost = next(iter(above.values()))
                    others[trace.name[outermost], _key(trace, outermost, makers)][2] -= trace.busy_ns[span]
        else:
            entry = others.setdefault((trace.name[span], key), [0, 0, 0])
            if trace.name[span] not in above:
                entry[0] += trace.calls[span]
                entry[1] += trace.calls[span] if where == Region.INSIDE else 0
            if not above:
                entry[2] += trace.busy_ns[span]
    added = [_source(key, sums) for key, sums in sources.items()]
    return DeepCopies(
        steps=len(regions.steps),
        recorded=bool(added) or was_watched(trace, (_TARGET,)),
        amount=sum((source.amount for source in added), Amount()),
        in_steps=sum((source.in_steps for source in added), Amount()),
        beside_steps=sum((source.beside_steps for source in added), Amount()),
        sources=tuple(sorted(added, key=_costliest)),
        others=tuple(
            OtherCopies(kind, *key, *numbers)
            for (kind, key), numbers in sorted(
                others.items(), key=lambda item: (-item[1][2], -item[1][0], repr(item[0]))
            )
        ),
    )


def _copies(trace: Trace) -> Iterator[Tuple[int, Mapping[str, int]]]:
    """The spans of copies, each with the copies around it on its thread.

    These are given by their kind, the outermost of each kind, from the outside in.
    """
    nothing: Dict[str, int] = {}
    inside: List[Dict[str, int]] = []  # for each span, the copies around what it holds
    threads = trace.thread
    columns = zip(trace.name, trace.component, trace.parent, threads)
    for span, (name, component, above, thread) in enumerate(columns):
        around = inside[above] if above >= 0 and threads[above] == thread else nothing
        if name in _COPIES and component == "deepcopy":
            yield span, around
            if name not in around:
                around = {**around, name: span}
        inside.append(around)


def _key(trace: Trace, span: int, makers: Sequence[str]) -> _Key:
    """`makers` has for each span the component that it works for."""
    view = trace[span]
    root_type = text(view.attributes, semconv.COPY_ROOT_TYPE)
    return Caller(view.function, view.file, view.line), root_type, makers[span]


def _add(sums: _Sums, trace: Trace, span: int, where: Region) -> None:
    attributes = trace.attributes(span)
    objects = number(attributes, semconv.COPY_OBJECTS)
    sums.regions[where] += Amount(trace.calls[span], objects, trace.busy_ns[span])
    sums.nested[0] += number(attributes, semconv.COPY_NESTED)
    sums.nested[1] += number(attributes, semconv.COPY_NESTED_OBJECTS)
    sums.depth = max(sums.depth, number(attributes, semconv.COPY_DEPTH))
    types = attributes.get(semconv.COPY_TYPES)
    if isinstance(types, dict):
        for name, numbers in types.items():
            if isinstance(numbers, dict):
                entry = sums.types.setdefault(name, [0, 0])
                entry[0] += number(numbers, "objects")
                entry[1] += number(numbers, "bytes")


def _source(key: _Key, sums: _Sums) -> Source:
    types = sorted(sums.types.items(), key=lambda item: (-item[1][1], item[0]))
    return Source(
        *key,
        amount=sum(sums.regions.values(), Amount()),
        in_steps=sums.regions[Region.INSIDE],
        beside_steps=sums.regions[Region.BESIDE],
        nested_calls=sums.nested[0],
        nested_objects=sums.nested[1],
        depth=sums.depth,
        types=tuple(TypeInside(name, *numbers) for name, numbers in types),
    )


def _costliest(source: Source) -> Tuple[Any, ...]:
    return (-source.amount.total_ns, -source.amount.root_calls, repr(source.caller), source.root_type)


def root_copies(trace: Trace) -> Iterator[int]:
    """The spans of deep copies, whatever is around them."""
    return (span for span, _ in _copies(trace) if trace.name[span] == semconv.DEEPCOPY_SPAN)
