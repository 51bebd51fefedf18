"""The part of the report that samples tell: which functions the largest spans spend their self time in."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from nutrace.analysis import Inside, InsideSpans, Report, Samples
from nutrace.cli.report_style import Style, column, ms
from nutrace.cli.table import Column
from nutrace.cli.units import unit_of
from nutrace.errors import UsageError, did_you_mean
from nutrace.intervals import FEWEST_SAMPLES
from nutrace.printable import LINE, printable
from nutrace_exporters.labels import counted

ALL = "all"
#: By default: so many kinds of span, each with at least this part of the sum of all, and so many functions.
_SPANS, _SMALLEST, _FUNCTIONS = 3, 0.05, 8
#: A function that has nearly all of the time, and spends nearly none of it itself, only hands on.
_NEARLY_ALL, _NEARLY_NONE = 0.95, 0.01
_BUSIEST = 4
_LONGEST_FUNCTION, _LONGEST_PLACE = 34, 30

LEGEND = (
    ("own", "inside spans: self time that was spent in the function itself"),
    ("total", "inside spans: in the function with everything that it calls; totals overlap"),
    ("of self", "total as a part of the spans' self time"),
    ("95 %", "where that part lies, as far as chance goes: it would be outside in one of 20 runs"),
    ("samples", "those that the function was on, itself or below"),
)


def inside_text(report: Report, style: Style, inside: str, limit: int, selection: str) -> str:
    """The section; `inside` and `limit` as in :func:`nutrace.cli.report_text.as_text`.

    Raises
    ------
    UsageError
        If there are no samples of the kind of span that is asked for.
    """
    if report.samples is None:
        if inside:
            raise UsageError(
                f"{report.run.file} has no samples for --inside: trace the run with NUTRACE_SAMPLE=1, "
                "or give stacks of another sampler by --samples"
            )
        return ""
    steps = report.steps.count
    kinds = _chosen(report.inside, inside, steps)
    if not kinds:
        return ""
    samples = report.samples
    rate = f" at {samples.rate_hz:g} Hz" if samples.rate_hz else ""
    lines = [
        style.heading("Inside the spans" if inside else "Inside the largest spans"),
        style.line(
            f"What they spend their self time in, divided as the samples of {samples.sampler}{rate} are."
        ),
    ]
    if selection:
        lines.append(style.line("The samples are of the whole run, not of what is selected alone."))
    for kind in kinds:
        lines += _kind(kind, style, steps, limit if inside else _FUNCTIONS, inside)
    rest = len(_facts(report.inside)) - len(kinds)
    if rest > 0 and not inside:
        lines += ["", style.line(f"and {counted(rest, 'more kind')} of span: --inside all shows them")]
    return "\n".join(lines)


def unplaced(samples: Optional[Samples]) -> List[Tuple[str, str]]:
    """What is said of the samples that lie in no span, and what their reader must know."""
    if samples is None:
        return []
    entries = [("samples", f"{samples.taken:,} taken, {samples.placed:,} of them in spans")]
    entries += [("", f"{count:,} {reason}") for reason, count in samples.unplaced.items()]
    return entries + [("", printable(note, LINE)) for note in samples.notes]


def _facts(kinds: Sequence[InsideSpans]) -> List[InsideSpans]:
    return [kind for kind in kinds if kind.samples >= FEWEST_SAMPLES]


def _chosen(kinds: Sequence[InsideSpans], inside: str, steps: int) -> List[InsideSpans]:
    facts = _facts(kinds)
    if inside == ALL:
        return facts
    if inside:
        chosen = [kind for kind in kinds if inside in (kind.span, *kind.span.split(", "), *kind.blocks)]
        if not chosen:
            names = printable(", ".join(kind.span for kind in facts) or "none", LINE)
            near = did_you_mean(inside, (name for kind in facts for name in kind.span.split(", ")))
            raise UsageError(f"no samples in spans {inside[:60]!r}: there are samples in {names}{near}")
        return chosen
    # What happens in the steps is asked for first; a run without steps has only the whole.
    costs = sorted(
        ((kind.self_in_steps_ns if steps else kind.self_ns, kind) for kind in facts), key=lambda it: -it[0]
    )
    whole = sum(cost for cost, _ in costs)
    return [
        kind for place, (cost, kind) in enumerate(costs[:_SPANS]) if not place or cost >= _SMALLEST * whole
    ]


def _kind(kind: InsideSpans, style: Style, steps: int, limit: int, asked: str) -> List[str]:
    # Shares are of all such spans. Times are given per step where they mean the same.
    in_steps = bool(steps) and kind.self_in_steps_ns >= _NEARLY_ALL * kind.self_ns
    per, divisor = ("/step", steps) if in_steps else ("", 1)
    self_ns = kind.self_in_steps_ns if in_steps else kind.self_ns
    with_blocks = f" with {', '.join(kind.blocks)}" if kind.blocks else ""
    facts = f"{kind.component}, {ms(self_ns / divisor)} ms of self time{' per step' if in_steps else ''}"
    facts += f", {counted(kind.samples, 'sample')}"
    lines = ["", style.line(printable(f"{kind.span}{with_blocks}: {facts}", 108))]
    functions = _rows(kind, asked)
    shown = functions[:limit] if limit else functions
    if shown:
        lines.append(_table(shown, style, per, divisor, in_steps))
    hidden = len(functions) - len(shown)
    notes = []
    if hidden:
        how = "--limit 0" if asked else f"--inside {kind.span.split(', ')[0]}"
        notes.append(f"and {counted(hidden, 'more function')}: {how} shows them")
    busiest = [
        function
        for function in kind.functions
        if function not in shown and function.samples >= FEWEST_SAMPLES and not function.itself
    ][:_BUSIEST]
    if busiest and not asked:
        listed = ", ".join(f"{_name(function)} {100 * function.share:.1f} %" for function in busiest)
        notes.append(f"most of the rest itself: {listed}")
    if kind.others.samples:
        notes.append(
            f"{counted(kind.others.functions, 'function')} on fewer than {FEWEST_SAMPLES} samples: "
            f"{100 * kind.others.share:.1f} % in all"
        )
    if kind.not_sampled_ns and kind.not_sampled_ns >= _NEARLY_NONE * kind.self_ns:
        notes.append(f"not sampled: {ms(kind.not_sampled_ns)} ms of such spans, which are not in here")
    return lines + [style.line(printable(note, 108)) for note in notes]


def _rows(kind: InsideSpans, asked: str) -> List[Inside]:
    """The functions to show, those with the most time, with what they call, first."""
    rows = [
        function
        for function in kind.functions
        if (function.samples >= FEWEST_SAMPLES if function.itself else asked or not _hands_on(function))
    ]
    return sorted(
        rows,
        key=lambda function: -(function.own_ns if function.itself else function.total_ns),
    )


def _hands_on(function: Inside) -> bool:
    return function.total_share >= _NEARLY_ALL and function.share < _NEARLY_NONE


def _table(functions: Sequence[Inside], style: Style, per: str, divisor: int, in_steps: bool) -> str:
    own_ns = [(f.own_in_steps_ns if in_steps else f.own_ns) / divisor for f in functions]
    total_ns = [_total(f, in_steps) / divisor for f in functions]
    unit = unit_of([*own_ns, *total_ns])
    columns = [
        Column("function", right=False, least=24),
        Column(f"own{per} {unit.name}", rank=2),
        Column(f"total{per} {unit.name}"),
        Column("of self", bar=True),
        Column("95 %", rank=5),
        Column("samples", rank=6),
        Column("where", right=False, rank=4),
    ]
    owns, totals = column(own_ns, unit), column(total_ns, unit)
    rows = []
    for function, own, total in zip(functions, owns, totals):
        low, high, share, samples = (
            (function.share_low, function.share_high, function.share, function.samples)
            if function.itself
            else (function.total_low, function.total_high, function.total_share, function.total_samples)
        )
        rows.append(
            [
                _name(function),
                own,
                total,
                f"{100 * share:.1f} %",
                f"{100 * low:.1f}-{100 * high:.1f}",
                f"{samples:,}",
                _place(function),
            ]
        )
    return style.table(columns, rows)


def _total(function: Inside, in_steps: bool) -> int:
    if function.itself:  # the rest of its total are the other rows
        return function.own_in_steps_ns if in_steps else function.own_ns
    return function.total_in_steps_ns if in_steps else function.total_ns


def _name(function: Inside) -> str:
    if function.itself:
        return "(itself)"
    return printable(function.function, _LONGEST_FUNCTION)


def _place(function: Inside) -> str:
    """The file and line; of a path as much of its end as there is space for."""
    if not function.file:
        return ""
    line = f":{function.line}" if function.line else ""
    file = function.file.replace("\\", "/")
    longest = _LONGEST_PLACE - len(line)
    if len(file) > longest:
        parts = file.split("/")
        file = parts.pop()
        while parts and len(parts[-1]) + 1 + len(file) <= longest:
            file = f"{parts.pop()}/{file}"
    return printable(file, longest) + line
