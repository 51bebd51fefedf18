"""Which errors left spans, and where each came from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Dict, Set, Tuple

from nutrace.analysis.regions import Region, Regions
from nutrace.trace import Trace

ERROR = 2  # OTLP's status code
UNKNOWN = "error"  # of a span that says no more


@dataclass(frozen=True)
class Failure:
    """An error, at the innermost spans that it left; the spans around them see the same error pass.

    Attributes
    ----------
    error:
        Its type, and what the file says of its message.
    span, component:
        The spans that it left.
    count, in_steps:
        How often, in the whole trace and in its steps or beside them.
    """

    error: str
    span: str
    component: str
    count: int
    in_steps: int


def failures(trace: Trace, regions: Regions) -> Tuple[Failure, ...]:
    """The errors of a trace, the most frequent first."""
    failed: Dict[int, str] = {span: error_of(trace, span) for span in sorted(trace.raw.status)}
    passed: Set[Tuple[int, str]] = set()  # spans below which an error came from a span
    for span, error in failed.items():
        if error:
            passed.add((trace.parent[span], error))
    counts: Counter[Tuple[str, str, str]] = Counter()
    in_steps: Counter[Tuple[str, str, str]] = Counter()
    for span, error in failed.items():
        if not error or (span, error) in passed:
            continue
        key = (error, trace.name[span], trace.component[span])
        counts[key] += 1
        in_steps[key] += regions.region[span] != Region.OUTSIDE
    return tuple(
        Failure(*key, count, in_steps[key])
        for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def error_of(trace: Trace, span: int) -> str:
    """With which error a span ended; "" if with none."""
    if span not in trace.raw.status:
        return ""
    status = trace.status(span)
    if status.code != ERROR:
        return ""
    if status.message:
        return status.message
    kinds = (event.attributes.get("exception.type") for event in trace.events(span))
    return next((str(kind) for kind in kinds if kind is not None), UNKNOWN)
