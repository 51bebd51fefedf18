"""The lines at exit."""

from __future__ import annotations

from pathlib import Path
from typing import List, Sequence

from nutrace.recording.recorder import Recorder

_TOP = 4


def percentile(ordered: Sequence[int], share: float) -> float:
    """Linear interpolation between the closest ranks, as numpy's default does."""
    position = (len(ordered) - 1) * share
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def lines(
    recorder: Recorder, path: Path, running: Sequence[Path], wall_seconds: float, overhead_ns: int
) -> List[str]:
    """What to print when the program is over; the report says the same at length."""
    figures = recorder.figures
    lost = f"{recorder.dropped} lost" if recorder.dropped else "none lost"
    if recorder.unfinished:
        lost += f", {recorder.unfinished} unfinished"
    text = [f"wrote {path}: {figures.spans:,} spans, {lost}"]
    steps = sorted(figures.step_ns)
    inside = figures.self_ns if steps else figures.self_all_ns
    if steps:
        total = sum(steps)
        line = (
            f"{len(steps)} steps, {total / len(steps) / 1e6:.1f} ms each "
            f"(p50 {percentile(steps, 0.5) / 1e6:.1f}, p95 {percentile(steps, 0.95) / 1e6:.1f})"
        )
        if figures.simulated_s:
            factor = total / 1e9 / figures.simulated_s
            word = "slower" if factor > 1 else "faster"
            line += f", real-time factor {factor:.2f}x ({word} than real time)"
        text.append(line)
    top = sorted(inside.items(), key=lambda item: -item[1])[:_TOP]
    whole = sum(inside.values())
    if whole:
        names = ", ".join(f"{name} {own / whole:.0%}" for name, own in top)
        text.append(f"self time {'in the steps' if steps else 'of the spans'}: {names}")
    share = overhead_ns / 1e9 / wall_seconds if wall_seconds > 0 else 0.0
    text.append(f"nutrace's own cost: about {overhead_ns / 1e6:.0f} ms, {share:.1%} of the run")
    if running:
        text.append(f"{len(running)} processes of the run still go on; their spans are in {running[0].parent}")
    text.append(f"next: nutrace report {path.name}; nutrace flamegraph {path.name}")
    return text
