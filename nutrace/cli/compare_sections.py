"""What a comparison says, as sections: the terminal, Markdown and the page show the same ones."""

from __future__ import annotations

import os
from typing import List, Sequence, Tuple

from nutrace.cli.compare_lists import components, other_times, paths, statements
from nutrace.cli.compare_numbers import (
    count_change,
    gate_line,
    improvement,
    interval,
    number,
    tested_improvement,
    verdict,
    verdict_tone,
)
from nutrace.cli.compare_section import TESTED, Row, Section, fewest_runs, listed
from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.comparison.gates import FEWEST_RUNS, GateResult, Outcome
from nutrace.comparison.headline import REALTIME_FACTOR, gap_closed_figure
from nutrace.comparison.result import Comparison, Kind, SideFacts, Verdict
from nutrace.printable import LINE, printable
from nutrace.trace.correction import UNCORRECTED
from nutrace_exporters.labels import counted

_NAMED = 3
_GATE_TONES = {Outcome.HOLDS: Tone.BAD, Outcome.DOES_NOT_HOLD: Tone.GOOD, Outcome.UNKNOWN: Tone.DOUBTFUL}


def sections(comparison: Comparison, gates: Sequence[GateResult], limit: int) -> List[Section]:
    """All sections; `limit` is the number of rows in each list, 0 for all."""
    return [
        _sides(comparison),
        *effect_sections(comparison, limit),
        *_filled(
            components(comparison, limit),
            paths(comparison, limit),
            statements(comparison, limit),
            other_times(comparison, limit),
            _gates(gates),
        ),
    ]


def effect_sections(comparison: Comparison, limit: int) -> List[Section]:
    """What differs, in short: the counts, and the headline table."""
    return _filled(_counts(comparison, limit), _headline(comparison))


def _filled(*made: Section) -> List[Section]:
    return [section for section in made if section.lines or section.rows or section.notes]


def title(comparison: Comparison) -> str:
    """One line: which files are compared."""
    return f"nutrace compare: {side_name(comparison.base)} against {side_name(comparison.new)}"


def side_name(side: SideFacts) -> str:
    """The file of a side, or the folder of its files and how many they are."""
    folders = {os.path.dirname(file) for file in side.files}
    if len(side.files) == 1:
        return printable(side.files[0], 80)
    shown = printable(folders.pop(), 80) if len(folders) == 1 else ""
    return f"{shown or 'files'} ({counted(len(side.files), 'run')})"


def _sides(comparison: Comparison) -> Section:
    base, new = comparison.base, comparison.new
    lines = [f"{name}: {_facts(side)}" for name, side in (("base", base), ("new", new))]
    if comparison.paired:
        lines.append("Times are paired by scenario and step: tokens, types, logs and planners are the same.")
    missing = FEWEST_RUNS - fewest_runs(comparison)
    if missing > 0:
        lines.append(f"No time is judged with fewer than {FEWEST_RUNS} runs a side: make {missing} more.")
    for name, alone in zip(("base", "new"), comparison.unpaired):
        if alone:
            shown = ", ".join(printable(each) for each in alone[:_NAMED])
            more = f", and {len(alone) - _NAMED:,} more" if len(alone) > _NAMED else ""
            lines.append(f"Only the {name} side has {counted(len(alone), 'scenario')}: {shown}{more}")
    for refusal in comparison.refusals:
        lines.append(f"judged all the same: {printable(refusal, LINE)}")
    warnings = dict.fromkeys((*base.warnings, *new.warnings))
    tones = (*[Tone.PLAIN] * len(lines), *[Tone.DOUBTFUL] * len(warnings))
    lines += [f"warning: {printable(warning, LINE)}" for warning in warnings]
    return Section("", tuple(lines), tones=tones)


def _facts(side: SideFacts) -> str:
    parts = [counted(side.runs, "run")]
    if side.scenarios:
        parts.append(counted(side.scenarios, "scenario"))
    parts.append(counted(side.steps, "step") + (" in all" if side.runs > 1 else ""))
    if side.times and side.times != (UNCORRECTED,):
        parts.append(f"times {' and '.join(side.times)}")
    return ", ".join(parts)


def _gates(gates: Sequence[GateResult]) -> Section:
    tones = tuple(_GATE_TONES[result.outcome] for result in gates)
    return Section("Gates", tuple(printable(gate_line(result), LINE) for result in gates), tones=tones)


def _counts(comparison: Comparison, limit: int) -> Section:
    counts = [row for row in comparison.judged if row.kind is Kind.COUNT]
    differ = [row for row in counts if row.verdict in (Verdict.FEWER, Verdict.MORE)]
    vary = [row.figure for row in counts if row.verdict is Verdict.UNDECIDED and row.varies]
    alone = [row.figure for row in counts if row.base is None or row.new is None]
    equal = len(counts) - len(differ) - len(vary) - len(alone)
    sentences = [f"{counted(equal, 'count')} {'is' if equal == 1 else 'are'} equal."] if equal else []
    if vary:
        sentences.append(f"Different in each run, so that the sides cannot be told apart: {_some(vary)}")
    if alone:
        sentences.append(f"Recorded on one side only: {_some(alone)}")
    if not differ:
        return Section("Counts", tuple(sentences))
    shown, notes = listed(differ, limit, "counts that differ")
    rows = tuple(
        Row(
            (printable(row.figure, 80), number(row.figure, row.base), number(row.figure, row.new),
             count_change(row)),
            row,
        )
        for row in shown
    )  # fmt: skip
    columns = (Column("figure", right=False), Column("base"), Column("new"), Column("change"))
    lines = ("Counts are exact: each difference is one.",)
    return Section("Counts that differ", lines, columns, rows, (*notes, *sentences))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name, 80) for name in names[:_NAMED])
    return shown + (f", and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")


def _headline(comparison: Comparison) -> Section:
    by_name = {row.figure: row for row in comparison.judged}
    runs = fewest_runs(comparison)
    rows: List[Row] = []
    for figure, label in comparison.headline.items():
        row = by_name.get(figure)
        if row is not None:
            before, after = number(figure, row.base), number(figure, row.new)
            cells = label, before, after, improvement(row), tested_improvement(row), verdict(row, runs)
            rows.append(Row(cells, row))
    gap = gap_closed_figure(comparison)
    if gap is not None:
        closed, ends = number(gap.figure, gap.new), interval(gap.low, gap.high)
        factor = verdict(by_name[REALTIME_FACTOR], runs)
        rows.append(Row(("share of the gap to 1.0x closed", "", "", closed, ends, factor), gap))
    columns = (
        *(Column("", right=False, least=20), Column("baseline", rank=2), Column("optimized")),
        *(Column("improvement"), Column("tested, 95 %", rank=3)),
        Column("verdict", right=False, prose=True, tone=verdict_tone),
    )
    lines: Tuple[str, ...] = ("Times are medians of the runs.",)
    if runs > 1:
        lines = (f"{lines[0]} {TESTED}",)
    return Section("Headline", lines if rows else (), columns, tuple(rows))
