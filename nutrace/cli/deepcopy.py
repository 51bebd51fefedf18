"""``nutrace deepcopy run.json``: who copies, what, how much, and whether in the steps."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from typing import Dict, List, Sequence, Tuple, Union

from nutrace import semconv
from nutrace.analysis.deepcopies import Amount, Caller, DeepCopies, OtherCopies, Source, deep_copies
from nutrace.cli.deepcopy_json import as_json
from nutrace.cli.progress import progress_bar
from nutrace.cli.table import Column, check_limit, ms, printable, text_table
from nutrace.trace import Trace, load, select
from nutrace_exporters import html
from nutrace_exporters.output import whole_file

_GROUPS = ("caller", "type", "component")
_TYPES = 10  # lines of types inside

_LEGEND = (
    ("root calls", "calls of copy.deepcopy that are not part of another: cProfile's primitive calls"),
    ("objects", "entries that the copies' memos gained: len(memo) after copy.deepcopy(x, memo)"),
    ("total", "time in the root calls, all that they call included; share is of all deep copies"),
    ("component", "of the span in which the call was made"),
)
_OTHERS_LEGEND = (
    "These are no deep copies. Their time leaves out deep copies in them, and their calls in deep copies."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", help="a run file: run.json, run.json.partial, run.json.gz")
    parser.add_argument(
        "--by", choices=_GROUPS, default="caller", help="what a row of the table is (default caller)"
    )
    parser.add_argument(
        "--limit", type=int, default=15, metavar="N", help="list N rows, 0 for all (default 15)"
    )
    parser.add_argument("--json", action="store_true", help="JSON, for programs: everything, ungrouped")
    parser.add_argument(
        "--flamegraph", metavar="OUT.html", help="also draw the deep copies and what they call, and no more"
    )


def run(args: argparse.Namespace) -> int:
    """Load, add up, print."""
    check_limit(args.limit)
    with progress_bar("bytes") as progress:
        trace = load(args.file, progress=progress)
    found = deep_copies(trace)
    if args.flamegraph is not None:
        with whole_file(args.flamegraph) as out:
            html.export(only_copies(trace), out, html.Options(title="Deep copies"))
    if args.json:
        print(json.dumps(as_json(found), indent=2))
        return 0
    print(as_text(found, args.by, args.limit))
    if args.flamegraph is not None:
        print(f"\n{printable(args.flamegraph, 400)}: the deep copies, named by caller and type")
    return 0


def only_copies(trace: Trace) -> Trace:
    """What `trace` has of deep copies, each span named by who asked for it and what was copied.

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


def as_text(found: DeepCopies, by: str = "caller", limit: int = 15) -> str:
    """What a person reads: where first, then the tables."""
    sections = [_first_line(found)]
    if found.sources:
        sections.append(_sources(found, by, limit))
        types = _types(found)
        if types:
            sections.append(types)
    if found.others:
        sections.append(_others(found, limit))
    if found.sources:
        width = max(len(term) for term, _ in _LEGEND)
        sections.append("\n".join(f"  {term.ljust(width)}  {text}" for term, text in _LEGEND))
    return "\n\n".join(sections)


def _first_line(found: DeepCopies) -> str:
    if not found.recorded:
        return "This run did not record deep copies: NUTRACE_DEEPCOPY was off, or another program wrote it."
    outside = Amount(
        found.amount.root_calls - found.in_steps.root_calls - found.beside_steps.root_calls,
        found.amount.objects - found.in_steps.objects - found.beside_steps.objects,
        found.amount.total_ns - found.in_steps.total_ns - found.beside_steps.total_ns,
    )
    if not found.steps:
        return f"The run has no finished steps; deep copies of all of it: {_said(found.amount)}."
    steps = f"the {found.steps:,} steps" if found.steps != 1 else "the one step"
    beside = ""
    if found.beside_steps.root_calls:
        beside = f" beside them on other threads: {_said(found.beside_steps)};"
    return f"Inside {steps}: {_said(found.in_steps)};{beside} outside: {_said(outside)}."


