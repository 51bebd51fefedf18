"""What the commands say about nutrace's own time that was taken out, or was not."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from nutrace import prices
from nutrace.analysis import ComponentCost, Report
from nutrace.cli.report_style import Style, ms
from nutrace.trace import Correction, Priced, Trace
from nutrace.trace.correction import CORRECTED, RAW, UNCORRECTED
from nutrace_exporters.corrected import correction_of

#: What several events of a kind are called.
EVENTS = {
    prices.CALL: "calls",
    prices.MERGED: "merged calls",
    prices.RESUMPTION: "values yielded",
    prices.STATEMENT: "statements",
    prices.ROW: "rows fetched singly",
    prices.CONNECTION: "uses of connections",
    prices.COPY: "deep copies",
    prices.COLLECTION: "collections",
    prices.ERROR: "errors",
    prices.API: "spans of the OpenTelemetry API",
}
#: What an event may cost where caches are cold, of what is taken: docs/cost.md has the measurements.
COLD_RANGE = "a third to six times that"
AS_RECORDED = "Times as recorded, with nutrace's own time in them (--raw)."


def correction_line(trace: Trace) -> str:
    """One line below an answer; "" if nothing is known of nutrace's own time."""
    state, told = trace.correction.state, correction_of(trace)
    if state == UNCORRECTED or not told:
        return ""
    return AS_RECORDED if state == RAW else f"Corrected: {told}; --raw leaves it in them."


def print_correction(trace: Trace, style: Style) -> None:
    """Print that line, if there is one."""
    line = correction_line(trace)
    if line:
        print("\n" + style.text(line))


def head_line(report: Report) -> str:
    """The same at the head of a report."""
    if report.correction.state == RAW:
        return AS_RECORDED if report.run.by_nutrace else ""
    if report.correction.state == UNCORRECTED:
        return ""
    taken = ms(sum(map(taken_ns, (report.components, report.concurrent, report.outside_steps))))
    return f"Times are corrected: {taken} ms of nutrace's own time taken out of the spans."


def correction_items(report: Report, selection: str) -> List[Tuple[str, str]]:
    """How much was taken out, and how much more it may be: terms with a text on each."""
    correction = report.correction
    if correction.state != CORRECTED:
        told = "as recorded: the file does not say what nutrace's own time was"
        if correction.state == RAW:
            told = "as recorded, with nutrace's own time in them (--raw)"
        return [("times", told)] if report.run.by_nutrace else []
    waits = ", with waits for the writer, which overhead leaves out" if correction.measured_ns else ""
    parts = [f"corrected: {_where(report)}{waits}"]
    if correction.kinds:
        more = f"may be {ms(correction.uncertain_ns)} ms more{' in the whole run' if selection else ''}"
        if correction.cold_ns:
            parts += [more, _cold(correction)]
        else:
            parts.append(f"{more}, or two to four times a price where caches are cold")
    missing = correction.processes - correction.priced_processes
    if correction.priced_processes and missing:
        parts.append(f"{missing:,} of {correction.processes:,} processes do not say what it costs")
    return [("times", "; ".join(parts))]


def taken_ns(costs: Sequence[ComponentCost]) -> int:
    """nutrace's own time that was taken out of the spans of some components."""
    return sum(cost.own_ns for cost in costs)


def _where(report: Report) -> str:
    inside, beside = taken_ns(report.components), taken_ns(report.concurrent)
    whole = f"{ms(inside + beside + taken_ns(report.outside_steps))} ms taken out"
    parts = [f"{ms(inside)} in the steps"] if report.steps.count else []
    if beside:
        parts.append(f"{ms(beside)} beside them")
    return f"{whole} ({', '.join(parts)})" if parts else whole


def _cold(correction: Correction) -> str:
    return f"{ms(correction.cold_ns)} ms are for cold caches, where a price may be {COLD_RANGE}"


def amounts(correction: Correction) -> List[Tuple[str, str]]:
    """For which events how much was taken out of the whole run: terms with a text on each."""
    lines = [f"{_event(each)}: {ms(each.outside_ns)} ms" for each in correction.kinds if each.outside_ns]
    if correction.measured_ns:
        lines.append(f"waiting for the writer, noting errors, as measured: {ms(correction.measured_ns)} ms")
    return _items("taken out", lines)


def _event(priced: Priced) -> str:
    return f"{priced.events:,} {EVENTS[priced.kind]} of {priced.price_ns / 1e3:.2f} us"


def how_sure(correction: Correction) -> List[Tuple[str, str]]:
    """How much more it may be, and why: terms with a text on each."""
    if not correction.kinds:
        return _items("how sure", ["it was measured"])
    more = ms(correction.uncertain_ns)
    lines = [f"a price is the best of several measurements: {more} ms more by their median"]
    by_clock = [each for each in correction.kinds if each.clocked_ns]
    if by_clock:
        clocked, names = sum(each.clocked_ns for each in by_clock), (EVENTS[each.kind] for each in by_clock)
        lines.insert(0, f"{ms(clocked)} ms were clocked, event by event: {', '.join(names)}")
    if correction.cold_ns:
        lines += [_cold(correction), "prices for cold caches are as the benchmark measured them"]
    else:
        lines.append("where caches are cold, as between a planner's computations, two to four times as high")
    shipped = ", ".join(EVENTS[each.kind] for each in correction.kinds if each.by_ratio and each.outside_ns)
    if shipped:
        lines.append(f"multiples of a call's price, up to a quarter off: {shipped}")
    if correction.clipped_ns:
        lines.append(f"{ms(correction.clipped_ns)} ms were not taken, as the spans above are shorter")
    lines.append("what falls inside of a span, between its two readings of the clock, stays in it")
    return _items("how sure", lines)


def _items(term: str, lines: Sequence[str]) -> List[Tuple[str, str]]:
    return [(term if place == 0 else "", line) for place, line in enumerate(lines)]


def is_corrected(report: Report) -> bool:
    """Whether nutrace's own time was taken out."""
    return report.correction.state == CORRECTED
