"""What ``nutrace suggest`` prints: a file of probes with comments, or JSON."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence

from nutrace import semconv
from nutrace.cli.correction_text import correction_line
from nutrace.suggestions.candidates import Candidate, Seen
from nutrace.suggestions.cost import MOST, Price
from nutrace.suggestions.counting import Counts
from nutrace.suggestions.opaque import Opaque
from nutrace.suggestions.probe_file import comment, commented, table
from nutrace.suggestions.suggest import Suggestions
from nutrace.trace import Trace
from nutrace.trace.sampled import Sampled

_MS = 1e6
_FILE = "probes.toml"


@dataclass(frozen=True)
class Page:
    """What was found, and in what."""

    file: str
    trace: Trace
    sampled: Sampled
    suggestions: Suggestions
    counts: Optional[Counts]

    @property
    def counted(self) -> Optional[Counts]:
        """The counts, if the program left any."""
        return self.counts if self.counts is not None and self.counts.trace is not None else None


def toml_lines(page: Page) -> List[str]:
    """The file of probes, for people and for NUTRACE_PROBES."""
    lines = [comment(line) for line in _header(page)]
    for suggestion in page.suggestions.suggested:
        lines += ["", *_comments(page, suggestion.candidate.seen, suggestion.price)]
        lines += table(suggestion.candidate.probe).splitlines()
    if page.suggestions.too_often:
        lines += ["", comment("Called too often: probes on these would change what they measure.")]
    for each in page.suggestions.too_often:
        lines += ["", *_comments(page, each.candidate.seen, each.price)]
        lines.append(comment(f"Not probed: more than {_percent(MOST, 0)} of {each.reason}."))
        lines += commented(table(each.candidate.probe))
    if page.suggestions.unprobed:
        lines += ["", comment("Your functions on which no probe can be put:")]
    for unprobed in page.suggestions.unprobed:
        lines.append(comment(f"  {_share(unprobed.seen)}: {_place(unprobed.seen)}: {unprobed.reason}"))
    return lines


def opaque_lines(file: str, why: str, spans: Sequence[Opaque]) -> List[str]:
    """What is known without samples, as comments."""
    lines = [
        f"{file} {why}: which functions take the time is not known, and no probe is suggested.",
        "To see into the spans, take samples:",
        "    NUTRACE=1 NUTRACE_SAMPLE=1 python ...",
        f"    nutrace suggest run.json > {_FILE}",
    ]
    if spans:
        lines.append("These spans have the most self time, in which nothing below them has a span:")
    for span in spans:
        unit = "ms a step" if span.per_step else "ms in the run"
        lines.append(
            f"    {span.span} ({span.component}): {_number(span.self_ms)} {unit}, "
            f"{_percent(span.share, 0)} of it; {_percent(span.self_share, 0)} of the span"
        )
    return [comment(line) for line in lines]


def as_json(page: Page) -> Dict[str, Any]:
    """The document of ``--json``; times are per step, or of the run if it has no steps."""
    suggestions = page.suggestions
    forest, counts = suggestions.forest, page.counted
    runs = forest.steps or 1
    cost = suggestions.cost
    return {
        "run": page.file,
        "times": page.trace.correction.state,
        "steps": forest.steps,
        "step_ms": forest.step_ns / runs / _MS,
        "samplers": list(page.sampled.samplers),
        "counted_steps": None if counts is None else counts.steps,
        "cost_ms": None if cost is None else cost[0] / _MS,
        "cost_share": None if cost is None else cost[1],
        "spans": [
            {
                "span": span.name,
                "component": span.component,
                "self_ms": span.self_ns / runs / _MS,
                "samples": round(span.samples),
                "covered": covered,
            }
            for span, covered in zip(forest.spans, suggestions.covered)
        ],
        "probes": [
            {**_probe(each.candidate), **_seen(each.candidate.seen, runs), **_priced(each.price)}
            for each in suggestions.suggested
        ],
        "too_often": [
            {
                **_probe(each.candidate),
                **_seen(each.candidate.seen, runs),
                **_priced(each.price),
                "reason": each.reason,
            }
            for each in suggestions.too_often
        ],
        "unprobed": [{**_seen(each.seen, runs), "reason": each.reason} for each in suggestions.unprobed],
    }


def _header(page: Page) -> List[str]:
    suggestions, sampled = page.suggestions, page.sampled
    forest = suggestions.forest
    runs, unit = forest.steps or 1, _unit(page)
    samplers = ", ".join(sampled.samplers) or "an unknown sampler"
    steps = f"{forest.steps:,} steps of {_number(forest.step_ns / runs / _MS)} ms, " if forest.steps else ""
    lines = [
        f"Probes for NUTRACE_PROBES, suggested by nutrace from {page.file}: {steps}samples by {samplers}.",
        f"    NUTRACE=1 NUTRACE_PROBES={_FILE} {_command(page.trace)}",
        "",
    ]
    if sampled.placed < sampled.taken:
        lines.append(f"{sampled.placed:,} of {sampled.taken:,} samples lie in spans.")
    lines += sampled.notes
    corrected = correction_line(page.trace)
    lines += [corrected] if corrected else []
    for span, covered in zip(forest.spans, suggestions.covered):
        lines.append(
            f"{span.name}: {_number(span.self_ns / runs / _MS)} {unit} of self time, {round(span.samples):,} "
            f"samples. The functions below hold about {_percent(covered, 0)} of it."
        )
    cost, counts = suggestions.cost, page.counted
    if counts is None:
        lines += [
            "How often they are called is not known. One that is called very often should not be probed: a",
            "short run counts the calls, and leaves such functions out:",
            f"    nutrace suggest {page.file} --count -- python ...",
        ]
    elif cost is not None:
        where = f"{counts.steps:,} steps" if counts.steps else "a run without steps"
        lines.append(
            f"Calls were counted in {where}. Predicted cost of all probes: {_number(cost[0] / _MS)} {unit}, "
            f"{_percent(cost[1], 2)} of it, writing included."
        )
    if forest.spans:
        lines.append(
            "Shares are of the span's self time, with their 95 % intervals. Lines are those of functions."
        )
    return lines


def _command(trace: Trace) -> str:
    """How the run was started, shortened."""
    for resource in trace.resources:
        words = resource.attributes.get(semconv.COMMAND)
        if isinstance(words, list) and len(words) > 1:
            names = [os.path.basename(str(word)) if "/" in str(word) else str(word) for word in words[:2]]
            return " ".join(names) + (" ..." if len(words) > 2 else "")
    return "python ..."


def _comments(page: Page, seen: Seen, price: Optional[Price]) -> List[str]:
    runs, unit = page.suggestions.forest.steps or 1, _unit(page)
    own = f"{_number(seen.own_ns / runs / _MS)} ms of it in itself"
    first = f"{_share(seen)}: {_number(seen.total_ns / runs / _MS)} {unit}, {own}; {seen.samples:,} samples."
    second = f"{seen.function.file}:{seen.function.line}."
    lines = [first, second] if price is None else [first, second, _called(price, unit)]
    return [comment(line) for line in lines]


def _called(price: Price, unit: str) -> str:
    if not price.calls:
        return "Not called in the run that counted."
    calls = f"{price.calls:,.0f}" if price.calls >= 100 else f"{price.calls:,.3g}"
    return (
        f"{calls} {'call' if calls == '1' else 'calls'} {unit.partition(' ')[2]}: the probe adds "
        f"{_percent(price.of_function, 2)} to its time, and costs {_number(price.cost_ns / _MS)} {unit}."
    )


def _unit(page: Page) -> str:
    return "ms a step" if page.suggestions.forest.steps else "ms in the run"


def _share(seen: Seen) -> str:
    return (
        f"{_percent(seen.share, 1)} of {seen.span.name} "
        f"({100 * seen.share_low:.1f} to {100 * seen.share_high:.1f})"
    )


def _place(seen: Seen) -> str:
    return f"{seen.function.name} ({seen.function.file}:{seen.function.line})"


def _number(value: float) -> str:
    return f"{value:,.1f}" if value >= 10 else f"{value:,.2g}" if value < 0.1 else f"{value:,.2f}"


def _percent(part: float, digits: int) -> str:
    return f"{100 * part:.{digits}f} %"


def _probe(candidate: Candidate) -> Dict[str, Any]:
    probe = candidate.probe
    return {
        "target": probe.target,
        "component": probe.component,
        "name": probe.name,
        "own": candidate.origin == 0,
    }


def _seen(seen: Seen, runs: int) -> Dict[str, Any]:
    return {
        "function": seen.function.name,
        "file": seen.function.file,
        "line": seen.function.line,
        "span": seen.span.name,
        "samples": seen.samples,
        "share": seen.share,
        "share_low": seen.share_low,
        "share_high": seen.share_high,
        "own_ms": seen.own_ns / runs / _MS,
        "total_ms": seen.total_ns / runs / _MS,
    }


def _priced(price: Optional[Price]) -> Dict[str, Any]:
    return {
        "calls": None if price is None else price.calls,
        "cost_ms": None if price is None else price.cost_ns / _MS,
        "cost_of_function": None if price is None else price.of_function,
        "cost_of_step": None if price is None else price.of_step,
    }
