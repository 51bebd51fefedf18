"""What a table of spans says of its trace as a whole, as a JSON text in the file's metadata."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Mapping, Tuple

from nutrace.trace.correction import Correction, Priced
from nutrace.trace.diagnostics import Diagnostics
from nutrace.trace.skew import Skew
from nutrace.trace.span import ThreadKey
from nutrace.trace.trace import Trace


@dataclass(frozen=True)
class TraceFacts:
    """Everything of a trace that is in none of its columns, but for its processes.

    ``spans`` and ``processes`` say how many rows there must be.
    """

    spans: int
    processes: int
    threads: Tuple[ThreadKey, ...]
    diagnostics: Diagnostics
    correction: Correction
    skews: Tuple[Skew, ...]


def facts_of(trace: Trace) -> bytes:
    """The facts of a trace, for :func:`read_facts`."""
    facts = {
        "spans": len(trace),
        "processes": len(trace.resources),
        "threads": [asdict(thread) for thread in trace.threads],
        "diagnostics": asdict(trace.diagnostics),
        "correction": asdict(trace.correction),
        "skews": [asdict(skew) for skew in trace.skews],
    }
    return json.dumps(facts).encode()


def read_facts(text: bytes) -> TraceFacts:
    """The facts that a file holds.

    Raises
    ------
    ValueError, TypeError, KeyError
        If they are damaged.
    """
    found: Mapping[str, Any] = json.loads(text)
    diagnostics = {**found["diagnostics"], "notes": tuple(found["diagnostics"]["notes"])}
    kinds = tuple(Priced(**kind) for kind in found["correction"]["kinds"])
    return TraceFacts(
        spans=found["spans"],
        processes=found["processes"],
        threads=tuple(ThreadKey(**thread) for thread in found["threads"]),
        diagnostics=Diagnostics(**diagnostics),
        correction=Correction(**{**found["correction"], "kinds": kinds}),
        skews=tuple(Skew(**skew) for skew in found["skews"]),
    )
