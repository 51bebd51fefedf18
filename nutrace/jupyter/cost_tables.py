"""The report's tables of components and of kinds of spans, for pandas."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

from nutrace.analysis import Region, component_costs, divide, span_costs
from nutrace.jupyter.pandas_import import import_pandas
from nutrace.trace import Trace

if TYPE_CHECKING:
    from pandas import DataFrame

_MS = 1e6
_US = 1e3
_WHERE = {
    Region.INSIDE: "in steps",
    Region.BESIDE: "beside steps",
    Region.OUTSIDE: "outside steps",
}


def component_table(trace: Trace) -> DataFrame:
    """One row for each component in each region; see :meth:`nutrace.Trace.components`."""
    regions = divide(trace)
    costs = [
        (where, cost) for region, where in _WHERE.items() for cost in component_costs(trace, regions, region)
    ]
    return _table(
        {"where": [where for where, _ in costs], "component": [cost.component for _, cost in costs]},
        {
            "calls": [cost.calls for _, cost in costs],
            "self_ms": [cost.self_ns / _MS for _, cost in costs],
            "total_ms": [cost.total_ns / _MS for _, cost in costs],
            "own_ms": [cost.own_ns / _MS for _, cost in costs],
        },
    )


def cost_table(trace: Trace) -> DataFrame:
    """One row for each kind of span; see :meth:`nutrace.Trace.costs`."""
    costs = span_costs(trace, divide(trace))
    return _table(
        {"name": [cost.name for cost in costs], "component": [cost.component for cost in costs]},
        {
            "calls": [cost.calls for cost in costs],
            "yielded": [cost.yielded for cost in costs],
            "self_ms": [cost.self_ns / _MS for cost in costs],
            "total_ms": [cost.total_ns / _MS for cost in costs],
            "own_ms": [cost.own_ns / _MS for cost in costs],
            "mean_us": [cost.mean_ns / _US for cost in costs],
            "p50_us": [_us(cost.p50_ns) for cost in costs],
            "p95_us": [_us(cost.p95_ns) for cost in costs],
        },
    )


def _us(time_ns: Optional[int]) -> float:
    return nan if time_ns is None else time_ns / _US


def _table(labels: Dict[str, List[str]], columns: Dict[str, Sequence[Any]]) -> DataFrame:
    pandas = import_pandas()
    index = pandas.MultiIndex.from_arrays(list(labels.values()), names=list(labels))
    frame: DataFrame = pandas.DataFrame(columns, index=index)
    return frame
