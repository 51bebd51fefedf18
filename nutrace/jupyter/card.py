"""The summary card: how long a run took, in which components, and what is missing."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import List, Sequence, Tuple

from nutrace.analysis import ComponentCost, Summary, summarize
from nutrace.jupyter.figures import duration, milliseconds, percent
from nutrace.jupyter.markup import Markup, element, join
from nutrace.jupyter.tree import tree_of
from nutrace.jupyter.tree_html import CARD, rows_of
from nutrace.jupyter.tree_html import style as tree_style
from nutrace.trace import Trace
from nutrace.trace.correction import UNCORRECTED
from nutrace_exporters.corrected import correction_of
from nutrace_exporters.labels import counted, label
from nutrace_exporters.palette import colour
from nutrace_exporters.runfacts import title_of

_SELF = "Time in the component itself, without what it calls. Self times add up."
_OWN = "nutrace's own time in these spans. It was taken out, and is in none of the other rows."
_TOTAL = "Time in the component with everything that it calls. Totals of components overlap."
_GAP = Markup(" ")


def card(trace: Trace) -> str:
    """The card as HTML, for light and dark notebooks alike."""
    summary = summarize(trace)
    parts: List[Markup] = [_head(trace, summary), _figures(summary)]
    if summary.components:
        parts += _components(summary.components, summary.steps.count)
        if summary.concurrent:
            cost = sum(component.self_ns for component in summary.concurrent)
            parts.append(_folded(f"Beside the steps, on other threads: {duration(cost)}", summary.concurrent))
        if summary.outside_steps:
            cost = sum(component.self_ns for component in summary.outside_steps)
            first = ", ".join(component.component for component in summary.outside_steps[:3])
            parts.append(
                _folded(f"Outside the steps: {duration(cost)}, mostly {first}", summary.outside_steps)
            )
    else:
        parts += _components(summary.outside_steps, 0)
    if len(trace):
        parts.append(_tree(trace, summary))
    parts.append(_foot(trace, summary))
    style = (files("nutrace.jupyter") / "card.css").read_text(encoding="utf-8")
    return element("div", Markup(f"<style>{style}{tree_style()}</style>"), *parts, class_="nutrace-card")


def _tree(trace: Trace, summary: Summary) -> Markup:
    """The call tree: folded, but where it is of a single step."""
    steps = summary.steps.count
    name = (
        "Call tree" if not steps else "Call tree of the step" if steps == 1 else "Call tree of the mean step"
    )
    rows = rows_of(tree_of(trace), CARD)
    return element("details", element("summary", name), rows, open="open" if steps == 1 else "")


def _head(trace: Trace, summary: Summary) -> Markup:
    run = summary.run
    name, spans = os.path.basename(run.file) or "trace", counted(len(trace), "span")
    if trace.selection:
        title = trace.selection[:1].upper() + trace.selection[1:]
        where = [f"of {name}", spans]
    else:
        title = title_of(trace)
        wall = f"{duration(run.wall_seconds * 1e9)} wall time"
        where = [name, wall, counted(run.processes, "process", "processes"), spans]
    state = "still running" if run.running else "cut short"
    badge = "" if run.complete else element("span", state, class_="nt-badge")
    # Where styles are stripped, as on code hosts, the words still have to stand apart.
    return element(
        "div",
        element("strong", title),
        _GAP,
        element("span", " · ".join(where), class_="nt-muted", title=run.command),
        _GAP,
        badge,
        class_="nt-head",
    )


def _figures(summary: Summary) -> Markup:
    steps = summary.steps
    pairs: List[Tuple[str, str, str]] = []
    if steps.count:
        pairs.append((f"{steps.count:,}", "steps" if steps.count != 1 else "step", ""))
        if steps.count == 1:
            pairs.append((duration(steps.max_ns), "the step took", ""))
        else:
            pairs += [
                (duration(steps.mean_ns), "mean step", ""),
                (duration(steps.p50_ns), "p50", "half of the steps took no longer"),
                (duration(steps.p95_ns), "p95", "19 of 20 steps took no longer"),
                (duration(steps.max_ns), "slowest", ""),
            ]
        if steps.realtime_factor is not None and steps.simulated_interval_s is not None:
            slower = "slower than real time" if steps.realtime_factor > 1 else "keeps up with real time"
            if steps.realtime_factor <= 1 and steps.over_real_time:
                slower = f"faster than real time, but for {counted(steps.over_real_time, 'step')}"
            hint = f"steps that simulate {steps.simulated_interval_s * 1e3:g} ms each"
            pairs.append((f"{steps.realtime_factor:.2f}×", slower, hint))
    return element(
        "div",
        *(
            element("div", element("b", figure), _GAP, element("span", name, class_="nt-muted"), title=hint)
            for figure, name, hint in pairs
        ),
        class_="nt-figures",
    )


def _components(costs: Sequence[ComponentCost], steps: int) -> List[Markup]:
    """The bar and the table of components."""
    whole = sum(cost.self_ns for cost in costs)
    if not whole:
        return [_table(costs, steps)]
    pieces = [
        element(
            "i",
            title=f"{cost.component} {percent(cost.self_ns, whole)}",
            style=f"width:{100 * cost.self_ns / whole:.3f}%;background:{colour(cost.component).dark}",
        )
        for cost in costs
        if cost.self_ns
    ]
    return [element("div", *pieces, class_="nt-bar"), _table(costs, steps)]


def _table(costs: Sequence[ComponentCost], steps: int) -> Markup:
    """A table of components; if `steps` is their number, not 0, calls and times are per step."""
    per, divisor = ("/step", steps) if steps else ("", 1)
    whole = sum(cost.self_ns for cost in costs)
    *own, own_sum = milliseconds([*(cost.self_ns / divisor for cost in costs), whole / divisor])
    totals = milliseconds([cost.total_ns / divisor for cost in costs])
    heads = [
        element("th", "component", scope="col"),
        element("th", f"calls{per}", scope="col"),
        element("th", f"self{per} ms", scope="col", title=_SELF),
        element("th", f"total{per} ms", scope="col", title=_TOTAL),
        element("th", "share of self", scope="col", colspan="2", title="self as a part of the sum below"),
    ]
    rows = [
        _row(cost, f"{cost.calls / steps:,.1f}" if steps else f"{cost.calls:,}", self_ms, total_ms, whole)
        for cost, self_ms, total_ms in zip(costs, own, totals)
    ]
    rows.append(
        element(
            "tr",
            element("th", "sum", scope="row"),
            element("td"),
            element("td", own_sum),
            element("td", "overlap", class_="nt-muted", title=_TOTAL),
            element("td", percent(whole, whole)),
            element("td"),
            class_="nt-sum",
        )
    )
    taken = sum(cost.own_ns for cost in costs)
    if taken:
        rows.append(
            element(
                "tr",
                element("th", "nutrace", scope="row"),
                element("td"),
                element("td", milliseconds([taken / divisor])[0]),
                *(element("td") for _ in range(3)),
                title=_OWN,
                class_="nt-muted",
            )
        )
    return element("table", element("thead", element("tr", *heads)), element("tbody", *rows))


def _row(cost: ComponentCost, calls: str, self_ms: str, total_ms: str, whole: int) -> Markup:
    fill = colour(cost.component).dark
    width = 100 * cost.self_ns / whole if whole else 0
    bar = element("i", style=f"width:{width:.2f}%;background:{fill}")
    swatch = element("i", class_="nt-swatch", style=f"background:{fill}")
    return element(
        "tr",
        element("th", swatch, cost.component, scope="row"),
        element("td", calls),
        element("td", self_ms),
        element("td", total_ms),
        element("td", percent(cost.self_ns, whole)),
        element("td", element("span", bar, class_="nt-track")),
    )


def _folded(summary: str, costs: Sequence[ComponentCost]) -> Markup:
    return element("details", element("summary", summary), _table(costs, 0))


def _failures(summary: Summary) -> str:
    """How many errors left spans, and which most often."""
    first = summary.failures[0]
    errors = counted(sum(failure.count for failure in summary.failures), "error")
    most_often = ", most often" if len(summary.failures) > 1 else ":"
    return f"{errors}{most_often} {label(first.error, 100)} from {label(first.span)}"


def _scenarios(summary: Summary) -> str:
    """How many scenarios did not go as they should; "" if all did."""
    found = summary.scenarios
    unfinished = "not finished yet" if summary.run.running else "cut short"
    counts = (found.failed, "failed"), (found.cut_short, unfinished), (found.retried, "simulated again")
    what = ", ".join(f"{count:,} {outcome}" for count, outcome in counts if count)
    return f"{counted(found.count, 'scenario')}: {what}" if what else ""


def _foot(trace: Trace, summary: Summary) -> Markup:
    """What is missing, as warnings if anything is, and nutrace's own cost."""
    lost, overhead = summary.lost, summary.overhead
    lines: List[Markup] = []
    counts = (
        (lost.dropped, "dropped"),
        (lost.truncated, "with attributes cut"),
        (lost.unfinished, "unfinished"),
    )
    losses = [f"{counted(count, 'span')} {what}" for count, what in counts if count]
    whole = " in the whole run" if trace.selection else ""
    if losses:
        lines.append(element("div", f"▲ {', '.join(losses)}{whole}", class_="nt-warn"))
    lines += [element("div", f"▲ {note}", class_="nt-warn") for note in summary.notes]
    trouble = _scenarios(summary)
    if trouble:
        lines.append(element("div", f"▲ {trouble}", class_="nt-warn"))
    if summary.failures:
        lines.append(element("div", f"▲ {_failures(summary)}", class_="nt-warn"))
    facts = [] if losses else ["no span dropped, truncated or unfinished" + whole]
    corrected = correction_of(trace)
    whole_ns = overhead.estimated_ns if trace.kept is None else None  # of a part of a trace it is not
    if whole_ns is not None and trace.correction.measured_ns:
        corrected += ", with waits for the writer, which the cost below leaves out"
    if corrected and trace.correction.state != UNCORRECTED:
        lines.append(element("div", f"correction: {corrected}", class_="nt-muted"))
    if whole_ns is not None:
        share = "" if overhead.share is None else f", {100 * overhead.share:.2f} % of the wall time"
        cost_ns, once_ns = whole_ns - overhead.start_and_end_ns, overhead.start_and_end_ns
        once = f"; {duration(once_ns)} to start and to end" if once_ns else ""
        facts.append(f"nutrace itself cost {overhead.bound} {duration(cost_ns)}{share}{once}")
    if facts:
        lines.append(element("div", " · ".join(facts), class_="nt-muted"))
    return element("div", join(*lines), class_="nt-foot")
