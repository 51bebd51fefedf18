"""Two sets of runs compared, in a notebook: the words of ``nutrace compare``, and its figures as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

from nutrace.comparison import Comparison
from nutrace.jupyter.pandas_import import import_pandas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

_JUDGED = "base", "new", "change", "tested", "low", "high", "verdict", "runs_needed"

_PATH = (
    *("component", "base_ms_per_step", "new_ms_per_step", "change_ms_per_step"),
    *("tested_ms_per_step", "low", "high", "tested_of", "verdict", "runs_needed"),
    *("base_calls_per_step", "new_calls_per_step", "calls_vary", "moved_from"),
)


class Compared:
    """What changed between two sets of runs, and whether that is more than chance.

    As the last line of a cell it shows what ``nutrace compare`` prints. Tables have ``base`` and ``new``,
    ``change`` as a part of the base, ``tested`` as the change that is judged, with its interval of 95 %
    (``low``, ``high``), and a ``verdict``: faster, slower, same or undecided; fewer, more, equal or undecided
    for counts. ``runs_needed`` is how many more runs a side would probably decide.

    >>> found = nutrace.compare("bench/base", "bench/cache")
    >>> print(repr(found).splitlines()[0])
    nutrace compare: bench/base (5 runs) against bench/cache (5 runs)
    >>> found.verdicts().verdict[["steps.mean_ms", "database.statements_per_step"]].to_dict()
    {'steps.mean_ms': 'faster', 'database.statements_per_step': 'fewer'}

    Attributes
    ----------
    comparison:
        All of it, as :func:`nutrace.comparison.compare` gives it.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    def verdicts(self) -> DataFrame:
        """Every figure that is compared, as a pandas table; a row's label is the ``figure``.

        >>> table = nutrace.compare("bench/base", "bench/cache").verdicts()
        >>> table.loc["steps.mean_ms", ["base", "new", "change"]].astype(float).round(3).to_dict()
        {'base': 60.0, 'new': 50.5, 'change': -0.158}
        >>> table[table.kind == "count"].verdict.value_counts().to_dict()
        {'equal': 5, 'fewer': 4}

        Columns
        -------
        kind:
            "count" or "time".
        base, new:
            The figure of each side, in the unit that its name ends in (``steps.mean_ms``); the median of the
            runs if it is a time.
        change:
            ``new`` against ``base``, as a part of the base: -0.1 is a tenth less.
        tested, low, high:
            The change that is judged, and its interval of 95 %; missing for counts, which are exact.
        verdict:
            faster, slower, same or undecided; for counts fewer, more, equal, or undecided if they vary from
            run to run and those of both sides overlap.
        runs_needed:
            How many more runs a side would probably decide an undecided time; <NA> otherwise, or if unknown.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        from nutrace.cli.compare_json import as_json

        return _frame(as_json(self.comparison, ())["verdicts"], ["figure"], ("kind", *_JUDGED))

    def paths(self) -> DataFrame:
        """Self time per step by the path of spans, as a pandas table, the largest change first.

        A row's label is the ``path``, the names of its spans with ``>`` between them.

        >>> table = nutrace.compare("bench/base", "bench/cache").paths()
        >>> table[["base_ms_per_step", "change_ms_per_step", "verdict"]].iloc[0].to_dict()
        {'base_ms_per_step': 30.0, 'change_ms_per_step': -4.75, 'verdict': 'faster'}

        Columns
        -------
        component:
            Of the last span.
        base_ms_per_step, new_ms_per_step, change_ms_per_step:
            Self time of each side in milliseconds per step, and how much more it is.
        tested_ms_per_step, low, high, tested_of:
            The change that is judged, its interval of 95 %, both in milliseconds per step, and whether it is
            that of the "usual" steps or of the "mean" step.
        verdict, runs_needed:
            As in :meth:`verdicts`.
        base_calls_per_step, new_calls_per_step, calls_vary:
            Calls per step, and whether their number differs between runs of one side.
        moved_from:
            The path in the base, if spans were found under another one there; else None.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        from nutrace.cli.compare_json import as_json

        rows = as_json(self.comparison, ())["paths"]
        for row in rows:
            for column in ("path", "moved_from"):
                row[column] = row[column] and " > ".join(row[column])
        return _frame(rows, ["path"], _PATH)

    def statements(self) -> DataFrame:
        """What each statement of the database does per step, as a pandas table.

        A row's label is ``(statement, figure)``: the hash of its text, and "executions", "rows" or "time".

        >>> table = nutrace.compare("bench/base", "bench/cache").statements()
        >>> table[["base", "new", "verdict"]].xs("executions", level="figure").to_dict("records")
        [{'base': 2.0, 'new': 1.0, 'verdict': 'fewer'}]

        Columns
        -------
        text:
            The statement.
        base, new:
            Executions, rows, or milliseconds, per step.
        change, tested, low, high, verdict, runs_needed:
            As in :meth:`verdicts`.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        from nutrace.cli.compare_json import as_json

        rows: List[Dict[str, Any]] = []
        for each in as_json(self.comparison, ())["statements"]:
            for figure in ("executions", "rows", "time"):
                if each[figure] is not None:
                    rows.append(
                        {
                            **each[figure],
                            "statement": each["statement"],
                            "text": each["text"],
                            "figure": figure,
                        }
                    )
        return _frame(rows, ["statement", "figure"], ("text", *_JUDGED))

    def plot(self, ax: Optional[Axes] = None) -> Axes:
        """How much each figure changed, with its interval of 95 %, drawn with matplotlib.

        >>> axes = nutrace.compare("bench/base", "bench/cache").plot()
        >>> print(axes.get_title(loc="left"))
        What changed from base to cache
        5 runs against 5; 9 times: 9 faster

        A dot is the change that is judged, in percent of the base, to the left if the new side has less; it
        is hollow if undecided. Beside it are the figures of both sides, that change, and the verdict in
        words, as in :meth:`verdicts`. Drawn are the headline, and of the components and the counts that
        differ the twelve that changed most.

        Parameters
        ----------
        ax:
            The matplotlib axes to draw on; by default new ones.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        from nutrace.jupyter.plots_compared import plot_comparison

        return plot_comparison(self.comparison, ax)

    def __repr__(self) -> str:
        from nutrace.cli.compare_text import as_text
        from nutrace.cli.report_style import Style

        return as_text(self.comparison, (), Style()).rstrip()

    def _repr_html_(self) -> str:
        from nutrace.jupyter.compared_html import comparison_html

        return comparison_html(self.comparison)


def _frame(rows: Sequence[Dict[str, Any]], index: List[str], columns: Sequence[str]) -> DataFrame:
    frame: DataFrame = import_pandas().DataFrame(rows, columns=[*index, *columns])
    if "runs_needed" in frame.columns:
        frame["runs_needed"] = frame["runs_needed"].astype("Int64")
    return frame.set_index(index)
