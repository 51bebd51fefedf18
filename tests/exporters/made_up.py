"""Traces that hypothesis makes up, with unusual names, and samples that were never taken."""

from __future__ import annotations

import tempfile
from array import array
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from fakes.otlp import EPOCH_NS, RESOURCE, TRACE_ID, attributes, envelope, write
from hypothesis import strategies as st

from nutrace.prices import Price, dump
from nutrace.semconv import COMPONENTS
from nutrace.trace import Trace, load
from nutrace.trace.sampled import NO_GROUP, Sampled, SampledFunction, SampledGroup

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "a;b\nc",
    "quote \" and ' and \\",
    "nul \x00 and \x1b[31m",
    "lone \ud800 surrogate",
    "line\u2028separator",
    "@@data@@ &amp; ]]> -->",
    "",
    "__proto__",
)


def chain(levels: int) -> List[Dict[str, Any]]:
    """Nested spans."""
    return [
        {
            "traceId": TRACE_ID,
            "spanId": f"{level + 1:016x}",
            "parentSpanId": f"{level:016x}" if level else "",
            "name": f"level {level % 7}",
            "startTimeUnixNano": str(EPOCH_NS + level),
            "endTimeUnixNano": str(EPOCH_NS + 1_000_000 - level),
            "attributes": attributes({"thread.id": 1}),
        }
        for level in range(levels)
    ]


names = st.one_of(st.sampled_from(("a", "b", "c")), st.sampled_from(HOSTILE), st.text(max_size=5))


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """A trace of spans with any names, parents, times (ns), threads, costs and components; of some,
    nutrace's own time was taken out."""
    made = []
    prices = dump({"call": Price(draw(st.integers(0, 500_000)), 0, 1)}) if draw(st.booleans()) else ""
    resource = {**RESOURCE, "nutrace.own.prices": prices}
    for number in range(1, draw(st.integers(1, 15)) + 1):
        start = draw(st.integers(0, 9_000_000))
        given: Dict[str, Any] = {"thread.id": draw(st.integers(1, 2))}
        given["nutrace.component"] = draw(st.sampled_from(COMPONENTS))
        if draw(st.booleans()):
            given["nutrace.busy_ns"] = draw(st.integers(0, 4_000_000))
        if draw(st.integers(0, 3)) == 0:
            given["nutrace.own_ns"] = draw(st.integers(0, 400_000))
        if draw(st.booleans()):
            given[draw(names)] = draw(names)
        made.append(
            {
                "traceId": TRACE_ID,
                "spanId": f"{number:016x}",
                "parentSpanId": f"{draw(st.integers(0, number - 1)):016x}",
                "name": draw(names),
                "startTimeUnixNano": str(EPOCH_NS + start),
                "endTimeUnixNano": str(EPOCH_NS + start + draw(st.integers(0, 5_000_000))),
                "attributes": attributes(given),
            }
        )
    with tempfile.TemporaryDirectory() as directory:
        return load(write(Path(directory) / "run.json", envelope(made, resource)))


def group(own: int, *nodes: Tuple[int, int, int]) -> SampledGroup:
    """A group of nodes ``(parent, function, count)``."""
    columns = [array(kind, [node[at] for node in nodes]) for at, kind in enumerate("iiq")]
    return SampledGroup(own, *columns)


def with_samples(
    trace: Trace,
    group_of: Sequence[int],
    groups: Sequence[SampledGroup],
    functions: Sequence[SampledFunction],
    **facts: Any,
) -> Trace:
    """The trace with samples joined to its spans."""
    taken = sum(group.samples for group in groups)
    facts = {"taken": taken + 5, "placed": taken, "unplaced": {"outside of spans": 5}, **facts}
    facts = {"samplers": ("py-spy 0.4.3",), "rate_hz": 100.0, **facts}
    return replace(trace, sampled=Sampled(tuple(functions), tuple(groups), array("i", group_of), **facts))


@st.composite
def sampled_traces(draw: st.DrawFn) -> Trace:
    """A trace with samples: groups with any trees, and spans in any of them."""
    trace = draw(traces())
    functions = [SampledFunction(draw(names), "a.py" if draw(st.booleans()) else "", n) for n in range(3)]
    groups = []
    for _ in range(draw(st.integers(1, 3))):
        nodes: List[Tuple[int, int, int]] = []
        path = [-1]
        for number in range(draw(st.integers(0, 8))):
            del path[draw(st.integers(1, len(path))) :]
            nodes.append((path[-1], draw(st.integers(0, 2)), draw(st.integers(0, 40))))
            path.append(number)
        groups.append(group(draw(st.integers(0, 40)), *nodes))
    group_of = [draw(st.integers(NO_GROUP, len(groups) - 1)) for _ in range(len(trace))]
    return with_samples(trace, group_of, groups, functions)
