"""Traces as pandas tables; pandas is imported when the first table is made."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Collection, Dict, List, Sequence

from nutrace.analysis import divide, each_step, inside_spans
from nutrace.analysis.each_step import costs_of
from nutrace.analysis.step_work import step_work
from nutrace.errors import UsageError
from nutrace.jupyter.frames import categories, counts, floats, numbers
from nutrace.jupyter.pandas_import import import_pandas
from nutrace.trace import Trace

if TYPE_CHECKING:
    from pandas import DataFrame

_MS = 1e6
_MB = 1e6
_S = 1e9
_LABEL = "span"  # what a row of span_table is
_SAMPLES = (
    *("function", "file", "line", "itself", "own_ms", "total_ms", "samples", "total_samples"),
    *("share", "share_low", "share_high", "total_share", "total_low", "total_high"),
)
_WORK = "statements", "rows", "connections", "deep_copies", "copied_objects", "collections"
_WORK_TIMES = "statement", "collection"
_OTHERS = "own_ms", "samples", "share"  # of the others no totals are known, as they contain each other


def span_table(trace: Trace, attributes: Sequence[str] = ()) -> DataFrame:
    """One row for each span; see :meth:`nutrace.Trace.spans`."""
    pandas = import_pandas()
    pids = [trace.resources[key.resource].pid or 0 for key in trace.threads]
    threads = [key.name or str(key.thread_id) for key in trace.threads]
    of_thread = numbers(trace.thread)
    columns: Dict[str, Any] = {
        "name": categories(trace.name),
        "component": categories(trace.component),
        "scenario": _addresses(trace.addresses.scenario_of, 1),
        "step": _addresses(trace.addresses.iteration_of, 0),
        "start_s": (numbers(trace.start_ns) - trace.begin_ns) / _S,
        "total_ms": numbers(trace.busy_ns) / _MS,
        "self_ms": numbers(trace.self_ns) / _MS,
        "own_ms": numbers(trace.own_ns) / _MS,
        "calls": numbers(trace.calls),
        "yielded": numbers(trace.yielded),
        "depth": numbers(trace.depth),
        "parent": numbers(trace.parent),
        "process": categories(pids, of_thread),
        "thread": categories(threads, of_thread),
    }
    wanted = [attributes] if isinstance(attributes, str) else list(attributes)
    _refuse_clashing(wanted, [_LABEL, *columns])
    if wanted:
        all_attributes = [trace.attributes(span) for span in range(len(trace))]
        for key in wanted:
            columns[key] = [each.get(key) for each in all_attributes]
    frame: DataFrame = pandas.DataFrame(columns)
    frame.index.name = _LABEL
    return frame


def _refuse_clashing(attributes: Sequence[str], columns: Collection[str]) -> None:
    """Attributes that are called like a column would take its place."""
    clashing = ", ".join(dict.fromkeys(key for key in attributes if key in columns))
    if clashing:
        raise UsageError(
            f"the table of spans has its own {clashing}: read the attribute with trace.attributes(span)"
        )


def step_table(trace: Trace) -> DataFrame:
    """One row for each finished step; see :meth:`nutrace.Trace.steps`."""
    pandas = import_pandas()
    regions = divide(trace)
    steps = each_step(trace, regions)
    works = step_work(trace, regions)
    begin = trace.begin_ns
    types = {scenario.number: scenario.type for scenario in trace.simulations}
    frame: DataFrame = pandas.DataFrame(
        {
            "span": counts([step.span for step in steps]),
            "token": [step.token for step in steps],
            "type": [types[step.scenario] for step in steps],
            "start_s": floats([(step.start_ns - begin) / _S for step in steps]),
            "duration_ms": floats([step.total_ns / _MS for step in steps]),
            "own_ms": floats([trace.own_inside_ns[step.span] / _MS for step in steps]),
            "simulated_interval_s": floats([step.simulated_interval_s for step in steps]),
            "realtime_factor": floats([step.realtime_factor for step in steps]),
            "memory_mb": floats([None if step.memory is None else step.memory / _MB for step in steps]),
            **{column: counts([getattr(works[step.span], column) for step in steps]) for column in _WORK},
            **{
                f"{column}_ms": floats([getattr(works[step.span], f"{column}_ns") / _MS for step in steps])
                for column in _WORK_TIMES
            },
            **{
                f"{component}_self_ms": [step.self_ns.get(component, 0) / _MS for step in steps]
                for component in costs_of(steps)
            },
        },
        index=pandas.MultiIndex.from_arrays(
            [[step.scenario for step in steps], [step.index for step in steps]], names=["scenario", "step"]
        ),
    )
    return frame


def sample_table(trace: Trace) -> DataFrame:
    """One row for each function in each kind of span; see :meth:`nutrace.Trace.samples`."""
    pandas = import_pandas()
    rows: List[Dict[str, Any]] = []
    for kind in inside_spans(trace, divide(trace)):
        kind_of = {"span": kind.span, "component": kind.component}
        rows += [
            {**kind_of, **{column: _cell(function, column) for column in _SAMPLES}}
            for function in kind.functions
        ]
        if kind.others.samples:
            others = {column: _cell(kind.others, column) for column in _OTHERS}
            rows.append({**kind_of, "function": "(others)", "file": "", "line": 0, "itself": False, **others})
    frame: DataFrame = pandas.DataFrame(rows, columns=["span", "component", *_SAMPLES])
    return frame


def _cell(row: object, column: str) -> Any:
    return getattr(row, f"{column[:-3]}_ns") / _MS if column.endswith("_ms") else getattr(row, column)


def _addresses(column: array[int], least: int) -> Any:
    """A column of numbers, <NA> where they are below `least`."""
    values = numbers(column)
    return import_pandas().arrays.IntegerArray(values, values < least)
