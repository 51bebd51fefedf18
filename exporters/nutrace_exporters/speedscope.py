"""speedscope's own format, evented: https://www.speedscope.app/file-format-schema.json

One profile for each thread of each process. Times are nanoseconds since the first span, as Unix times in
nanoseconds do not fit into the doubles of a JavaScript reader. Steps have their numbers in these profiles, so
that no two have the same frame. One more profile, of merged stacks, has them as one, and the functions that
samplers saw inside spans, which have no place in time.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from typing import Any, BinaryIO, Dict, Iterable, List

from nutrace.trace import Trace
from nutrace.trace.correction import UNCORRECTED
from nutrace_exporters.frames import frame_table
from nutrace_exporters.labels import counted, duration, label
from nutrace_exporters.lanes import SMALL, Lanes, brackets, thread_names
from nutrace_exporters.mergedstacks import FrameKey, WeighedStack, merged_stacks
from nutrace_exporters.stepnames import step_names

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
#: The name of the profile of merged stacks, with and without sampled functions.
MERGED_SAMPLED = "measured and sampled (merged, not a timeline)"
MERGED = "merged, not a timeline"

#: speedscope reads a file into one string and keeps objects for each event: beyond this size
#: (bytes) its tab may run out of memory.
COMFORTABLE_BYTES = 300_000_000


@dataclass(frozen=True)
class Options:
    """How to write a speedscope file.

    Parameters
    ----------
    name:
        Title of the file; by default the run file's name.
    min_ns:
        Spans shorter than this are joined with their small neighbours, see :class:`Lanes`.
    samples:
        Whether to write sampled functions into the profile of merged stacks.
    """

    name: str = ""
    min_ns: int = 0
    samples: bool = True


def export(trace: Trace, out: BinaryIO, options: Options = Options()) -> None:
    """Write `trace` as a speedscope file.

    speedscope first shows the profile with sampled functions, or else the one with the most spans.
    """
    table = frame_table(trace)
    lanes = Lanes(trace, options.min_ns)
    frames: Dict[FrameKey, int] = {}
    numbers = [frames.setdefault((f.name, f.file, f.line), len(frames)) for f in table.frames]
    small = -1
    if options.min_ns:
        small = frames.setdefault((f"(spans under {duration(options.min_ns)})", "", 0), len(frames))
    own_frame = {}
    for span, name in step_names(trace).items():
        frame = table.frames[table.of[span]]
        own_frame[span] = frames.setdefault((name, frame.file, frame.line), len(frames))
    merged: List[WeighedStack] = []
    sampled = False
    if own_frame or (options.samples and trace.sampled is not None):
        merged, sampled = merged_stacks(trace, table.frames, frames, options.samples)

    write_head(out, frames)
    used = lanes.used()
    steps = Counter(trace.thread[step] for step in trace.step_indices)
    most, active = -1, 0
    for position, (thread, name) in enumerate(zip(used, thread_names(trace, used))):
        if steps[thread]:
            name += f", {counted(steps[thread], 'step')}"  # which of the threads simulate
        # All profiles begin at the first span of the run, so that threads line up.
        head = (
            f'{{"type":"evented","name":{_json(label(name))},"unit":"nanoseconds","startValue":0,"events":[\n'
        )
        out.write(head.encode())
        count = end = 0
        between = ""
        for opens, box, end in brackets(lanes.boxes(thread)):
            number = small if box.span == SMALL else own_frame.get(box.span, numbers[table.of[box.span]])
            out.write(f'{between}{{"type":"{"O" if opens else "C"}","frame":{number},"at":{end}}}'.encode())
            between = ",\n"
            count += 1
        out.write(f'\n],"endValue":{end}}}{"," if position + 1 < len(used) or merged else ""}\n'.encode())
        if count > most:
            most, active = count, position
    if merged:
        active = len(used) if sampled else active
        write_stacks(out, MERGED_SAMPLED if sampled else MERGED, merged)
    name = options.name or os.path.basename(trace.path) or "trace"
    times = trace.correction.state
    write_end(out, name if times == UNCORRECTED else f"{name} ({times})", active)


def write_head(out: BinaryIO, frames: Iterable[FrameKey]) -> None:
    """Write what comes before the profiles."""
    out.write(f'{{"$schema":{_json(SCHEMA)},\n"shared":{{"frames":[\n'.encode())
    out.write(",\n".join(_frame(*key) for key in frames).encode())
    out.write(b'\n]},\n"profiles":[\n')


def write_end(out: BinaryIO, title: str, active: int) -> None:
    """Write what comes after the profiles; the one with the number `active` is shown first."""
    name = _json(label(title))
    out.write(f'],\n"name":{name},"activeProfileIndex":{active},"exporter":"nutrace"}}\n'.encode())


def write_stacks(out: BinaryIO, name: str, stacks: List[WeighedStack]) -> None:
    """Write a profile of stacks with weights."""
    out.write(f'{{"type":"sampled","name":{_json(name)},"unit":"nanoseconds","startValue":0,'.encode())
    out.write(f'"endValue":{sum(weight for _, weight in stacks)},"samples":[\n'.encode())
    out.write(",\n".join(_json(stack) for stack, _ in stacks).encode())
    out.write(f'\n],"weights":{_json([weight for _, weight in stacks])}}}\n'.encode())


def _frame(name: str, file: str, line: int) -> str:
    frame: Dict[str, Any] = {"name": name}
    if file:
        frame["file"] = file
    if line:
        frame["line"] = line
    return _json(frame)


def _json(item: Any) -> str:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))
