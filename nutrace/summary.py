"""The lines at exit."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional, Sequence

from nutrace.called import program
from nutrace.percentiles import percentile
from nutrace.prices import bound
from nutrace.printable import printable
from nutrace.recording.ray_cluster import Process
from nutrace.recording.recorder import Recorder
from nutrace.recording.runfile import Finished

if TYPE_CHECKING:
    from nutrace.sampling.stacks import Stacks

_TOP = 4
_LONGEST_PATH = 5000


def lines(
    recorder: Recorder, end: Finished, stacks: Optional[Stacks] = None, missing: Sequence[Process] = ()
) -> List[str]:
    """The lines to print when the program is over; the report has the same figures and more.

    If the run has more processes, they are those of this process only, and the report's those of all.
    `missing` are processes that have spans, which are not in the file.
    """
    totals, counts = recorder.totals, recorder.diagnostics
    lost = f"{counts.dropped:,} lost" if counts.dropped else "none lost"
    if counts.unfinished:
        lost += f", {counts.unfinished} unfinished"
    others = f" and those of {end.joined} more processes" if end.joined else ""
    text = [f"wrote {printable(str(end.path), _LONGEST_PATH)}: {recorder.spans:,} spans{others}, {lost}"]
    steps = totals.step_ns
    inside = totals.self_ns if steps else totals.self_all_ns
    if steps:
        total = sum(steps)
        line = (
            f"{len(steps):,} step{'s' * (len(steps) > 1)}, {total / len(steps) / 1e6:.1f} ms each "
            f"(p50 {percentile(steps, 50) / 1e6:.1f}, p95 {percentile(steps, 95) / 1e6:.1f})"
        )
        if totals.simulated_s:
            factor = total / 1e9 / totals.simulated_s
            word = "slower" if factor > 1 else "faster"
            slow = totals.over_real_time
            over = f"; {slow:,} step{'s' * (slow > 1)} slower" if slow and factor <= 1 else ""
            line += f", real-time factor {factor:.2f}x ({word} than real time{over})"
        text.append(line)
    top = sorted(inside.items(), key=lambda item: -item[1])[:_TOP]
    whole = sum(inside.values())
    if whole:
        names = ", ".join(f"{name} {own / whole:.0%}" for name, own in top)
        text.append(f"self time {'in the steps' if steps else 'of the spans'}: {names}")
    wall_ns = totals.last_ns - totals.first_ns
    costs = recorder.costs()
    running_ns = costs.recording_ns + costs.writing_ns
    share = f", {100 * running_ns / wall_ns:.2f} % of the wall time" if wall_ns > 0 else ""
    where = " in this process" if end.joined else ""
    starting, recording, writing, ending = (ns / 1e6 for ns in costs)
    text.append(
        f"nutrace's own cost{where}: {bound([recorder.prices()])} {running_ns / 1e6:.1f} ms{share} "
        f"({recording:.0f} recording, {writing:.0f} writing); {starting:.0f} ms to start, {ending:.0f} to end"
    )
    if stacks is not None:
        text.append(_samples(stacks, where))
    if end.running:
        folder = printable(str(end.running[0].parent), _LONGEST_PATH)
        several = f"{len(end.running)} processes of the run still go on; their"
        one = "1 process of the run still goes on; its"
        text.append(f"{one if len(end.running) == 1 else several} spans are in {folder}")
    for host in sorted({process.host for process in missing}):
        files = [process.file for process in missing if process.host == host]
        number = f"{len(files)} process{'es' * (len(files) > 1)}"
        place = printable(os.path.dirname(files[0]), _LONGEST_PATH)
        text.append(f"{number} on {printable(host)} left spans there, in {place}: see nutrace join --help")
    name = _short(end.path)
    nutrace = printable(program(), _LONGEST_PATH)
    text.append(f"next: {nutrace} report {name}; {nutrace} flamegraph {name}")
    return text


def _samples(stacks: Stacks, where: str) -> str:
    if stacks.taken:
        return f"{stacks.taken:,} samples{where} ({stacks.sampler}, {stacks.rate_hz:g} Hz)"
    return " ".join([f"no samples{where}: the program has ended before the sampler began.", *stacks.notes])


def _short(path: Path) -> str:
    """The path to type: only the name if the file is in the current directory."""
    try:
        here = path.parent == Path.cwd()
    except OSError:  # the folder was deleted
        here = False
    return printable(shlex.quote(path.name if here else os.fspath(path)), _LONGEST_PATH)
