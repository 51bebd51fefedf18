"""Runs of which advice is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

from fakes.otlp import RESOURCE, trace_of

from nutrace import semconv
from nutrace.advice import Advice, Finding, advise
from nutrace.advice.facts import Facts
from nutrace.trace import Trace

C = semconv.COMPONENT


def advice_of(trace: Trace, worth: float = 0.02) -> Advice:
    """The advice on a whole trace."""
    return advise(Facts("run.json", trace, trace), worth)


def findings(trace: Trace) -> Dict[str, List[Finding]]:
    """All findings, by the names of their kinds."""
    advice = advice_of(trace)
    by_kind: Dict[str, List[Finding]] = {}
    for each in (*advice.in_steps, *advice.around, *advice.to_look_into, *advice.small):
        by_kind.setdefault(each.kind, []).append(each.finding)
    return by_kind


def step(begin: float, end: float, *below: Any) -> Any:
    """A step that simulates 0.1 s; times in us."""
    return (
        semconv.STEP_SPAN,
        begin,
        end,
        list(below),
        {C: "simulation", semconv.STEP_INTERVAL_S: 0.1},
    )


def span(name: str, begin: float, end: float, *below: Any, **attributes: Any) -> Any:
    """A span; ``component=`` and ``function=`` are short for their attributes."""
    given = {C: attributes.pop("component", "other"), **attributes}
    if "function" in given:
        given[semconv.CODE_FUNCTION] = given.pop("function")
    return (name, begin, end, list(below), given)


def traced(path: Path, *tree: Any, **settings: Any) -> Trace:
    """A trace of a process with settings of nutrace."""
    resource = {
        **RESOURCE,
        semconv.SETTINGS: json.dumps({"level": "normal", **settings}),
        semconv.SPANS_RECORDED: 1000,
        semconv.OVERHEAD_NS: settings.get("overhead_ns", 0),
    }
    return trace_of(path, *tree, resource=resource)
