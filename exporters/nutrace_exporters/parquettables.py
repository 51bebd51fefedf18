"""The tables beside the spans: a row a step, a scenario, a statement, a source of copies, a process."""

from __future__ import annotations

import shlex
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.trace import Trace
from nutrace.trace.analysed import Row
from nutrace.trace.bounds import text, whole
from nutrace.trace.plain_json import is_plain, otlp_attributes, plain_attributes
from nutrace_exporters.parquetcolumns import Column

#: What ``nutrace_run`` is in every table.
RUN = Column("nutrace_run", "string", "the run's name, as in the folder's name")
_EXACT = "the attributes as OTLP/JSON, if JSON does not have one of their numbers (NaN, infinity)"

_SCENARIO = (
    Column("scenario", "int32", "the scenario's number, from 1"),
    Column("token", "string", "the scenario's token; empty if the trace does not say"),
    Column("type", "string", "the scenario's type; empty if the trace does not say"),
)
_SPAN = Column("span", "int32", "nutrace_span of its span; null if there is none")
_START = Column("start_time_unix_nano", "timestamp", "its start, as recorded")
_TOTAL = (
    Column("total_ns", "int64", "ns, corrected"),
    Column("own_ns", "int64", "ns of nutrace's own time that were taken out of total_ns"),
)
STEPS = (
    RUN,
    _SCENARIO[0],
    Column("step", "int64", "the iteration: (scenario, step) is the step's address"),
    *_SCENARIO[1:],
    _SPAN,
    Column("process", "int32", "process in the table of processes"),
    Column("thread", "int32", "nutrace_thread of its span"),
    _START,
    Column("duration_time_unix_nano", "int64", "ns from start to end, as recorded"),
    *_TOTAL,
    Column("simulated_interval_s", "double", "seconds that it simulates"),
    Column("realtime_factor", "double", "corrected time by simulated time: above 1 is slower than real time"),
    Column("memory_bytes", "int64", "resident at its end, which is read ten times a second; else null"),
    *(
        Column(f"{component}_self_ns", "int64", f"ns in {component} on the step's thread, corrected")
        for component in semconv.COMPONENTS
    ),
)
SCENARIOS = (
    RUN,
    *_SCENARIO,
    Column("name", "string", "the token, with #2 for a second attempt, ...; 'scenario 3' without a token"),
    Column("log", "string", "the name of its log"),
    Column("planner", "string", "the planner's name, or its class"),
    Column("attempt", "int32", "1; 2 if an earlier scenario has the same token and planner, ..."),
    Column("outcome", "string", "finished, failed (an error left it) or cut short (it did not end)"),
    Column("killed", "bool", "whether it was cut short because its process ended while the run went on"),
    Column("steps", "int32", "number of its finished steps"),
    Column("step_mean_ns", "double", "ns of a step, corrected; null without steps"),
    Column("step_p95_ns", "int64", "ns, 95th percentile of the steps, corrected; null without steps"),
    Column("realtime_factor", "double", "corrected time by simulated time: above 1 is slower than real time"),
    _START,
    Column("wall_ns", "int64", "ns from its start to its end, as recorded"),
    Column("worker", "string", "the worker that simulated it, as nutrace workers calls it"),
    Column("memory_start_bytes", "int64", "resident in its process at its start; null if unknown"),
    Column("memory_end_bytes", "int64", "the same at its end, or when it was last read"),
    _SPAN,
    *_TOTAL,
)


def _executions(where: str, of: str) -> Tuple[Column, ...]:
    return (
        Column(f"executions{where}", "int64", f"executions {of}"),
        Column(f"rows{where}", "int64", f"rows that they returned {of}; null if unknown"),
        Column(f"total{where}_ns", "int64", f"ns of execute and fetch {of}, as recorded around these calls"),
    )


_ALL, _IN_STEPS = _executions("", "of the run"), _executions("_in_steps", "that steps set off")
_CALLER = (
    Column("function", "string", "the program's innermost function around it"),
    Column("file", "string", "its file"),
    Column("line", "int64", "the line of the call"),
)
STATEMENTS = (
    RUN,
    Column("statement", "string", "hash of the normalised text, the same in every run"),
    Column("text", "string", "the normalised text; empty with NUTRACE_SQL_TEXT=off"),
    Column("operation", "string", "SELECT, ..."),
    Column("system", "string", "sqlite, ..."),
    Column("component", "string", "the component that executes it most often"),
    *_ALL,
    *_IN_STEPS,
    Column("execute_ns", "int64", "ns of execute, as recorded"),
    Column("fetch_ns", "int64", "ns of fetches, as recorded"),
    Column("distinct_parameters", "int64", "different sets of parameters, by database; null if unknown"),
    Column("repeated", "int64", "executions with the parameters of an earlier one; null if unknown"),
    Column("repeated_ns", "int64", "ns of these, as recorded"),
    Column(
        "repeated_in_step", "int64", "executions that repeat an earlier one of their step; null if unknown"
    ),
    Column("repeated_in_step_ns", "int64", "ns of these, as recorded"),
    Column("failures", "int64", "executions that ended with an error"),
    Column(
        "databases",
        "list",
        "the same by database, which for SQLite is a file, the costliest first",
        (Column("database", "string"), *_ALL, *_IN_STEPS),
    ),
    Column(
        "origins",
        "list",
        "where it is executed, the most frequent first",
        (*_CALLER, Column("component", "string"), Column("executions", "int64")),
    ),
)


