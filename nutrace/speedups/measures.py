"""The figures of speedups as metrics: names, units, and which of them never decrease."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Union

from nutrace import semconv


@dataclass(frozen=True)
class Measure:
    """A figure as points of an observable instrument.

    Parameters
    ----------
    figure:
        Its name in a speedup's ``stats()``. Times there are in nanoseconds, and in metrics in seconds.
    metric, unit, description:
        The instrument's; the unit as in UCUM.
    rises:
        Whether it never decreases, and so is a counter instead of an up-down counter.
    attributes:
        The points' attributes, besides the speedup's name.
    less:
        A figure that is subtracted.
    """

    figure: str
    metric: str
    unit: str
    description: str
    rises: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict)
    less: str = ""

    def value(self, figures: Mapping[str, int]) -> Union[int, float]:
        """The point's value."""
        value = figures[self.figure] - figures.get(self.less, 0)
        return value / 1e9 if self.figure.endswith("_ns") else value


_STATE, _REUSED = semconv.CONNECTION_STATE, semconv.POOL_REUSED
_CONNECTIONS = (semconv.CONNECTION_COUNT, "{connection}", "Open connections.", False)
_FROZEN = "Objects left out of garbage collections at the last freeze."
_CHECKOUTS = (semconv.POOL_CHECKOUTS, "{checkout}", "Connections given to queries.", True)

MEASURES = (
    Measure(
        "spent_ns", semconv.SPEEDUP_SPENT, "s", "Time in the speedup, or in the calls whose results it keeps."
    ),
    # An estimate may be corrected downwards.
    Measure("avoided_ns", semconv.SPEEDUP_AVOIDED, "s", "Estimated time that it saved.", rises=False),
    Measure("hits", semconv.CACHE_HITS, "{hit}", "Lookups that found an entry."),
    Measure("misses", semconv.CACHE_MISSES, "{miss}", "Lookups that found no entry."),
    Measure("evictions", semconv.CACHE_EVICTIONS, "{eviction}", "Entries dropped to make room."),
    Measure("entries", semconv.CACHE_ENTRIES, "{entry}", "Entries.", rises=False),
    Measure(
        "bytes_held", semconv.CACHE_SIZE, "By", "Memory that the entries take, without keys.", rises=False
    ),
    Measure("reused", *_CHECKOUTS, attributes={_REUSED: True}),
    Measure("checkouts", *_CHECKOUTS, attributes={_REUSED: False}, less="reused"),
    Measure("connections", semconv.POOL_OPENED, "{connection}", "Connections opened."),
    Measure("replaced", semconv.POOL_REPLACED, "{connection}", "Connections whose file had changed."),
    Measure("waits", semconv.POOL_WAITS, "{wait}", "Checkouts that found all connections in use."),
    Measure("wait_ns", semconv.POOL_WAIT_TIME, "s", "Time in such checkouts."),
    Measure("engines", semconv.POOL_ENGINES, "{engine}", "SQLAlchemy engines made with the pool."),
    Measure("in_use", *_CONNECTIONS, attributes={_STATE: "used"}),
    Measure("open", *_CONNECTIONS, attributes={_STATE: "idle"}, less="in_use"),
    Measure("most", semconv.CONNECTION_MAX, "{connection}", "Connections allowed.", rises=False),
    Measure("pending", semconv.CONNECTION_PENDING, "{request}", "Checkouts under way.", rises=False),
    Measure("objects_frozen", semconv.SPEEDUP_OTHER + "objects_frozen", "{object}", _FROZEN, rises=False),
    Measure("exhausted", semconv.CONNECTION_TIMEOUTS, "{timeout}", "Checkouts that got no connection."),
)
#: Units of other figures that never decrease; each becomes a metric of its own name.
COUNTERS = {
    "queries": "{query}",
    "reads": "{query}",
    "rows": "{row}",
    "statements": "{statement}",
    "refused": "{statement}",
    "deferred": "{statement}",
    "builds": "{index}",
    "disagreements": "{index}",
    "indexes_made": "{index}",
    "already_there": "{index}",
    "failed": "{log}",
    "copies_made": "{copy}",
    "copies_found": "{copy}",
    "queries_redirected": "{query}",
    "bytes_copied": "By",
    "freezes": "{freeze}",
    "full_collections": "{collection}",
    "faults": "{fault}",
}
_KNOWN = {measure.figure: measure for measure in MEASURES}


def measures(figures: Iterable[str]) -> Dict[str, List[Measure]]:
    """The measures of `figures`, by metric; a figure that is not known here is an up-down counter."""
    by_metric: Dict[str, List[Measure]] = {}
    for figure in figures:
        measure = _KNOWN.get(figure) or _made_up(figure)
        by_metric.setdefault(measure.metric, []).append(measure)
    return by_metric


def _made_up(figure: str) -> Measure:
    unit, name = COUNTERS.get(figure, "1"), figure
    if figure.endswith("_ns"):
        unit, name = "s", figure[:-3]
    elif figure.startswith("bytes"):
        unit = "By"
    return Measure(figure, semconv.SPEEDUP_OTHER + name, unit, "", rises=figure in COUNTERS)
