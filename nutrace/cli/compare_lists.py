"""The lists of a comparison: components, span paths, statements, and other times."""

from __future__ import annotations

from typing import Optional, Tuple

from nutrace.cli.compare_numbers import number, percent, tested_change, verdict, verdict_tone
from nutrace.cli.compare_section import Row, Section, fewest_runs, listed
from nutrace.cli.table import Column
from nutrace.comparison import Options
from nutrace.comparison.result import Comparison, Judged, Kind, PathChange, StatementChange, Verdict
from nutrace.printable import printable

_COMPONENTS = "components."
_LONGEST_STATEMENT = 70
_WIDEST = 6.0  # times the path itself


def components(comparison: Comparison, limit: int) -> Section:
    """Self times of the components in the steps."""
    found = [
        row
        for row in comparison.judged
        if row.figure.startswith(_COMPONENTS) and row.figure.endswith(".self_ms_per_step")
    ]
    found.sort(key=lambda row: -abs(_difference(row)))
    shown, notes = listed(found, limit, "components")
    rows = tuple(_time_row(row, row.figure.split(".")[1], fewest_runs(comparison)) for row in shown)
    least = Options()
    lines = (
        f"Same: changed by less than {100 * least.least_effect:g} %, or than "
        f"{100 * least.least_of_whole:g} % of a step (of the run, for what is outside the steps).",
    )
    return Section(
        "Components: self time per step", lines if rows else (), _time_columns("component"), rows, notes
    )


def _time_columns(what: str) -> Tuple[Column, ...]:
    return (
        Column(what, right=False, component=True), Column("base ms", rank=2), Column("new ms"),
        Column("change"), Column("tested, 95 %", rank=3),
        Column("verdict", right=False, prose=True, tone=verdict_tone),
    )  # fmt: skip


def _time_row(row: Judged, name: str, runs: int) -> Row:
    cells = (
        printable(name, 80), _ms(row.base), _ms(row.new), percent(row.change), tested_change(row),
        verdict(row, runs),
    )  # fmt: skip
    return Row(cells, row)


def _ms(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:,.3f}" if abs(value) < 10 else f"{value:,.2f}"


def _difference(row: Judged) -> float:
    return (row.new or 0.0) - (row.base or 0.0)


def paths(comparison: Comparison, limit: int) -> Section:
    """Self times of span paths; costs that moved are named as moved."""
    shown, notes = listed(comparison.paths, limit, "span paths")
    rows = tuple(Row(_path_cells(path, fewest_runs(comparison)), path) for path in shown)
    columns = (
        Column("span", right=False, least=20), Column("component", right=False, component=True, rank=5),
        Column("base ms", rank=2), Column("new ms", rank=3), Column("change ms"),
        Column("tested, 95 %", rank=4), Column("verdict", right=False, prose=True, tone=verdict_tone),
    )  # fmt: skip
    return Section("Span paths that changed most: self time per step", (), columns, rows, notes)


def _path_cells(path: PathChange, runs: int) -> Tuple[str, ...]:
    ends = ""
    if path.low is not None and path.high is not None:
        known = path.high - path.low <= _WIDEST * max(path.base_ms_per_step, path.new_ms_per_step)
        ends = f"({path.low:+.3f} to {path.high:+.3f})" if known else "(too wide)"
        ends = f"{path.tested_of} {path.tested_ms_per_step or 0.0:+.3f} {ends}"
    words = verdict(path, runs)
    if path.moved_from is not None:
        where = printable(" > ".join(path.moved_from[-2:]), 60)
        words = f"moved {'to' if not path.new_ms_per_step else 'from'} {where}"
    return (
        printable(" > ".join(path.path[-3:]), 80),
        path.component,
        _ms(path.base_ms_per_step),
        _ms(path.new_ms_per_step),
        f"{path.change_ms_per_step:+.3f}",
        ends,
        words,
    )


def statements(comparison: Comparison, limit: int) -> Section:
    """The statements of the database."""
    executed = [each for each in comparison.statements if each.executions.base or each.executions.new]
    shown, notes = listed(executed, limit, "statements")
    runs = fewest_runs(comparison)
    rows = tuple(Row(_statement_cells(each, runs), each.time) for each in shown)
    columns = (
        Column("statement", right=False, least=20), Column("executions"), Column("", rank=5),
        Column("base ms", rank=3), Column("new ms", rank=2), Column("change"), Column("tested, 95 %", rank=4),
        Column("verdict", right=False, prose=True, tone=verdict_tone),
    )  # fmt: skip
    return Section("Statements: executions and time per step", (), columns, rows, notes)


def _statement_cells(each: StatementChange, runs: int) -> Tuple[str, ...]:
    executions, time = each.executions, each.time
    text = " ".join(each.text.split())
    return (
        printable(text or each.statement, _LONGEST_STATEMENT),
        f"{number(executions.figure, executions.base)} to {number(executions.figure, executions.new)}",
        "" if executions.verdict is Verdict.UNDECIDED else executions.verdict.value,
        _ms(time.base), _ms(time.new), percent(time.change), tested_change(time),
        verdict(time, runs),
    )  # fmt: skip


def other_times(comparison: Comparison, limit: int) -> Section:
    """Times that no other section has."""
    rest = [
        row
        for row in comparison.judged
        if row.kind is Kind.TIME
        and row.figure not in comparison.headline
        and not row.figure.startswith(_COMPONENTS)
    ]
    shown, notes = listed(rest, limit, "other times")
    rows = tuple(
        Row(
            (printable(row.figure, 80), number(row.figure, row.base), number(row.figure, row.new),
             percent(row.change), tested_change(row), verdict(row, fewest_runs(comparison))),
            row,
        )
        for row in shown
    )  # fmt: skip
    columns = (
        Column("figure", right=False, least=20), Column("base", rank=2), Column("new"), Column("change"),
        Column("tested, 95 %", rank=3), Column("verdict", right=False, prose=True, tone=verdict_tone),
    )  # fmt: skip
    return Section("Other times", (), columns, rows, notes)
