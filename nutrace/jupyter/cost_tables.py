"""The report's tables of components and of kinds of spans, for pandas."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence

from nutrace.analysis import ComponentCost, Region, component_costs, divide, span_costs
from nutrace.analysis.components import step_component_costs
from nutrace.analysis.tables import analyse
from nutrace.jupyter.frames import frame_of
from nutrace.jupyter.pandas_import import import_pandas
from nutrace.trace import Trace
from nutrace_exporters.parquetcolumns import Column
from nutrace_exporters.parquettables import DEEPCOPIES, RUN, SCENARIOS, STATEMENTS

if TYPE_CHECKING:
    from pandas import DataFrame

_MS = 1e6
_US = 1e3
_WHERE = {
    Region.INSIDE: "in steps",
    Region.BESIDE: "beside steps",
    Region.OUTSIDE: "outside steps",
}


def component_table(trace: Trace, each_step: bool = False) -> DataFrame:
    """One row for each component in each region, or in each step; see :meth:`nutrace.Trace.components`."""
    if each_step:
        return _step_component_table(trace)
    regions = divide(trace)
    costs = [
        (where, cost) for region, where in _WHERE.items() for cost in component_costs(trace, regions, region)
    ]
    return _table(
        {"where": [where for where, _ in costs], "component": [cost.component for _, cost in costs]},
        _costs([cost for _, cost in costs]),
    )


def _step_component_table(trace: Trace) -> DataFrame:
    regions = divide(trace)
    rows = step_component_costs(trace, regions)
    addresses = trace.addresses
    return _table(
        {
            "scenario": [addresses.scenario_of[step] for step, _ in rows],
            "step": [addresses.iteration_of[step] for step, _ in rows],
            "component": [cost.component for _, cost in rows],
        },
        _costs([cost for _, cost in rows]),
    )


def scenario_table(trace: Trace) -> DataFrame:
    """One row for each scenario; see :meth:`nutrace.Trace.scenarios`."""
    name_first = sorted(SCENARIOS, key=lambda column: column.name != "name")
    return frame_of(analyse(trace).scenarios, _of_one_run(name_first), trace.begin_ns, ["scenario"])


def statement_table(trace: Trace) -> DataFrame:
    """One row for each statement; see :meth:`nutrace.Trace.statements`."""
    return frame_of(analyse(trace).statements, _of_one_run(STATEMENTS), trace.begin_ns, ["statement"])


def copy_table(trace: Trace) -> DataFrame:
    """One row for each caller of a deep copy; see :meth:`nutrace.Trace.deepcopies`."""
    labels = ["kind", "function", "file", "line", "root_type"]
    return frame_of(analyse(trace).deepcopies, _of_one_run(DEEPCOPIES), trace.begin_ns, labels)


def _of_one_run(columns: Sequence[Column]) -> List[Column]:
    """The columns without the run's name, which is for tables of many runs."""
    return [column for column in columns if column is not RUN]


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


def _costs(costs: Sequence[ComponentCost]) -> Dict[str, Sequence[Any]]:
    return {
        "calls": [cost.calls for cost in costs],
        "self_ms": [cost.self_ns / _MS for cost in costs],
        "total_ms": [cost.total_ns / _MS for cost in costs],
        "own_ms": [cost.own_ns / _MS for cost in costs],
    }


def _us(time_ns: Optional[int]) -> float:
    return nan if time_ns is None else time_ns / _US


def _table(labels: Mapping[str, Sequence[Any]], columns: Dict[str, Sequence[Any]]) -> DataFrame:
    pandas = import_pandas()
    index = pandas.MultiIndex.from_arrays(list(labels.values()), names=list(labels))
    frame: DataFrame = pandas.DataFrame(columns, index=index)
    return frame
