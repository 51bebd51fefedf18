"""A profile's counts and what they are made of: for people, and as JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from nutrace.analysis.function_kinds import Kind
from nutrace.analysis.profile import Reconciliation, Row
from nutrace.cli.table import Column, printable, text_table

_LONGEST_PATH = 160
_LONGEST_FUNCTION = 52
_UNKNOWN = "?"

_LEGEND = (
    ("counted", "ncalls of cProfile: how often the function was entered"),
    ("calls", "true calls from outside the function: a generator once, recursion once"),
    ("resumed", "a generator or coroutine, entered again after it yielded or waited"),
    ("recursive", "calls from within the function itself, directly or through others"),
    ("other", "the rest: what the profiled and the traced run did not do alike"),
    ("cProfile s", "cumulative seconds, with all that the function called, cProfile's own cost included"),
    ("run s", "the same without cProfile: total time in the run file"),
)
_RULE = (
    "same",
    "one function, if name, line and the module's part of the path are: folders above may differ",
)


def as_text(found: Reconciliation, profile: str, run: Optional[str], *, limit: int = 15) -> str:
    """Both tables; `limit` is how many functions are in each, 0 for all."""
    against = f" against {printable(run, _LONGEST_PATH)}" if run is not None else ""
    lines = [
        f"nutrace cprofile: {printable(profile, _LONGEST_PATH)}{against}",
        f"  {found.functions:,} functions, entered {found.counted:,} times",
    ]
    if run is not None:
        lines += _known(found, limit)
    lines += _alone(found, limit, run is not None)
    if found.unreadable:
        lines += [
            "",
            f"  {found.unreadable:,} more functions were entered repeatedly and their source is not here: "
            "generators among them are not marked.",
        ]
    names = {"counted", "calls", "resumed", "recursive", "cProfile s"}
    legend = [*_LEGEND, _RULE] if run is not None else [entry for entry in _LEGEND if entry[0] in names]
    width = max(len(term) for term, _ in legend)
    lines += ["", "What the columns mean", *(f"  {term.ljust(width)}  {text}" for term, text in legend)]
    return "\n".join(lines) + "\n"


def _known(found: Reconciliation, limit: int) -> List[str]:
    lines = ["", "Functions that both know"]
    if not found.known:
        return [*lines, f"  None: {_RULE[1]}."]
    right = sum(row.is_calls for row in found.known)
    lines.append(f"  {len(found.known):,} functions; of {right:,} the count is the number of calls.")
    if found.time_ratio is not None:
        times = f"{found.time_ratio:.2f} times as long (the median)"
        why = "it pays at every call inside" if found.time_ratio > 1 else "the traced run was slower"
        lines.append(f"  Under cProfile they took {times}: {why}.")
    return [*lines, *_table(found.known, limit, True)]


def _alone(found: Reconciliation, limit: int, with_run: bool) -> List[str]:
    heading = "Only in the profile: counts that are not calls" if with_run else "Counts that are not calls"
    if not found.alone:
        return ["", heading, "  None."]
    line = f"  {len(found.alone):,} functions. ?: a profile alone cannot tell calls from resumptions."
    return ["", heading, line, *_table(found.alone, limit, False)]


def _table(rows: Sequence[Row], limit: int, with_run: bool) -> List[str]:
    shown = rows[:limit] if limit else rows
    rest = any(row.made.unexplained for row in shown)
    columns = [
        Column("function", right=False),
        Column("counted"),
        Column("calls"),
        Column("resumed"),
        Column("recursive"),
        *([Column("other")] if rest else []),
        Column("cProfile s"),
        *([Column("run s")] if with_run else []),
        Column("where", right=False),
    ]
    cells = []
    for row in shown:
        made, counted = row.made, row.counted
        cells.append(
            [
                printable(_function(row), _LONGEST_FUNCTION),
                f"{counted.count:,}",
                *(_number(part) for part in (made.calls, made.resumptions, made.recursion)),
                *([_number(made.unexplained)] if rest else []),
                f"{counted.cumulative_s:.3f}",
                *([f"{row.traced.total_ns / 1e9:.3f}" if row.traced else ""] if with_run else []),
                printable(_where(row)),
            ]
        )
    head, *body = text_table(columns, cells).split("\n")
    lines = [head]
    for row, text in zip(shown, body):
        lines.append(text)
        lines += [f"      {printable(reason, 200)}" for reason in row.reasons]
    if len(rows) > len(shown):
        lines.append(f"  and {len(rows) - len(shown):,} more: --limit 0 shows all")
    return lines


def _number(part: Optional[int]) -> str:
    return _UNKNOWN if part is None else f"{part:,}" if part else ""


def _function(row: Row) -> str:
    """Its name, with the class if the run says it."""
    if row.traced is None or not row.traced.line:
        return row.counted.name
    *above, name = row.traced.function.split(".")
    return f"{above[-1]}.{name}" if above and above[-1][:1].isupper() else name


def _where(row: Row) -> str:
    if row.counted.file == "~":
        return "built in"
    return f"{row.counted.file.replace(chr(92), '/').rpartition('/')[2]}:{row.counted.line}"


def as_json(found: Reconciliation, profile: str, run: Optional[str]) -> Dict[str, Any]:
    """All that the tables say, of every function in them."""
    return {
        "profile": profile,
        "run": run,
        "functions": found.functions,
        "counted": found.counted,
        "time_ratio": found.time_ratio,
        "unreadable": found.unreadable,
        "known": [_json_row(row) for row in found.known],
        "alone": [_json_row(row) for row in found.alone],
    }


def _json_row(row: Row) -> Dict[str, Any]:
    counted, made, traced = row.counted, row.made, row.traced
    parts: Tuple[Tuple[str, Optional[int]], ...] = (
        ("calls", made.calls),
        ("resumptions", made.resumptions),
        ("recursion", made.recursion),
        ("unexplained", made.unexplained),
    )
    return {
        "function": counted.name if traced is None else traced.function,
        "file": counted.file,
        "line": counted.line,
        "kind": row.kind.value if row.kind is not Kind.UNKNOWN else None,
        "count": counted.count,
        "primitive": counted.primitive,
        "made_of": dict(parts),
        "cprofile_cumulative_ms": counted.cumulative_s * 1e3,
        "run_total_ms": None if traced is None else traced.total_ns / 1e6,
        "reasons": list(row.reasons),
    }
