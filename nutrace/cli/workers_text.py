"""What ``nutrace workers`` prints for people."""

from __future__ import annotations

from typing import List, Optional, Tuple

from nutrace.analysis.evaluation.lane import Lane
from nutrace.analysis.evaluation.lanes import PROCESSES, SEQUENTIAL, THREADS, Lanes
from nutrace.analysis.evaluation.makespan import Makespan
from nutrace.analysis.evaluation.model import MEASURED, PROCESSOR_TIME
from nutrace.analysis.evaluation.pieces import Doing
from nutrace.analysis.evaluation.worker_memory import WorkerMemory
from nutrace.cli.lanes_picture import picture
from nutrace.cli.memory_text import memory_lines
from nutrace.cli.report_style import Style, percent
from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.printable import LINE, printable
from nutrace.trace import Trace
from nutrace_exporters.labels import counted

MODEL = (
    "The model: the driver's own work stays. Scenarios are begun in the order of the run, each by the first "
    "worker that is free; workers start up and take over scenarios as the run's did. A scenario takes as "
    "long as it took, unless more is to run at a time than there are processors: then all of it is slower "
    "alike. "
    "Not in this model: memory and disks that workers share, and scenarios that did not finish."
)
#: How scenarios were spread, in words that follow the number of workers.
_HOW = {
    SEQUENTIAL: ("in the driver, one scenario after the other",) * 2,
    THREADS: ("in a thread of the driver", "in threads of the driver"),
    PROCESSES: ("in a process of its own", "in processes of their own"),
}
_PARTS = 8  # of the driver's work
_LEAST_PART = 0.005  # of the run
_LONG_END = 0.02  # of the scenarios' time: what is worth a line
_WAITS = 0.8  # of a processor: a scenario that uses less waits for something


def as_text(
    trace: Trace,
    file: str,
    lanes: Optional[Lanes],
    span: Optional[Makespan],
    memory: Optional[WorkerMemory],
    rows: int,
    style: Style,
) -> str:
    """The whole answer; `rows` is the number of workers listed, 0: all."""
    lines = [style.title(f"nutrace workers: {printable(file, LINE)}")]
    if lanes is None:
        none = "This trace has no scenarios: it has neither a span simulation.run nor a step."
        lines.append(style.line(none))
        return "\n".join(lines)
    working = [lane for lane in lanes.workers if lane.scenarios]
    scenarios = counted(len(lanes.spans_ns), "scenario")
    where = how(lanes.kind, len(working))
    where += f", {lanes.at_once:,} at a time" if lanes.at_once < len(working) else ""
    lines += [
        style.line(
            f"{scenarios}, {counted(len(working), 'worker')} {where}; the run took "
            f"{seconds(lanes.wall_ns)} s, {seconds(lanes.rounds_ns)} s of it the scenarios"
        ),
        style.line(_cores(lanes)),
        *(style.line(line, Tone.BAD) for line in _ended(trace, lanes)),
        *(style.line(line, Tone.DOUBTFUL) for line in _stragglers(trace, lanes)),
        *["", style.heading("Lanes"), *_lanes(lanes, rows, style)],
        *[
            "",
            style.heading(f"The driver by itself: {seconds(lanes.serial_ns)} s, which no worker shortens"),
            _serial(lanes, style),
        ],
        *["", style.heading("More or fewer workers: a model"), *_makespan(span, style)],
    ]
    return "\n".join([*lines, "", style.heading("Memory"), *memory_lines(memory, style)])


def how(kind: str, workers: int) -> str:
    """Where so many workers simulated."""
    one, several = _HOW[kind]
    return one if workers == 1 else several


def _cores(lanes: Lanes) -> str:
    busy = f"meanwhile {lanes.busy_lanes:.2f} workers were in a scenario on average"
    there = "" if lanes.processors is None else f" of {lanes.processors:,}"
    if lanes.cores_used is None:
        return busy + ("" if not there else f", and there are {counted(lanes.processors or 0, 'processor')}")
    text = f"{busy}; their processes used {lanes.cores_used:.2f}{there} processors"
    if lanes.kind != THREADS and lanes.cores_used < _WAITS * lanes.busy_lanes:
        text += ": scenarios waited, for a GPU or a disk, or because of other programs"
    return text


def _ended(trace: Trace, lanes: Lanes) -> List[str]:
    """A line for each process that ended in a scenario."""
    lines = []
    for lane in lanes.workers:
        if lane.ended_in:
            scenario = trace.simulations[lane.ended_in - 1]
            at = lanes.spans_ns[lane.ended_in][1] - lanes.begin_ns
            lines.append(
                f"process {lane.process} ended in scenario {printable(scenario.name)}, after "
                f"{counted(len(scenario.steps), 'step')}, at {seconds(at)} s: it was killed, or it crashed"
            )
    return lines


def _stragglers(trace: Trace, lanes: Lanes) -> List[str]:
    """How long the other workers had nothing left while the last one simulated, if that is long."""
    working = [lane for lane in lanes.workers if lane.scenarios]
    last = lanes.rounds[-1]
    idle = [last.end_ns - max(lanes.spans_ns[each][1] for each in lane.scenarios) for lane in working]
    if max(idle) < _LONG_END * lanes.rounds_ns:
        return []
    (slowest, *_) = (lane for lane, left in zip(working, idle) if not left)
    name = printable(trace.simulations[slowest.scenarios[-1] - 1].name)
    return [
        f"at the end workers had nothing left for up to {seconds(max(idle))} s, {seconds(sum(idle))} s "
        f"together, until {printable(slowest.name)} had simulated {name}"
    ]


