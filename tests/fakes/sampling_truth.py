"""Compare what samples say of :mod:`fakes.known_work` with what it has measured itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List, NamedTuple

from fakes import known_work, programs
from fakes.programs import Ended

import nutrace
from nutrace.analysis import divide, inside_spans

_TIMEOUT_S = 120


class Share(NamedTuple):
    """A function's part of a span's self time: the truth, and what the samples say."""

    span: str
    function: str
    true: float
    low: float
    said: float
    high: float
    samples: int

    @property
    def is_inside(self) -> bool:
        """Whether the truth lies in the interval."""
        return self.low <= self.true <= self.high


def run(folder: Path, seconds: float, seed: int, hz: int) -> Ended:
    """Run the program, sampled."""
    arguments = [known_work.__file__, str(seconds), str(seed)]
    process = programs.start(folder, arguments, variables={"NUTRACE_SAMPLE": str(hz)})
    out, err = process.communicate(timeout=_TIMEOUT_S)
    return Ended(folder, process.returncode, out, err)


def shares(ended: Ended) -> List[Share]:
    """All shares that the program knows."""
    trace = nutrace.load(ended.folder / "run.json")
    found = {kind.span: kind for kind in inside_spans(trace, divide(trace))}
    result = []
    for span, of in json.loads(ended.out.splitlines()[0]).items():
        whole = sum(of.values())
        for function, seconds in of.items():
            rows = [row for row in found[span].functions if row.function.rpartition(".")[2] == function]
            for row in rows:
                part = row.share_low, row.share, row.share_high, row.samples
                result.append(Share(span, function, seconds / whole, *part))
            if not rows:
                result.append(Share(span, function, seconds / whole, 0.0, 0.0, 0.0, 0))
    return result
