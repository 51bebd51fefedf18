"""The call tree of a trace in a notebook: HTML that unfolds without a script, and words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

from nutrace.errors import UsageError
from nutrace.trace import Trace
from nutrace_exporters.steptree import StepTree, root_tree, step_tree


@dataclass(frozen=True, eq=False, repr=False)
class Tree:
    """The call tree of a trace: spans with one path of names are one row.

    A notebook shows it as rows that unfold; printed, it is the rows with most time as text.

    >>> print(trace.step(1, 3).tree(depth=0))
    step 3 of scenario 001d9a88096d3737 (traversing_pickup_dropoff) of run.json: the step took 20.3 ms
    <BLANKLINE>
      share  total ms  self ms  calls  span
    100.0 %     20.26     4.08    1.0  simulation.step
     79.9 %     16.18                  └─ … 3 more

    Attributes
    ----------
    trace:
        What it is of.
    depth:
        Levels below the first that are shown; None for all.
    at_least_ms:
        The least time of a row, in milliseconds; of several steps that of the mean step.
    tree:
        The spans, merged, with times in nanoseconds.
    """

    trace: Trace
    depth: Optional[int]
    at_least_ms: float
    tree: StepTree

    def __repr__(self) -> str:
        from nutrace.jupyter.tree_text import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from nutrace.jupyter.tree_html import as_html

        return as_html(self)


def tree_of(trace: Trace, depth: Optional[int] = None, at_least_ms: float = 0.0) -> Tree:
    """The tree of a trace; see :meth:`nutrace.Trace.tree`."""
    _check(depth, at_least_ms)
    return Tree(trace, depth, at_least_ms, step_tree(trace))


def tree_below(trace: Trace, depth: Optional[int] = None, at_least_ms: float = 0.0) -> Tree:
    """The same from the trace's roots on, whatever steps are below."""
    _check(depth, at_least_ms)
    return Tree(trace, depth, at_least_ms, root_tree(trace))


def _check(depth: Optional[int], at_least_ms: float) -> None:
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        raise UsageError(f"bad depth {depth!r}: write how many levels below the first, 0 or more")
    is_number = isinstance(at_least_ms, (int, float)) and not isinstance(at_least_ms, bool)
    if not is_number or not 0 <= at_least_ms < math.inf:
        raise UsageError(f"bad at_least_ms {at_least_ms!r}: write milliseconds, 0 or more")