def _said(amount: Amount) -> str:
    return f"{amount.root_calls:,} root calls, {amount.objects:,} objects, {ms(amount.total_ns)} ms"


def _sources(found: DeepCopies, by: str, limit: int) -> str:
    groups: Dict[Tuple[str, ...], List[Source]] = {}
    for source in found.sources:
        groups.setdefault(_group(source, by), []).append(source)
    rows: List[Tuple[int, List[str]]] = []
    for cells, members in groups.items():
        amount = sum((source.amount for source in members), Amount())
        share = amount.total_ns / found.amount.total_ns if found.amount.total_ns else 0.0
        rows.append(
            (
                amount.total_ns,
                [
                    *cells,
                    *([_types_of(members), _components_of(members)] if by == "caller" else []),
                    f"{amount.root_calls:,}",
                    f"{sum(source.in_steps.root_calls for source in members):,}",
                    f"{amount.objects:,}",
                    ms(amount.total_ns),
                    f"{100 * share:.1f} %",
                ],
            )
        )
    rows.sort(key=lambda row: (-row[0], row[1]))
    texts = {"caller": ("caller", "at", "root type", "component")}.get(by, (by,))
    columns = [Column(text, right=False) for text in texts]
    columns += [Column(name) for name in ("root calls", "in steps", "objects", "total ms", "share")]
    return "Deep copies\n" + _table(columns, [cells for _, cells in rows], limit)


def _group(source: Source, by: str) -> Tuple[str, ...]:
    if by == "caller":
        return _where(source.caller)
    return (printable(source.root_type if by == "type" else source.component),)


def _where(caller: Caller) -> Tuple[str, str]:
    """Function; and file, from the package on if it is an installed one, with the line."""
    file = re.split(r"[/\\](?:site|dist)-packages[/\\]", caller.file)[-1]
    return printable(caller.function or "?"), printable(f"{file}:{caller.line}" if file else "")


def _types_of(members: Sequence[Union[Source, OtherCopies]]) -> str:
    types = sorted({source.root_type for source in members})
    return printable(types[0], 40) if len(types) == 1 else f"{len(types)} types"


def _components_of(members: Sequence[Source]) -> str:
    return ", ".join(sorted({source.component for source in members}))


def _types(found: DeepCopies) -> str:
    """The types inside, of runs with NUTRACE_DEEPCOPY=detail."""
    totals: Dict[str, List[int]] = {}
    for source in found.sources:
        for inside in source.types:
            entry = totals.setdefault(inside.type, [0, 0])
            entry[0] += inside.objects
            entry[1] += inside.bytes
    if not totals:
        return ""
    ranked = sorted(totals.items(), key=lambda item: (-item[1][1], item[0]))
    rows = [[printable(name), f"{objects:,}", f"{size:,}"] for name, (objects, size) in ranked]
    columns = [Column("type", right=False), Column("copies"), Column("own bytes")]
    return "Types inside\n" + _table(columns, rows, _TYPES)


def _others(found: DeepCopies, limit: int) -> str:
    groups: Dict[Tuple[str, ...], List[OtherCopies]] = {}
    for other in found.others:
        groups.setdefault((other.kind, *_where(other.caller)), []).append(other)
    ranked = sorted(groups.items(), key=lambda item: (-sum(other.total_ns for other in item[1]), item[0]))
    rows = [
        [
            *cells,
            _types_of(members),
            f"{sum(other.calls for other in members):,}",
            f"{sum(other.calls_in_steps for other in members):,}",
            ms(sum(other.total_ns for other in members)),
        ]
        for cells, members in ranked
    ]
    columns = [Column(name, right=False) for name in ("call", "caller", "at", "type")]
    columns += [Column(name) for name in ("calls", "in steps", "total ms")]
    return f"Shallow copies and pickles\n{_table(columns, rows, limit)}\n  {_OTHERS_LEGEND}"


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]], limit: int) -> str:
    shown = rows[:limit] if limit else rows
    rest = f"\n  and {len(rows) - len(shown):,} more" if len(rows) > len(shown) else ""
    return text_table(columns, shown) + rest
