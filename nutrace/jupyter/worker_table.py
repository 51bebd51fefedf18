"""What each worker did, for pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nutrace.analysis.evaluation.lanes import lanes_of
from nutrace.analysis.evaluation.pieces import Doing
from nutrace.errors import UsageError
from nutrace.jupyter.pandas_import import import_pandas
from nutrace.trace import Trace

if TYPE_CHECKING:
    from pandas import DataFrame

_S = 1e9


def worker_table(trace: Trace) -> DataFrame:
    """One row for each worker; see :meth:`nutrace.Trace.workers`."""
    pandas = import_pandas()
    if trace.selection:
        raise UsageError(f"workers are those of a whole run, and this is {trace.selection} of {trace.path}")
    lanes = lanes_of(trace)
    workers = [] if lanes is None else lanes.workers
    frame: DataFrame = pandas.DataFrame(
        {
            "process": [lane.process for lane in workers],
            "thread": [lane.thread or str(lane.thread_id) for lane in workers],
            "host": [lane.host for lane in workers],
            "scenarios": [len(lane.scenarios) for lane in workers],
            **{f"{doing.value}_s": [lane.spent_ns(doing) / _S for lane in workers] for doing in Doing},
            "ended_in": pandas.array([lane.ended_in or None for lane in workers], dtype="Int64"),
        },
        index=pandas.Index([lane.name for lane in workers], dtype=object, name="worker"),
    )
    return frame
