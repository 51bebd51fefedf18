"""What an analysis says of a trace, for formats that write it down beside the spans.

Formats import this package and no analysis, so that a format cannot have a figure of its own. What makes the
rows is registered here; :func:`nutrace.load` registers :func:`nutrace.analysis.tables.analyse`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Optional, Sequence

from nutrace.errors import NutraceError

if TYPE_CHECKING:
    from nutrace.trace.trace import Trace

#: The values of a row by column; every row of a table has the same columns.
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Analysed:
    """Figures of a trace, as the reports have them.

    Attributes
    ----------
    region:
        For each span where it ran: "in_steps", "concurrent" (set off by a step, on another thread or as a
        task beside it) or "outside_steps".
    outermost_component, outermost_name:
        For each span whether no span around it, in its region and on its thread, has the same component, or
        the same name. Reports count calls and totals at these spans.
    steps, scenarios, statements, deepcopies:
        The rows of these tables; they can be iterated once.
    """

    region: Sequence[str]
    outermost_component: Sequence[int]
    outermost_name: Sequence[int]
    steps: Iterable[Row]
    scenarios: Iterable[Row]
    statements: Iterable[Row]
    deepcopies: Iterable[Row]


Analyse = Callable[["Trace"], Analysed]

_registered: Optional[Analyse] = None


def register(analyse: Optional[Analyse]) -> Optional[Analyse]:
    """Use `analyse` from now on, or nothing (None); return what was registered before."""
    global _registered
    before, _registered = _registered, analyse
    return before


def analysed(trace: Trace) -> Analysed:
    """What the registered analysis says of a trace.

    Raises
    ------
    NutraceError
        If none is registered.
    """
    if _registered is None:
        raise NutraceError("tables need a trace that nutrace.load has read")
    return _registered(trace)
