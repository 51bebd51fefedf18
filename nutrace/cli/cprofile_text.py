"""What the counts of a profile are made of, as text and as JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from nutrace.analysis.function_kinds import Kind
from nutrace.analysis.profile import Reconciliation, Row
from nutrace.cli.json_output import pick
from nutrace.cli.report_style import Style
from nutrace.cli.table import Column
from nutrace.printable import printable

_LONGEST_PATH = 160
_LONGEST_FUNCTION = 52
_UNKNOWN = "?"

_LEGEND = (
    ("counted", "cProfile's ncalls: how often the function was entered"),
    ("calls", "true calls from outside the function: a generator counts once, and so does recursion"),
    ("resumed", "how often a generator or coroutine went on after it had yielded or waited"),
    ("recursive", "calls that the function makes of itself, directly or through other functions"),
    ("other", "the rest: the profiled run and the traced run did not do the same"),
    ("cProfile s", "cumulative seconds, with everything that the function calls and cProfile's own cost"),
    ("run s", "the same without cProfile: total time in the traced run"),
)
_RULE = (
    "same",
    "a function is the same if its name, line and module are; the folders above may differ",
)


def as_text(
    result: Reconciliation, profile: str, run: Optional[str], style: Style, *, limit: int = 15
) -> str:
    """Both tables; `limit` is the number of functions in each, 0 for all."""
    against = f" against {printable(run, _LONGEST_PATH)}" if run is not None else ""
    lines = [
        style.title(f"nutrace cprofile: {printable(profile, _LONGEST_PATH)}{against}"),
        style.line(f"{result.functions:,} functions, entered {result.counted:,} times"),
    ]
    if run is not None:
        lines += _known(result, limit, style)
    lines += _alone(result, limit, run is not None, style)
    if result.unreadable:
        unreadable = (
            f"{result.unreadable:,} more functions were entered repeatedly, and their source is not here: "
            "generators among them are not marked."
        )
        lines += ["", style.line(unreadable)]
    names = {"counted", "calls", "resumed", "recursive", "cProfile s"}
    legend = [*_LEGEND, _RULE] if run is not None else [entry for entry in _LEGEND if entry[0] in names]
    lines += ["", style.glossary(legend)]
    return "\n".join(lines) + "\n"


def _known(result: Reconciliation, limit: int, style: Style) -> List[str]:
    lines = ["", style.heading("Functions in both the profile and the run")]
    if not result.known:
        return [*lines, style.line(f"None; {_RULE[1]}.")]
    right = sum(row.is_calls for row in result.known)
    counts = f"{len(result.known):,} functions; for {right:,} of them the count is the number of calls."
    lines.append(style.line(counts))
    if result.time_ratio is not None:
        times = f"{result.time_ratio:.2f} times as long (the median)"
        why = "it costs time at every call" if result.time_ratio > 1 else "the traced run was slower"
        lines.append(style.line(f"Under cProfile these functions took {times}: {why}."))
    return [*lines, *_table(result.known, limit, True, style)]


def _alone(result: Reconciliation, limit: int, with_run: bool, style: Style) -> List[str]:
    heading = "Only in the profile: counts that are not calls" if with_run else "Counts that are not calls"
    lines = ["", style.heading(heading)]
    if not result.alone:
        return [*lines, style.line("None.")]
    line = f"{len(result.alone):,} functions. ?: a profile alone cannot tell calls from resumptions."
    return [*lines, style.line(line), *_table(result.alone, limit, False, style)]


def _table(rows: Sequence[Row], limit: int, with_run: bool, style: Style) -> List[str]:
    shown = rows[:limit] if limit else rows
    rest = any(row.parts.unexplained for row in shown)
    columns = [
        Column("function", right=False, least=20),
        *(Column("counted"), Column("calls")),
        *(Column("resumed", rank=2), Column("recursive", rank=3)),
        *([Column("other", rank=4)] if rest else []),
        Column("cProfile s", rank=5),
        *([Column("run s", rank=6)] if with_run else []),
        Column("where", right=False, rank=7),
    ]
    cells = []
    for row in shown:
        parts, counted = row.parts, row.counted
        cells.append(
            [
                printable(_function(row), _LONGEST_FUNCTION),
                f"{counted.count:,}",
                *(_number(part) for part in (parts.calls, parts.resumptions, parts.recursion)),
                *([_number(parts.unexplained)] if rest else []),
                f"{counted.cumulative_s:.3f}",
                *([f"{row.traced.total_ns / 1e9:.3f}" if row.traced else ""] if with_run else []),
                printable(_where(row)),
            ]
        )
    reasons = [[printable(reason, 200) for reason in row.reasons] for row in shown]
    lines = [style.table(columns, cells, remarks=reasons)]
    if len(rows) > len(shown):
        lines.append(style.below_table(f"and {len(rows) - len(shown):,} more: --limit 0 shows all"))
    return lines


def _number(part: Optional[int]) -> str:
    return _UNKNOWN if part is None else f"{part:,}" if part else ""


def _function(row: Row) -> str:
    """The function's name, with its class if the run knows that."""
    if row.traced is None or not row.traced.line:
        return row.counted.name
    *above, name = row.traced.function.split(".")
    return f"{above[-1]}.{name}" if above and above[-1][:1].isupper() else name


def _where(row: Row) -> str:
    if row.counted.file == "~":
        return "built in"
    return f"{row.counted.file.replace(chr(92), '/').rpartition('/')[2]}:{row.counted.line}"


def as_json(result: Reconciliation, profile: str, run: Optional[str]) -> Dict[str, Any]:
    """The contents of both tables as a JSON document, with all functions."""
    return {
        "profile": profile,
        "run": run,
        **pick(result, "functions", "counted", "time_ratio", "unreadable"),
        "known": [_json_row(row) for row in result.known],
        "alone": [_json_row(row) for row in result.alone],
    }


def _json_row(row: Row) -> Dict[str, Any]:
    counted, parts, traced = row.counted, row.parts, row.traced
    return {
        "function": counted.name if traced is None else traced.function,
        "file": counted.file,
        "line": counted.line,
        "kind": row.kind.value if row.kind is not Kind.UNKNOWN else None,
        "count": counted.count,
        "primitive": counted.primitive,
        "made_of": pick(parts, "calls", "resumptions", "recursion", "unexplained"),
        "cprofile_cumulative_ms": counted.cumulative_s * 1e3,
        "run_total_ms": None if traced is None else traced.total_ns / 1e6,
        "reasons": row.reasons,
    }
