"""Traces that hypothesis makes up, with unusual names."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Dict, List

from fakes.otlp import EPOCH_NS, TRACE_ID, attributes, envelope, write
from hypothesis import strategies as st

from nutrace.semconv import COMPONENTS
from nutrace.trace import Trace, load

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
    """A trace of spans with any names, parents, times (ns), threads, costs and components."""
    made = []
    for number in range(1, draw(st.integers(1, 15)) + 1):
        start = draw(st.integers(0, 9_000_000))
        given: Dict[str, Any] = {"thread.id": draw(st.integers(1, 2))}
        given["nutrace.component"] = draw(st.sampled_from(COMPONENTS))
        if draw(st.booleans()):
            given["nutrace.busy_ns"] = draw(st.integers(0, 4_000_000))
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
        return load(write(Path(directory) / "run.json", envelope(made)))