def _amount(where: str, of: str) -> Tuple[Column, ...]:
    return (
        Column(f"root_calls{where}", "int64", f"copies {of}, without those that are made inside another"),
        Column(f"objects{where}", "int64", f"objects that they copied {of}; of deep copies"),
        Column(f"total{where}_ns", "int64", f"ns {of}, corrected"),
    )


DEEPCOPIES = (
    RUN,
    Column("kind", "string", "copy.deepcopy, copy.copy, pickle.dumps or pickle.loads"),
    *_CALLER,
    Column("root_type", "string", "type of the copied object"),
    Column("component", "string", "the component of the span in which it was made"),
    *_amount("", "of the run"),
    *_amount("_in_steps", "on a step's own thread"),
    *_amount("_concurrent", "that a step set off on other threads"),
    Column("nested_calls", "int64", "deep copies inside these with a memo of their own"),
    Column("nested_objects", "int64", "objects that those copied"),
    Column("depth", "int64", "how many of them lay inside each other at most"),
    Column(
        "types",
        "list",
        "types of the copied objects, with NUTRACE_DEEPCOPY=detail",
        (Column("type", "string"), Column("objects", "int64"), Column("bytes", "int64")),
    ),
)
PROCESSES = (
    RUN,
    Column("process", "int32", "number of the process in this run"),
    Column("pid", "int64", "the operating system's number of it"),
    Column("parent_pid", "int64", "of the process of the run that started it"),
    Column("host", "string", "the host's name"),
    Column("run_id", "string", "the same in all processes of a run"),
    Column("complete", "bool", "whether it has written its end"),
    Column("command", "string", "its command line"),
    Column("revision", "string", "the commit that was checked out"),
    Column("branch", "string", "the branch that was checked out"),
    Column("spans_recorded", "int64", "calls, before equal ones were merged"),
    Column("spans_dropped", "int64", "spans that are in no file"),
    Column("spans_truncated", "int64", "spans whose attributes were cut"),
    Column("memory_peak_bytes", "int64", "resident at most"),
    Column("resource_attributes", "string", "everything that it says of itself, as JSON"),
    Column("nutrace_exact", "string", _EXACT),
)


def process_rows(trace: Trace) -> Iterator[Row]:
    """A row for each process."""
    for number, resource in enumerate(trace.resources):
        says = resource.attributes
        yield {
            "process": number,
            "pid": resource.pid,
            "parent_pid": _count(says, semconv.RUN_PARENT_PID),
            "host": resource.host,
            "run_id": text(says.get(semconv.RUN_ID)),
            "complete": says.get(semconv.RUN_COMPLETE) is True,
            "command": _command(says.get(semconv.COMMAND)),
            "revision": text(says.get(semconv.REVISION)),
            "branch": text(says.get(semconv.BRANCH)),
            "spans_recorded": _count(says, semconv.SPANS_RECORDED),
            "spans_dropped": _count(says, semconv.SPANS_DROPPED),
            "spans_truncated": _count(says, semconv.SPANS_TRUNCATED),
            "memory_peak_bytes": _count(says, semconv.MEMORY_PEAK),
            "resource_attributes": plain_attributes(says).decode(),
            "nutrace_exact": None if is_plain(says) else otlp_attributes(says).decode(),
        }


def _count(says: Mapping[str, Any], key: str) -> Optional[int]:
    number = whole(says.get(key))
    return None if number < 0 else number


def _command(words: Any) -> str:
    return shlex.join(map(str, words)) if isinstance(words, Sequence) and not isinstance(words, str) else ""


def as_lists(columns: Sequence[Column], rows: Sequence[Row], run: str) -> Dict[str, Sequence[Any]]:
    """Rows by column; a column that a row does not have is null in it."""
    lists: Dict[str, Sequence[Any]] = {each.name: [row.get(each.name) for row in rows] for each in columns}
    lists[RUN.name] = [run] * len(rows)
    return lists
