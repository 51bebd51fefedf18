"""What a comparison says, as sections: the terminal, Markdown and the page show the same ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

from nutrace.cli.compare_numbers import (
    count_change,
    gate_line,
    improvement,
    interval,
    number,
    percent,
    verdict,
)
from nutrace.cli.table import Column
from nutrace.comparison.gates import GAP_CLOSED, GateResult
from nutrace.comparison.result import Comparison, Judged, Kind, PathChange, SideFacts, Verdict
from nutrace.printable import LINE, printable
from nutrace_exporters.labels import counted

_COMPONENTS, _STATEMENTS = "components.", "statements."
_NAMED = 3


@dataclass(frozen=True)
class Row:
    """A row of a table, and what it shows: the page draws its interval."""

    cells: Tuple[str, ...]
    shows: Union[Judged, PathChange, None] = None


@dataclass(frozen=True)
class Section:
    """A heading, sentences, a table, and sentences below it; any of them may be empty."""

    heading: str
    lines: Tuple[str, ...] = ()
    columns: Tuple[Column, ...] = ()
    rows: Tuple[Row, ...] = ()
    notes: Tuple[str, ...] = field(default=())


def sections(comparison: Comparison, gates: Sequence[GateResult], limit: int) -> List[Section]:
    """All sections; `limit` is the number of rows in each list, 0 for all."""
    made = [
        _gates(gates),
        _sides(comparison),
        _counts(comparison, limit),
        _headline(comparison),
        _components(comparison, limit),
        _paths(comparison, limit),
        _statements(comparison, limit),
        _times(comparison, limit),
    ]
    return [section for section in made if section.lines or section.rows or section.notes]


def title(comparison: Comparison) -> str:
    """One line: which files are compared."""
    return f"nutrace compare: {side_name(comparison.base)} against {side_name(comparison.new)}"


def side_name(side: SideFacts) -> str:
    """The files of a side: the first, and how many more."""
    first = printable(side.files[0] if side.files else "nothing", 80)
    return first if len(side.files) < 2 else f"{first} and {len(side.files) - 1} more"


def _sides(comparison: Comparison) -> Section:
    base, new = comparison.base, comparison.new
    lines = [f"{name}: {_facts(side)}" for name, side in (("base", base), ("new", new))]
    if comparison.paired:
        lines.append("Both sides simulate the same: times are paired by scenario and step.")
    for name, alone in zip(("base", "new"), comparison.unpaired):
        if alone:
            shown = ", ".join(printable(each) for each in alone[:_NAMED])
            more = f", and {len(alone) - _NAMED:,} more" if len(alone) > _NAMED else ""
            lines.append(f"Only the {name} side has {counted(len(alone), 'scenario')}: {shown}{more}")
    for refusal in comparison.refusals:
        lines.append(f"judged all the same: {printable(refusal, LINE)}")
    warnings = dict.fromkeys((*base.warnings, *new.warnings))
    lines += [f"warning: {printable(warning, LINE)}" for warning in warnings]
    return Section("", tuple(lines))


def _facts(side: SideFacts) -> str:
    parts = [counted(side.runs, "run")]
    if side.scenarios:
        parts.append(counted(side.scenarios, "scenario"))
    parts.append(counted(side.steps, "step"))
    return ", ".join(parts)


def _gates(gates: Sequence[GateResult]) -> Section:
    return Section("Gates", tuple(printable(gate_line(result), LINE) for result in gates))


def _counts(comparison: Comparison, limit: int) -> Section:
    counts = [row for row in comparison.judged if row.kind is Kind.COUNT]
    differ = [row for row in counts if row.verdict is not Verdict.EQUAL]
    if not counts:
        return Section("Counts", ("None was recorded on both sides.",))
    if not differ:
        return Section("Counts", (f"All {len(counts):,} counts are equal.",))
    shown, notes = _listed(differ, limit, "counts that differ")
    rows = tuple(
        Row(
            (printable(row.figure, 80), number(row.figure, row.base), number(row.figure, row.new),
             count_change(row)),
            row,
        )
        for row in shown
    )  # fmt: skip
    lines = (f"{len(differ):,} of {len(counts):,} counts. Counts are exact: each difference is one.",)
    columns = (Column("figure", right=False), Column("base"), Column("new"), Column("change"))
    return Section("Counts that differ", lines, columns, rows, notes)


def _headline(comparison: Comparison) -> Section:
    by_name = {row.figure: row for row in comparison.judged}
    rows: List[Row] = []
    for figure, label in comparison.headline.items():
        row = by_name.get(figure)
        if row is not None:
            cells = label, number(figure, row.base), number(figure, row.new), improvement(row), verdict(row)
            rows.append(Row(cells, row))
    if comparison.gap_closed is not None:
        closed = number(GAP_CLOSED, comparison.gap_closed)
        rows.append(Row(("share of the gap to 1.0x closed", "", "", closed, "")))
    columns = tuple(
        Column(name, right=name not in ("", "verdict"))
        for name in ("", "baseline", "optimized", "improvement", "verdict")
    )
    lines = ("Times are medians of the runs. In brackets is the interval of 95 %.",)
    return Section("Headline", lines if rows else (), columns, tuple(rows))


def _components(comparison: Comparison, limit: int) -> Section:
    found = [
        row
        for row in comparison.judged
        if row.figure.startswith(_COMPONENTS) and row.figure.endswith(".self_ms_per_step")
    ]
    found.sort(key=lambda row: -abs(_difference(row)))
    shown, notes = _listed(found, limit, "components")
    rows = tuple(_time_row(row, row.figure.split(".")[1]) for row in shown)
    return Section("Components: self time per step", (), _time_columns("component"), rows, notes)


def _time_columns(what: str) -> Tuple[Column, ...]:
    return (
        Column(what, right=False), Column("base ms"), Column("new ms"), Column("change"), Column("95 %"),
        Column("verdict", right=False),
    )  # fmt: skip


def _time_row(row: Judged, name: str) -> Row:
    cells = (
        printable(name, 80), _ms(row.base), _ms(row.new), percent(row.change), interval(row.low, row.high),
        verdict(row),
    )  # fmt: skip
    return Row(cells, row)


def _ms(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:,.3f}" if abs(value) < 10 else f"{value:,.2f}"


def _difference(row: Judged) -> float:
    return (row.new or 0.0) - (row.base or 0.0)


def _paths(comparison: Comparison, limit: int) -> Section:
    shown, notes = _listed(comparison.paths, limit, "span paths")
    rows = tuple(Row(_path_cells(path), path) for path in shown)
    columns = (
        Column("span", right=False), Column("component", right=False), Column("base ms"), Column("new ms"),
        Column("change ms"), Column("95 %"), Column("verdict", right=False),
    )  # fmt: skip
    return Section("Span paths that changed most: self time per step", (), columns, rows, notes)


def _path_cells(path: PathChange) -> Tuple[str, ...]:
    ends = "" if path.low is None or path.high is None else f"({path.low:+.3f} to {path.high:+.3f})"
    words = verdict(path)
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


def _statements(comparison: Comparison, limit: int) -> Section:
    found = [
        row
        for row in comparison.judged
        if row.figure.startswith(_STATEMENTS) and row.kind is Kind.TIME
    ]
    found.sort(key=lambda row: -abs(_difference(row)))
    shown, notes = _listed(found, limit, "statements")
    rows = tuple(_time_row(row, row.figure.split(".")[1]) for row in shown)
    return Section("Statements: time per step", (), _time_columns("statement"), rows, notes)


def _times(comparison: Comparison, limit: int) -> Section:
    """Times that no other section has."""
    rest = [
        row
        for row in comparison.judged
        if row.kind is Kind.TIME
        and row.figure not in comparison.headline
        and not row.figure.startswith((_COMPONENTS, _STATEMENTS))
    ]
    shown, notes = _listed(rest, limit, "other times")
    rows = tuple(
        Row(
            (printable(row.figure, 80), number(row.figure, row.base), number(row.figure, row.new),
             percent(row.change), interval(row.low, row.high), verdict(row)),
            row,
        )
        for row in shown
    )  # fmt: skip
    columns = (
        Column("figure", right=False), Column("base"), Column("new"), Column("change"), Column("95 %"),
        Column("verdict", right=False),
    )  # fmt: skip
    return Section("Other times", (), columns, rows, notes)
