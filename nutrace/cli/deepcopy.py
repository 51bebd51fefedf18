"""``nutrace deepcopy run.json``: which functions copy what, how much, and whether in the steps."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from typing import Dict, List, Sequence, Tuple, Union

from nutrace import semconv
from nutrace.analysis.deepcopies import Amount, DeepCopies, OtherCopies, Source, deep_copies
from nutrace.analysis.origins import Caller
from nutrace.cli.correction_text import print_correction
from nutrace.cli.deepcopy_json import as_json
from nutrace.cli.flamegraph import check_output
from nutrace.cli.json_output import print_json, run_state
from nutrace.cli.options import (
    ANALYSING,
    add_explain,
    add_json,
    add_limit,
    add_raw,
    add_run_file,
    add_steps,
    analysing,
    load_run,
    say,
)
from nutrace.cli.report_style import Style, style_of_output
from nutrace.cli.table import Column, ms, selected
from nutrace.cli.units import unit_of
from nutrace.printable import LINE, printable
from nutrace.trace import Trace, select
from nutrace_exporters import html
from nutrace_exporters.labels import counted
from nutrace_exporters.output import whole_file

_GROUPS = ("caller", "type", "component")
_TYPES = 10  # rows of the table of types

_LEGEND = (
    ("root calls", "calls of copy.deepcopy that are not part of another one: cProfile's primitive calls"),
    ("objects", "objects copied, counted as len(memo) after copy.deepcopy(x, memo)"),
    ("total", "time in the root calls, with everything that they call; share is of all deep copies"),
    ("component", "the component of the span in which the call was made"),
)
_OTHERS_LEGEND = (
    "These are not deep copies. Their time leaves out deep copies inside them, and calls inside deep copies."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_run_file(parser)
    parser.add_argument(
        "--by", choices=_GROUPS, default="caller", help="what the rows of the table are (default caller)"
    )
    add_steps(parser)
    add_raw(parser)
    add_explain(parser)
    add_limit(parser, "rows")
    add_json(parser, ": all rows, ungrouped")
    parser.add_argument(
        "--flamegraph", metavar="OUT.html", help="also draw the deep copies and what they call"
    )


def run(args: argparse.Namespace) -> int:
    """Print the copies of a run."""
    if args.flamegraph is not None:
        check_output(args.flamegraph, args.file)
    with analysing(0.2) as shown:
        trace = load_run(args.file, raw=args.raw, shown=shown)
        say(shown, ANALYSING)
        part = select(trace, steps=args.steps, scenario=args.scenario)
        copies = deep_copies(part)
    if args.flamegraph is not None:
        with whole_file(args.flamegraph) as out:
            html.export(only_copies(part), out, html.Options(title="Deep copies"))
    if args.json:
        print_json({**as_json(copies), **run_state(trace), "selection": part.selection})
        return 0
    style = style_of_output(explain=args.explain)
    print(as_text(copies, style, args.by, args.limit, part.selection))
    print_correction(part, style)
    if args.flamegraph is not None:
        drawn = f"{printable(args.flamegraph, LINE)}: the deep copies, each named after its caller and type"
        print("\n" + style.text(drawn))
    return 0


def only_copies(trace: Trace) -> Trace:
    """The deep copies of a trace, each span named after its caller and the type that is copied.

    Raises
    ------
    UsageError
        If there are none.
    """
    part = select(trace, component="deepcopy")
    names = list(part.name)
    for span, name in enumerate(names):
        if name == semconv.DEEPCOPY_SPAN:
            view = part[span]
            root_type = view.attributes.get(semconv.COPY_ROOT_TYPE, "")
            names[span] = f"{view.function or '?'}:{view.line} copies {root_type}"
    return replace(part, name=names)


def as_text(
    copies: DeepCopies, style: Style, by: str = "caller", limit: int = 15, selection: str = ""
) -> str:
    """The answer for people.

    Parameters
    ----------
    by:
        What the rows of the table are: caller, type or component.
    limit:
        The number of rows of a table, 0 for all.
    selection:
        What was selected, if not all of the run.
    """
    sections = [style.text(selected(selection))] if selection else []
    sections.append(style.text(_first_line(copies, selection)))
    if copies.sources:
        sections.append(_sources(copies, by, limit, style))
        types = _types(copies, style)
        if types:
            sections.append(types)
    if copies.others:
        sections.append(_others(copies, limit, style))
    if copies.sources:
        sections.append(style.glossary(_LEGEND))
    return "\n\n".join(section for section in sections if section)


def _first_line(copies: DeepCopies, selection: str) -> str:
    if not copies.recorded:
        return "This run did not record deep copies: NUTRACE_DEEPCOPY was off, or another program wrote it."
    outside = Amount(
        copies.amount.root_calls - copies.in_steps.root_calls - copies.beside_steps.root_calls,
        copies.amount.objects - copies.in_steps.objects - copies.beside_steps.objects,
        copies.amount.total_ns - copies.in_steps.total_ns - copies.beside_steps.total_ns,
    )
    if not copies.steps and selection:
        return f"No finished steps. Deep copies: {_amount(copies.amount)}."
    if not copies.steps:
        return f"The run has no finished steps. Deep copies of the whole run: {_amount(copies.amount)}."
    steps = f"the {copies.steps:,} steps" if copies.steps != 1 else "the one step"
    beside = ""
    if copies.beside_steps.root_calls:
        beside = f" beside the steps, on other threads: {_amount(copies.beside_steps)};"
    return f"Inside {steps}: {_amount(copies.in_steps)};{beside} outside: {_amount(outside)}."


def _amount(amount: Amount) -> str:
    return (
        f"{counted(amount.root_calls, 'root call')}, {counted(amount.objects, 'object')}, "
        f"{ms(amount.total_ns)} ms"
    )


def _sources(copies: DeepCopies, by: str, limit: int, style: Style) -> str:
    groups: Dict[Tuple[str, ...], List[Source]] = {}
    for source in copies.sources:
        groups.setdefault(_group(source, by), []).append(source)
    unit = unit_of([sum(source.amount.total_ns for source in members) for members in groups.values()])
    rows: List[Tuple[int, List[str]]] = []
    for cells, members in groups.items():
        amount = sum((source.amount for source in members), Amount())
        share = amount.total_ns / copies.amount.total_ns if copies.amount.total_ns else 0.0
        rows.append(
            (
                amount.total_ns,
                [
                    *cells,
                    *([_types_of(members), _components_of(members)] if by == "caller" else []),
                    f"{amount.root_calls:,}",
                    f"{sum(source.in_steps.root_calls for source in members):,}",
                    f"{amount.objects:,}",
                    unit.short(amount.total_ns),
                    f"{100 * share:.1f} %",
                ],
            )
        )
    rows.sort(key=lambda row: (-row[0], row[1]))
    columns = [Column(by, right=False, least=20, component=by == "component")]
    if by == "caller":
        columns += [Column("at", right=False, least=20, rank=4), Column("root type", right=False, rank=5)]
        columns.append(Column("component", right=False, component=True, rank=6))
    columns += [Column("root calls"), Column("in steps", rank=2), Column("objects", rank=3)]
    columns += [Column(f"total {unit.name}"), Column("share", bar=True)]
    table = _table(columns, [cells for _, cells in rows], limit, style)
    return f"{style.heading('Deep copies')}\n{table}"


def _group(source: Source, by: str) -> Tuple[str, ...]:
    if by == "caller":
        return _where(source.caller)
    return (printable(source.root_type if by == "type" else source.component),)


def _where(caller: Caller) -> Tuple[str, str]:
    """The function, and its file and line; the path of an installed file begins at the package."""
    file = re.split(r"[/\\](?:site|dist)-packages[/\\]", caller.file)[-1]
    return printable(caller.function or "?"), printable(f"{file}:{caller.line}" if file else "")


def _types_of(members: Sequence[Union[Source, OtherCopies]]) -> str:
    types = sorted({source.root_type for source in members})
    return printable(types[0], 40) if len(types) == 1 else f"{len(types)} types"


def _components_of(members: Sequence[Source]) -> str:
    return ", ".join(sorted({source.component for source in members}))


def _types(copies: DeepCopies, style: Style) -> str:
    """The types of the objects copied, if the run was recorded with NUTRACE_DEEPCOPY=detail."""
    totals: Dict[str, List[int]] = {}
    for source in copies.sources:
        for inside in source.types:
            entry = totals.setdefault(inside.type, [0, 0])
            entry[0] += inside.objects
            entry[1] += inside.bytes
    if not totals:
        return ""
    ranked = sorted(totals.items(), key=lambda item: (-item[1][1], item[0]))
    rows = [[printable(name), f"{objects:,}", f"{size:,}"] for name, (objects, size) in ranked]
    columns = [Column("type", right=False), Column("copies"), Column("own bytes", bar=True)]
    return f"{style.heading('Types of the objects copied')}\n{_table(columns, rows, _TYPES, style)}"


def _others(copies: DeepCopies, limit: int, style: Style) -> str:
    groups: Dict[Tuple[str, ...], List[OtherCopies]] = {}
    for other in copies.others:
        groups.setdefault((other.kind, *_where(other.caller)), []).append(other)
    ranked = sorted(groups.items(), key=lambda item: (-sum(other.total_ns for other in item[1]), item[0]))
    unit = unit_of([sum(other.total_ns for other in members) for _, members in ranked])
    rows = [
        [
            *cells,
            _types_of(members),
            f"{sum(other.calls for other in members):,}",
            f"{sum(other.calls_in_steps for other in members):,}",
            unit.short(sum(other.total_ns for other in members)),
        ]
        for cells, members in ranked
    ]
    columns = [Column("call", right=False), Column("caller", right=False, least=20)]
    columns += [Column("at", right=False, least=20, rank=3), Column("type", right=False, rank=4)]
    columns += [Column("calls"), Column("in steps", rank=2), Column(f"total {unit.name}", bar=True)]
    heading, table = style.heading("Shallow copies and pickles"), _table(columns, rows, limit, style)
    return f"{heading}\n{table}\n{style.below_table(_OTHERS_LEGEND)}"


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]], limit: int, style: Style) -> str:
    shown = rows[:limit] if limit else rows
    rest = len(rows) - len(shown)
    return style.table(columns, shown) + (f"\n{style.below_table(f'and {rest:,} more')}" if rest else "")
