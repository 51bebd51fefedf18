"""A span, and a scenario, as a notebook shows them."""

from __future__ import annotations

import os
from typing import Iterable, List, Tuple

from nutrace.jupyter.figures import duration
from nutrace.jupyter.markup import Markup, element
from nutrace.jupyter.tree import tree_below
from nutrace.jupyter.tree_html import framed, rows_of
from nutrace.trace import Scenario, SpanView
from nutrace_exporters.attributes import ELSEWHERE
from nutrace_exporters.labels import counted, value
from nutrace_exporters.palette import colour

_MOST_ATTRIBUTES = 20
_ARROW = " › "
_GAP = Markup(" ")


def span_card(span: SpanView) -> str:
    """What a span is, what it says of itself, and the tree below it."""
    swatch = element("i", class_="nt-swatch", style=f"background:{colour(span.component).dark}")
    tree = tree_below(span.subtree())
    facts: List[Tuple[str, str]] = [
        ("total", duration(span.total_ns)),
        ("self", duration(span.self_ns)),
        ("began", f"{(span.start_ns - span.trace.begin_ns) / 1e9:.6f} s after the first span"),
    ]
    if span.calls != 1:
        facts.append(("calls", f"{span.calls:,}"))
    if span.yielded:
        facts.append(("yielded", counted(span.yielded, "value")))
    place = f"{os.path.basename(span.file)}:{span.line}" if span.file and span.line else span.file
    facts += [("function", span.function), ("file", place), ("below", _ARROW.join(span.path[:-1]))]
    facts += [("failed", span.status.message or "with an error")] if span.index in span.trace.failed else []
    facts += [("unfinished", "it had not ended when the file was written")] if span.unfinished else []
    told = {key: value(item) for key, item in span.attributes.items() if key not in ELSEWHERE}
    shown = dict(list(told.items())[:_MOST_ATTRIBUTES])
    if len(told) > len(shown):
        shown["…"] = f"{len(told) - len(shown):,} more, in .attributes"
    return framed(
        element(
            "div",
            swatch,
            element("strong", span.name),
            _GAP,
            element("span", f"{span.component} · span {span.index:,}", class_="nt-muted"),
        ),
        _facts(facts),
        rows_of(tree) if len(tree.trace) > 1 else "",
        element(
            "details",
            element("summary", counted(len(told), "attribute")),
            _facts(shown.items()),
            class_="nt-part",
        )
        if told
        else "",
    )


def scenario_card(scenario: Scenario) -> str:
    """What was simulated, how it ended, and how to ask for it."""
    # Not by its token: other attempts and planners may have the same one.
    part = f"trace.select(scenario={scenario.number})"
    outcome = f"{scenario.outcome}, attempt {scenario.attempt}" if scenario.attempt > 1 else scenario.outcome
    facts = [
        *(("type", scenario.type), ("log", scenario.log), ("planner", scenario.planner)),
        ("outcome", outcome),
        ("steps", f"{len(scenario.steps):,}"),
        ("as a trace", part),
        ("its slowest steps", f"{part}.slowest()" if scenario.steps else ""),
    ]
    return framed(
        element(
            "div",
            element("strong", f"scenario {scenario.number}"),
            _GAP,
            element("span", scenario.token, class_="nt-muted"),
        ),
        _facts(facts),
    )


def _facts(facts: Iterable[Tuple[str, str]]) -> Markup:
    rows = [
        element("tr", element("th", name, scope="row"), element("td", content))
        for name, content in facts
        if content
    ]
    return element("table", element("tbody", *rows), class_="nt-facts")
