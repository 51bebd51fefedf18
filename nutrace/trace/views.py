"""Tables and pictures of a trace, which a package further on makes.

A trace is read in places that have neither pandas nor a browser, so this package knows no table and no page.
A trace has the methods that a notebook wants, and passes them on to the :class:`Views` registered here.
:func:`nutrace.load` registers those of :mod:`nutrace.jupyter`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional, Protocol, Sequence, Union

from nutrace.errors import NutraceError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

#: A choice of steps: iteration indices, one of them, or text such as "10:20".
Steps = Union[range, int, str]


class Picture(Protocol):
    """Something that a notebook shows."""

    def _repr_html_(self) -> str: ...


@dataclass(frozen=True)
class Views:
    """How traces are shown; each takes a :class:`~nutrace.trace.trace.Trace` first.

    The annotations leave that type out: traces are made of this module, which cannot import them.
    """

    card: Callable[[Any], str]
    spans: Callable[[Any, Sequence[str]], DataFrame]
    steps: Callable[[Any], DataFrame]
    components: Callable[[Any, bool], DataFrame]
    scenarios: Callable[[Any], DataFrame]
    workers: Callable[[Any], DataFrame]
    statements: Callable[[Any], DataFrame]
    deepcopies: Callable[[Any], DataFrame]
    to_parquet: Callable[[Any, Union[str, os.PathLike[str]], str], Path]
    costs: Callable[[Any], DataFrame]
    samples: Callable[[Any], DataFrame]
    flamegraph: Callable[[Any, Optional[Steps], Optional[str], int, Optional[Union[str, int]]], Picture]
    plot_steps: Callable[[Any, Optional[Axes]], Axes]
    plot_components: Callable[[Any, Optional[Axes]], Axes]
    plot_scenarios: Callable[[Any, Optional[Axes]], Axes]
    tree: Callable[[Any, Optional[int], float], Picture]
    tree_below: Callable[[Any, Optional[int], float], Picture]
    span_card: Callable[[Any], str]
    scenario_card: Callable[[Any], str]


_registered: Optional[Views] = None


def register(views: Optional[Views]) -> Optional[Views]:
    """Show traces by `views` from now on, or not at all (None); return what was registered before."""
    global _registered
    before, _registered = _registered, views
    return before


def is_registered() -> bool:
    """Whether :func:`views` has an answer."""
    return _registered is not None


def views() -> Views:
    """What is registered.

    Raises
    ------
    NutraceError
        If nothing is.
    """
    if _registered is None:
        raise NutraceError("tables and pictures need a trace that nutrace.load has read")
    return _registered


class Viewed:
    """What a trace shows of itself in a notebook."""

    def spans(self, attributes: Sequence[str] = ()) -> DataFrame:
        """All spans as a pandas table, one row each; the row's label is the span's number.

        >>> spans = trace.spans()
        >>> spans.groupby("component", observed=True).self_ms.sum().round().nlargest(2).to_dict()
        {'simulation': 24555.0, 'worker': 13194.0}
        >>> copies = spans[spans.name == "copy.deepcopy"]
        >>> spans.name[copies.parent].unique().tolist()  # who makes them
        ['planner.compute']
        >>> rows = "db.response.returned_rows"
        >>> trace.spans([rows]).groupby("step")[rows].sum().head(3).tolist()
        [339.0, 344.0, 348.0]

        Columns
        -------
        name, component:
            As in the trace. Like process and thread they are categories: ``groupby`` them with
            ``observed=True``, or pandas makes a group of each combination that there might be.
        scenario, step:
            The scenario's number and the iteration of the step that the span lies in, or was started in;
            <NA> outside.
        start_s:
            Seconds since the first span of this trace began.
        total_ms, self_ms:
            Milliseconds inside the span, and inside it but in no span below it on its thread.
            Self times add up; totals contain each other, and so do calls of a function that calls itself:
            see :meth:`components` and :meth:`costs` for sums.
        own_ms:
            nutrace's own time that was taken out of ``self_ms``.
        calls, yielded:
            Calls the span stands for, values a generator yielded.
        depth, parent:
            Number of ancestors, number of the parent span (-1: none).
        process, thread:
            Process id (0 if unknown) and the thread's name or id.

        Parameters
        ----------
        attributes:
            Span attributes to add as columns of their own name (``"code.function.name"``). Where a span has
            no such attribute they are missing: None, and NaN in a column in which all others are numbers.

        Raises
        ------
        UsageError
            If an attribute is called like a column of the table.
        MissingDependencyError
            If pandas is not installed.
        """
        return views().spans(self, attributes)

    def steps(self) -> DataFrame:
        """The finished simulation steps as a pandas table, a row each.

        A row's label is the step's address, ``(scenario, step)``: the scenario's number, from 1, as in
        :meth:`nutrace.Trace.scenarios`, and the iteration. ``steps.loc[3]`` are the steps of scenario 3.

        >>> steps = trace.steps()
        >>> steps.loc[4].duration_ms.round(1).head(3)  # the first steps of scenario 4
        step
        0    111.9
        1     99.8
        2    153.9
        Name: duration_ms, dtype: float64
        >>> steps.groupby("type").duration_ms.median().round(1).nlargest(1).to_dict()
        {'stationary_in_traffic': 133.2}
        >>> slow = steps[steps.realtime_factor > 1]  # slower than real time
        >>> slow.filter(like="_self_ms").mean().round(1).head(2).to_dict()
        {'observation_self_ms': 43.4, 'planner_self_ms': 39.8}

        Columns
        -------
        span:
            The step's span number, as in ``trace[span]``.
        token, type:
            The scenario's token and type, "" if the trace does not say.
        start_s:
            Seconds since the first span of this trace began.
        duration_ms, simulated_interval_s:
            What the step took in milliseconds, and what it simulates in seconds.
        own_ms:
            nutrace's own time that was taken out of the step, and is in no other column.
        realtime_factor:
            What the step took over what it simulates: above 1 is slower than real time. Missing if unknown.
        memory_mb:
            Resident memory of the step's process at its end, in millions of bytes. It is read ten times a
            second: missing for the other steps.
        statements, rows, statement_ms:
            Statements executed in the step or by what it set off, the rows that they returned, and the
            milliseconds that they took, as in the report.
        connections:
            Connections opened.
        deep_copies, copied_objects:
            Root calls of ``copy.deepcopy``, and the objects that they copied.
        collections, collection_ms:
            Garbage collections on the step's thread, and their milliseconds.
        planner_self_ms, ...:
            Self time of each component on the step's thread, in milliseconds, the costliest
            component first. In each row they add up to ``duration_ms``.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        return views().steps(self)

    def components(self, each_step: bool = False) -> DataFrame:
        """What each component costs, as in the report, as a pandas table.

        A row's label is ``(where, component)``; ``where`` is "in steps", "beside steps" (other threads and
        concurrent tasks) or "outside steps". In a part of a trace that has no steps, such as
        ``trace.where(component="planner")``, all is "outside steps". With `each_step` the label is
        ``(scenario, step, component)``.

        >>> trace.components().loc["in steps"].self_ms.round(1).head(3).to_dict()
        {'observation': 772.5, 'planner': 727.4, 'simulation': 394.7}
        >>> planner = trace.components().loc[("in steps", "planner")]
        >>> print(f"{planner.total_ms - planner.self_ms:.1f} ms in what the planner calls")
        8.4 ms in what the planner calls
        >>> each = trace.components(each_step=True).self_ms.unstack("component", fill_value=0)
        >>> each.groupby(level="scenario").planner.mean().round(1).tolist()
        [7.0, 20.3, 17.9, 38.3]

        Columns
        -------
        calls:
            How often the component was entered; calls from within it are not counted.
        self_ms, total_ms:
            Milliseconds in the component itself, and with everything that it calls. Outside the steps the
            time of the steps is left out. The component ``deepcopy`` has shallow copies and pickles, too:
            :meth:`deepcopies` tells them apart.
        own_ms:
            nutrace's own time that was taken out of the component itself.

        Parameters
        ----------
        each_step:
            A row for each component of each finished step, on the step's thread. In each step ``self_ms`` add
            up to the step's ``duration_ms``.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        return views().components(self, each_step)

    def scenarios(self) -> DataFrame:
        """The scenarios as a pandas table, as ``nutrace scenarios`` shows them.

        A row's label is the ``scenario``'s number, from 1.

        >>> table = trace.scenarios()
        >>> table.sort_values("step_mean_ms", ascending=False)[["type", "realtime_factor"]].round(2).head(2)
                                             type  realtime_factor
        scenario
        4                   stationary_in_traffic             1.34
        2         waiting_for_pedestrian_to_cross             0.70
        >>> (table.memory_end_mb - table.memory_start_mb).round(2).tolist()
        [0.57, 0.06, 0.01, 1.11]
        >>> trace.steps().join(table.outcome, on="scenario").groupby("outcome").size().to_dict()
        {'cut short': 4, 'finished': 30}

        Columns
        -------
        name, token, type, log, planner, attempt:
            What was simulated; ``attempt`` is 2 if the run has simulated it with that planner before.
        outcome, killed:
            How it ended, and whether its process was killed.
        steps, step_mean_ms, step_p95_ms, realtime_factor:
            Finished steps and their times in milliseconds; above 1 is slower than real time.
        wall_ms, start_s:
            From the scenario's beginning to its end in milliseconds, and when it began, in seconds since the
            first span of this trace.
        worker:
            What simulated it: the label of its row in :meth:`workers`.
        memory_start_mb, memory_end_mb:
            Resident memory in millions of bytes; missing where it was not read.
        span, total_ms, own_ms:
            The scenario's span, its total time, and nutrace's own time that was taken out of that; missing if
            the trace has only steps of it.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        return views().scenarios(self)

    def workers(self) -> DataFrame:
        """What each worker did during the run, as a pandas table, as ``nutrace workers`` shows it.

        A row's label is the ``worker``, as in :meth:`scenarios`. In each row the seconds add up to the time
        of the run.

        >>> table = trace.workers()
        >>> table[["scenarios", "busy_s", "waiting_s", "idle_s"]].round(2)
                scenarios  busy_s  waiting_s  idle_s
        worker
        2001            2    4.07       0.02   10.00
        2002            1    2.44       0.00   11.64
        2003            1    1.39       0.00    0.00
        >>> table.idle_s.idxmax()
        '2002'

        Columns
        -------
        process, thread, host:
            Process id (0 if unknown), and the names of thread and host.
        scenarios:
            How many it simulated.
        absent_s, startup_s, busy_s:
            Seconds before it was there and after it was gone, importing modules and receiving its first
            work, and in scenarios.
        waiting_s, idle_s:
            Seconds between scenarios or waiting for the first one, and after the last one.
        driving_s, unaccounted_s:
            Seconds of the driver's work in a worker that drives as well, and seconds of which the file does
            not say what they were.
        ended_in:
            The number of the scenario in which its process ended; <NA> if it did not.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        UsageError
            If this is a part of a trace.
        """
        return views().workers(self)

    def statements(self) -> DataFrame:
        """The database's statements as a pandas table, as ``nutrace sql`` shows them.

        A row's label is ``statement``, the hash of its normalised text.

        >>> table = trace.statements()
        >>> print(table.executions_in_steps.sum() / len(trace.steps()), "executions per step")
        5.0 executions per step
        >>> table.total_in_steps_ms.idxmax()
        'e7c7ab55411694e2'
        >>> table.loc["e7c7ab55411694e2"][["executions", "repeated_in_step"]].to_dict()
        {'executions': 68, 'repeated_in_step': 34}

        Columns
        -------
        text, operation, system, component:
            The statement, and for which component it was executed first (its spans are of the component
            ``database``).
        executions, rows, total_ms, and the same with ``_in_steps``:
            Executions, the rows that they returned (missing if not recorded), and the milliseconds of execute
            and fetch, of the run and of its steps.
        execute_ms, fetch_ms:
            The two parts of ``total_ms``.
        distinct_parameters, repeated, repeated_ms, repeated_in_step, repeated_in_step_ms:
            Different parameters, and executions with parameters that were there before, in any process of
            the run or in the same step, with their time.
        failures:
            Executions that failed.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        return views().statements(self)

    def deepcopies(self) -> DataFrame:
        """Who makes deep copies, as a pandas table, as ``nutrace deepcopy`` shows it.

        A row's label is ``(kind, function, file, line, root_type)``: ``copy.deepcopy`` or another way to
        copy, the caller, and the type of what is copied.

        >>> table = trace.deepcopies().query("kind == 'copy.deepcopy'")
        >>> by_caller = table.groupby("function")[["root_calls", "objects", "total_ms"]].sum()
        >>> by_caller.round(1).to_dict("records")
        [{'root_calls': 9, 'objects': 263.0, 'total_ms': 8.4}]

        Columns
        -------
        component:
            For which component it is copied.
        root_calls, objects, total_ms, and the same with ``_in_steps`` and ``_concurrent``:
            Calls that no other copy is around, the objects that they copied, and their milliseconds.
        nested_calls, nested_objects, depth:
            Of calls of ``copy.deepcopy`` from within a copy. Of other kinds only calls and ``total_ms`` are
            known, and the rest is missing.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        return views().deepcopies(self)

    def to_parquet(self, folder: Union[str, os.PathLike[str]], run: str = "") -> Path:
        """Write the run as Parquet tables, as ``nutrace export`` does; returns the path to load it from.

        >>> written = trace.to_parquet("tables", "mine")
        >>> written.as_posix()
        'tables/spans/run=mine'
        >>> nutrace.load(written).steps().equals(trace.steps())
        True

        Parameters
        ----------
        folder:
            The folder of all runs; it is made if it does not exist.
        run:
            What the run is called in it; by default as its file.

        Raises
        ------
        MissingDependencyError
            If pyarrow is not installed.
        UsageError
            If this is a part of a trace, or its times are as recorded.
        OutputError
            If the tables cannot be written.
        """
        return views().to_parquet(self, folder, run)

    def costs(self) -> DataFrame:
        """What each kind of span costs, as in the report, as a pandas table.

        A row's label is ``(name, component)``.

        >>> table = trace.costs()
        >>> table.self_ms.nlargest(2).round().index.tolist()
        [('simulation.build', 'simulation'), ('worker.map', 'worker')]
        >>> table.loc[("planner.compute", "planner")][["mean_us", "p95_us"]].round().to_dict()
        {'mean_us': 21641.0, 'p95_us': 44948.0}

        Columns
        -------
        calls, yielded:
            Calls, of recursion and of a generator one, and the values that generators yielded.
        self_ms, total_ms:
            Milliseconds in the spans themselves, and in the outermost of them with everything below.
        own_ms:
            nutrace's own time that was taken out of the spans themselves.
        mean_us, p50_us, p95_us:
            Microseconds of a call. Percentiles of calls that were merged are right to 5 %; they are NaN if of
            some calls only the mean is known, as in older files.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        return views().costs(self)

    def samples(self) -> DataFrame:
        """What sampled spans spend their self time in, as a pandas table: a row for each function.

        >>> table = trace.samples()
        >>> inside = table[table.span == "planner.compute"].set_index("function")
        >>> inside[["own_ms", "share", "share_low", "share_high"]].round(2).loc["unary_union"].tolist()
        [249.27, 0.55, 0.45, 0.64]

        Columns
        -------
        span, component:
            The kind of span; of several that samples cannot tell apart, their names.
        function, file, line, itself:
            The function, and where it begins; ``itself`` is True for the spans' own function. What was seen
            in functions that were on fewer than 10 samples is in one row: its ``function`` is "(others)".
        own_ms, total_ms:
            Of the spans' self time, the milliseconds in the function itself, and in it with everything that
            it calls. A span's ``own_ms`` add up to its self time; totals contain each other.
        samples, total_samples:
            Samples in the function itself, and in it or below.
        share, share_low, share_high:
            ``own_ms`` as a part of the self time, and its interval of 95 %.
        total_share, total_low, total_high:
            The same of ``total_ms``.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        return views().samples(self)

    def flamegraph(
        self,
        steps: Optional[Steps] = None,
        component: Optional[str] = None,
        height: int = 600,
        scenario: Optional[Union[str, int]] = None,
    ) -> Picture:
        """The interactive flamegraph, shown where a notebook shows the value of a cell.

        >>> trace.flamegraph(steps="0:5", height=400)  # as the last line of a cell it is shown
        <Flamegraph of Trace 'run.json', steps 0 to 4 of each of 4 scenarios: 343 spans, 20 steps>

        Parameters
        ----------
        steps, component, scenario:
            What to draw, as in :meth:`nutrace.Trace.select`; by default everything.
        height:
            In CSS pixels.

        Raises
        ------
        UsageError
            If there is no such step, component or scenario, or the height is out of bounds.
        """
        return views().flamegraph(self, steps, component, height, scenario)

    def tree(self, depth: Optional[int] = None, at_least_ms: float = 0.0) -> Picture:
        """The call tree, as rows that unfold in a notebook, and as text where it is printed.

        Spans with one path of names are one row, with their calls and their times; threads are merged. If
        there are steps, the rows are those of the mean step, as ``nutrace report --tree`` prints them. What
        the steps started on other threads, and what is outside, follows. What has least time is a row that
        says how many there are.

        >>> print(trace.step(1, 3).tree(depth=1))
        step 3 of scenario 001d9a88096d3737 (traversing_pickup_dropoff) of run.json: the step took 20.3 ms
        <BLANKLINE>
          share  total ms  self ms  calls  span
        100.0 %     20.26     4.08    1.0  simulation.step
         50.8 %     10.29     1.53    1.0  ├─ simulation.propagate
         43.2 %      8.76                  │  └─ … 4 more
         26.7 %      5.40     5.15    1.0  ├─ planner.compute
          1.2 %      0.25                  │  └─ … 1 more
          2.4 %      0.48     0.16    1.0  └─ simulation.get_planner_input
          1.6 %      0.33                     └─ … 2 more

        Parameters
        ----------
        depth:
            The levels below the first that are shown; by default all.
        at_least_ms:
            The least total time of a row, in milliseconds; of several steps that of the mean step.

        Raises
        ------
        UsageError
            If a number is below 0.
        """
        return views().tree(self, depth, at_least_ms)

    def _repr_html_(self) -> Optional[str]:
        """The summary card; None if no views are registered: a notebook then shows the one-line repr."""
        return None if _registered is None else _registered.card(self)
