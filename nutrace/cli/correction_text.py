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
    """What was taken out, for which events, and how sure that is: terms with a text on each."""
    correction = report.correction
    if correction.state != CORRECTED:
        told = "as recorded: the file does not say what nutrace's own time was"
        if correction.state == RAW:
            told = "as recorded, with nutrace's own time in them (--raw)"
        return [("times", told)] if report.run.by_nutrace else []
    whole = "; of the whole run:" if selection else ":"
    items = [
        ("times", f"corrected: {_where(report)}{whole}"),
        *(("", line) for line in _amounts(correction)),
    ]
    first, *others = _how_sure(correction)
    items += [("how sure", first), *(("", line) for line in others)]
    missing = correction.processes - correction.priced_processes
    if correction.priced_processes and missing:
        items.append(("", f"{missing:,} of {correction.processes:,} processes do not say what it costs"))
    return items


def taken_ns(costs: Sequence[ComponentCost]) -> int:
    """nutrace's own time that was taken out of the spans of some components."""
    return sum(cost.own_ns for cost in costs)


def _where(report: Report) -> str:
    inside, beside = taken_ns(report.components), taken_ns(report.concurrent)
    parts = [f"{ms(inside + beside + taken_ns(report.outside_steps))} ms taken out of the spans"]
    if report.steps.count:
        parts.append(f"{ms(inside)} of it in the steps")
    if beside:
        parts.append(f"{ms(beside)} beside them")
    return ", ".join(parts)


def _amounts(correction: Correction) -> Sequence[str]:
    lines = [f"{_event(each)}: {ms(each.outside_ns)} ms" for each in correction.kinds if each.outside_ns]
    if correction.measured_ns:
        lines.append(f"waiting for the writer, noting errors, as measured: {ms(correction.measured_ns)} ms")
    return lines


def _event(priced: Priced) -> str:
    return f"{priced.events:,} {EVENTS[priced.kind]} of {priced.price_ns / 1e3:.2f} us"


def _how_sure(correction: Correction) -> Sequence[str]:
    if not correction.kinds:
        return ["it was measured"]
    more = ms(correction.uncertain_ns)
    lines = [
        f"a price is the best of several measurements: {more} ms more by their median; "
        "where caches are cold, as between a planner's computations, two to four times a price"
    ]
    shipped = ", ".join(EVENTS[each.kind] for each in correction.kinds if each.by_ratio and each.outside_ns)
    if shipped:
        lines.append(f"prices of {shipped} are multiples of a call's, up to a quarter off")
    if correction.clipped_ns:
        lines.append(f"{ms(correction.clipped_ns)} ms were not taken, as the spans above are shorter")
    lines.append(
        "what a span costs between its two readings of the clock stays in it: nutrace overhead has it"
    )
    return lines


def is_corrected(report: Report) -> bool:
    """Whether nutrace's own time was taken out."""
    return report.correction.state == CORRECTED