def _lanes(lanes: Lanes, rows: int, style: Style) -> List[str]:
    every = [lane for lane in lanes.workers if not lane.is_driver]
    every = [lanes.driver, *every]
    shown = every[: rows + 1] if rows else every
    working = [lane for lane in shown if lane in lanes.workers]
    lines = [*picture(lanes, shown, style), "", _table(lanes, working, style)]
    if len(shown) < len(every):
        lines.append(style.below_table(f"and {len(every) - len(shown):,} more: --limit 0 shows all"))
    if lanes.others:
        programs = sorted({printable(program) for _, program in lanes.others if program})
        lines.append(style.line(_others(len(lanes.others), programs)))
    return lines


def _others(count: int, programs: List[str]) -> str:
    what = "1 more process" if count == 1 else f"{count:,} more processes"
    named = f" ({', '.join(programs[:5])}{', ...' if len(programs) > 5 else ''})" if programs else ""
    return f"{what} simulated nothing{named}"


def _table(lanes: Lanes, shown: List[Lane], style: Style) -> str:
    absent = any(lane.spent_ns(Doing.ABSENT) for lane in shown)
    unaccounted = any(lane.spent_ns(Doing.UNACCOUNTED) for lane in shown)
    driving = any(lane.spent_ns(Doing.DRIVING) for lane in shown)
    columns = [Column("worker", right=False, least=20), Column("scenarios", rank=2)]
    parts = [("start-up s", Doing.STARTUP, 3), ("busy s", Doing.BUSY, 1), ("waiting s", Doing.WAITING, 4)]
    parts.append(("idle s", Doing.IDLE, 2))
    parts += [("driving s", Doing.DRIVING, 5)] if driving else []
    parts += [("not there s", Doing.ABSENT, 5)] if absent else []
    parts += [("unaccounted s", Doing.UNACCOUNTED, 5)] if unaccounted else []
    columns += [Column(heading, rank=rank) for heading, _, rank in parts]
    columns += [Column("sum s", rank=6), Column("busy", bar=True)]
    rows = [
        [
            printable(lane.name),
            f"{len(lane.scenarios):,}",
            *(seconds(lane.spent_ns(doing)) for _, doing, _ in parts),
            seconds(lane.spent_ns(*Doing)),
            percent(lane.spent_ns(Doing.BUSY), lanes.wall_ns),
        ]
        for lane in shown
    ]
    return style.table(columns, rows)


def _serial(lanes: Lanes, style: Style) -> str:
    parts = [part for part in lanes.serial[:_PARTS] if part.ns >= _LEAST_PART * lanes.wall_ns]
    rows = [[printable(part.name), seconds(part.ns), percent(part.ns, lanes.wall_ns)] for part in parts]
    rest = sum(part.ns for part in lanes.serial) - sum(part.ns for part in parts)
    if rest:
        rows.append(["the rest", seconds(rest), percent(rest, lanes.wall_ns)])
    return style.table([Column("", right=False), Column("s"), Column("of the run", bar=True)], rows)


def _makespan(span: Optional[Makespan], style: Style) -> List[str]:
    if span is None:
        return [style.line("No scenario finished: there is nothing to predict from.")]
    columns = [Column("workers"), Column("the run s", bar=True), Column("against now"), Column("at least s")]
    rows = []
    for each in span.predicted:
        now = " (now)" if each.workers == span.workers else ""
        change = f"{each.ns / span.measured_ns - 1:+.0%}" if span.measured_ns else "-"
        rows.append([f"{each.workers:,}{now}", seconds(each.ns), change, seconds(each.bound_ns)])
    measured = (
        f"Measured: {seconds(span.measured_ns)} s. With any number {seconds(span.bound_ns)} s at least."
    )
    return [style.table(columns, rows), style.below_table(measured), *style.items(assumptions(span))]


def assumptions(span: Makespan) -> List[Tuple[str, str]]:
    """What the model takes for granted, in a line each."""
    startups = ", ".join(seconds(each) for each in span.startups_ns[:4]) + (
        ", ..." if span.workers > 4 else ""
    )
    given = [("start-up", f"{startups} s, from handing out to the first scenario of a worker")]
    if span.kind == SEQUENTIAL:
        given = [("start-up", "more workers import at most what the driver did; starting Ray is not in this")]
    given.append(("handover", f"{seconds(span.handover_ns)} s between two scenarios of a worker"))
    if span.durations == MEASURED:
        given.append(("scenarios", "take as long as they took"))
    elif span.durations == PROCESSOR_TIME:
        given.append(
            ("scenarios", "take their processor time: the run's workers shared processors or a lock")
        )
    else:
        given.append(("scenarios", "take their even share: the run's workers shared processors or a lock"))
    if span.kind == THREADS:
        together = f"together they use {span.processors or 1:.2f} processors"
        given.append(("lock", f"threads share Python's lock, {together}; processes do not share it"))
    if span.processors is None:
        given.append(("processors", "the run does not say how many there are: as if each worker had its own"))
    elif span.kind != THREADS:
        given.append(("processors", f"{span.processors:.3g}; more that runs at a time becomes slower alike"))
    if span.left_out:
        given.append(("left out", f"{counted(span.left_out, 'scenario')} that did not finish"))
    return given


def seconds(time_ns: float) -> str:
    """A time in seconds, without the unit."""
    value = time_ns / 1e9
    return (
        f"{value:,.1f}" if value >= 10 else f"{value:,.2f}" if value >= 0.1 or not value else f"{value:.3f}"
    )
