"""Simulation logs: pickled with the planner and its model, compressed and written, once for each scenario."""

from __future__ import annotations

import shlex
from typing import Dict, Iterator, List, Tuple

from nutrace import semconv
from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import against, bench_with, plain
from nutrace.advice.words import count, mb, ms
from nutrace.analysis.simulation_logs import SimulationLogs, simulation_logs

_SAVE = "serialization.save_log"
#: Functions that pickle a log and compress it with LZMA themselves; what they call has spans of its own.
_COMPRESSING = ("serialization.write_msgpack", "serialization.write_pickle")
_LEAST = 0.05  # of the bytes of a log: a planner of less is not worth a change


def find(facts: Facts) -> Iterator[Finding]:
    """Leave the logs out, or the planner, or compress less."""
    if facts.is_part:
        return
    saving, compressing, pickling = _spans(facts)
    if not saving:
        return
    logs = simulation_logs(facts.trace)
    trace = facts.trace
    everything = facts.subtrees(saving)
    compressed = {span: float(trace.self_ns[span]) for span in compressing}
    number = sum(trace.calls[span] for span in saving)
    each = {
        "log": sum(everything.values()) / number,
        "compress": sum(compressed.values()) / number,
        "pickle": sum(trace.busy_ns[span] for span in pickling) / number,
    }
    size = f" of {mb(logs.bytes / logs.count)}" if logs else ""
    yield Finding(
        title="Write no simulation logs where nobody opens them (nuBoard, metrics that run later)",
        evidence=(
            f"{count(number, 'simulation log')}{size}, {ms(each['log'])} each: "
            f"pickling {ms(each['pickle'])}, compressing and packing {ms(each['compress'])}",
        ),
        sureness=Sureness.MEASURED,
        because="the time of what is left out; the scores do not need the logs",
        saves=everything,
        likely_part=1.0,
        proof=(bench_with(facts, "nolog", "~callback.simulation_log_callback"),),
    )
    if logs is not None:
        yield from _planner(facts, logs, pickling, compressed)
    if compressed:
        yield Finding(
            title="Compress simulation logs less",
            evidence=(f"LZMA and packing take {ms(each['compress'])} a log{size}",),
            sureness=Sureness.ESTIMATED,
            because="another codec takes a part of it; the devkit has no setting for it, and reads .xz only",
            saves=compressed,
            proof=(against(facts),),
        )


def _planner(
    facts: Facts, logs: SimulationLogs, pickling: List[int], compressed: Dict[int, float]
) -> Iterator[Finding]:
    held = logs.parts.get("planner", 0)
    share = held / logs.log_bytes if logs.log_bytes else 0.0
    if share < _LEAST:
        return
    inner = sorted(
        ((size, part) for part, size in logs.parts.items() if part.startswith("planner.")), reverse=True
    )
    saves = {span: time * share for span, time in {**compressed, **facts.subtrees(pickling)}.items()}
    yield Finding(
        title="Leave the planner, or its model, out of the simulation logs (__getstate__)",
        evidence=(
            f"{mb(held)} of the {mb(logs.log_bytes)} of a log are {logs.planner or 'the planner'}",
            *(f"{mb(size)} {part}" for size, part in inner[:3]),
        ),
        sureness=Sureness.ESTIMATED,
        because=f"its {share:.0%} of the bytes, of the time to pickle and to compress them",
        saves=saves,
        proof=(plain(f"nutrace report {shlex.quote(facts.file)}"), against(facts)),
    )


def _spans(facts: Facts) -> Tuple[List[int], List[int], List[int]]:
    """The spans that save logs; in them, those that compress and those that pickle."""
    trace = facts.trace
    saving, compressing, pickling = [], [], []
    end = 0
    for span, name in enumerate(trace.name):
        if name == _SAVE and span >= end:
            saving.append(span)
            end = trace.subtree_end[span]
        elif span < end and name in _COMPRESSING:
            compressing.append(span)
        elif span < end and name == semconv.PICKLE_SPAN:
            pickling.append(span)
    return saving, compressing, pickling
