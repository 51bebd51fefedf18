"""The document of ``nutrace compare --json``."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from nutrace.cli.json_output import pick
from nutrace.comparison.gates import GateResult
from nutrace.comparison.result import Comparison, Judged, PathChange, SideFacts, StatementChange

_JUDGED = (
    *("figure", "kind", "base", "new", "change", "low", "high", "verdict", "runs_needed", "varies"),
    *("difference_low", "difference_high", "tested", "tested_of"),
)
_PATH = (
    "component",
    "base_ms_per_step",
    "new_ms_per_step",
    "change_ms_per_step",
    "low",
    "high",
    "runs_needed",
    "tested_ms_per_step",
    "tested_of",
)


def as_json(comparison: Comparison, gates: Sequence[GateResult]) -> Dict[str, Any]:
    """A comparison as a JSON document; null stands for what is not known.

    ``headline`` has the rows of the headline table by their figures, with their labels; ``change`` is
    that of ``new`` against ``base``, ``tested`` the one that is judged, with its interval from ``low`` to
    ``high``; all are shares of the base, those of ``paths`` ms per step. Where a time's base is 0,
    ``difference_low`` and ``difference_high`` are the interval of the difference, in the figure's unit.
    """
    by_name = {row.figure: row for row in comparison.judged}
    return {
        "base": _side(comparison.base),
        "new": _side(comparison.new),
        "paired": comparison.paired,
        "verdicts": [_judged(row) for row in comparison.judged],
        "headline": {
            **{
                figure: {"label": label, **_judged(by_name[figure])}
                for figure, label in comparison.headline.items()
                if figure in by_name
            },
            "gap_closed": comparison.gap_closed,
        },
        "components": _components(comparison),
        "paths": [_path(path) for path in comparison.paths],
        "statements": [_statement(each) for each in comparison.statements],
        "unpaired": {"base": list(comparison.unpaired[0]), "new": list(comparison.unpaired[1])},
        "refusals": list(comparison.refusals),
        "gates": [_gate(result) for result in gates],
    }


def _side(side: SideFacts) -> Dict[str, Any]:
    return {
        **pick(side, "runs", "scenarios", "steps"),
        "files": list(side.files),
        "warnings": list(side.warnings),
        "times": list(side.times),
    }


def _judged(row: Judged) -> Dict[str, Any]:
    return {**pick(row, *_JUDGED), "kind": row.kind.value, "verdict": row.verdict.value}


def _components(comparison: Comparison) -> List[Dict[str, Any]]:
    """The figures of each component: ``{"component": ..., "self_ms_per_step": {...}, ...}``."""
    rows: Dict[str, Dict[str, Any]] = {}
    for row in comparison.judged:
        kind, _, rest = row.figure.partition(".")
        name, _, figure = rest.partition(".")
        if kind == "components" and figure:
            rows.setdefault(name, {"component": name})[figure] = _judged(row)
    return list(rows.values())


def _path(path: PathChange) -> Dict[str, Any]:
    moved: Optional[List[str]] = None if path.moved_from is None else list(path.moved_from)
    return {
        "path": list(path.path),
        **pick(path, *_PATH),
        "base_calls_per_step": path.calls.base,
        "new_calls_per_step": path.calls.new,
        "calls_vary": path.calls.varies,
        "verdict": path.verdict.value,
        "moved_from": moved,
    }


def _statement(each: StatementChange) -> Dict[str, Any]:
    rows = None if each.rows is None else _judged(each.rows)
    return {
        **pick(each, "statement", "text"),
        "executions": _judged(each.executions),
        "rows": rows,
        "time": _judged(each.time),
    }


def _gate(result: GateResult) -> Dict[str, Any]:
    return {
        "fail_if": result.gate.text,
        "outcome": result.outcome.value,
        **pick(result, "value", "low", "high", "reason", "runs_needed"),
    }
