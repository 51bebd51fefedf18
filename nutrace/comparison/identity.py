"""What a run file says of its run: program, machine, versions, settings, and what was lost."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from nutrace import semconv
from nutrace.analysis.installed_speedups import InstalledSpeedups
from nutrace.analysis.run import command_of, settings_of
from nutrace.comparison.figures import RunIdentity
from nutrace.trace import Resource, Trace
from nutrace.trace.bounds import text

_DAY_NS = 86_400 * 10**9

#: Settings that do not change what is recorded.
_NO_MATTER = frozenset(("output", "summary", "flush_seconds"))


def identity_of(trace: Trace, speedups: InstalledSpeedups) -> RunIdentity:
    """The identity of a run. Its processes share machine and versions: the first that has them tells."""

    def first(*keys: str) -> str:
        for resource in trace.resources:
            found = " ".join(filter(None, (text(resource.attributes.get(key)) for key in keys)))
            if found:
                return found
        return ""

    return RunIdentity(
        file=trace.path,
        run_id=first(semconv.RUN_ID),
        begin_ns=trace.begin_ns,
        command=command_of(trace.resources),
        host=first(semconv.HOST_NAME),
        machine=first("os.type", "host.arch"),
        interpreter=first("process.runtime.name", "process.runtime.version"),
        nutrace=first("nutrace.version"),
        devkit=first("nuplan.devkit.version"),
        revision=first(semconv.REVISION),
        settings=_settings(trace.resources),
        speedups={
            each.name: ", ".join(f"{name}={value}" for name, value in sorted(each.options.items()))
            for each in sorted(speedups.speedups, key=lambda each: each.name)
        },
        load=None,
        complete=trace.diagnostics.complete,
        running=trace.diagnostics.running,
        doubts=_doubts(trace),
        branch=first(semconv.BRANCH),
        times=trace.correction.state,
    )


def _settings(resources: Tuple[Resource, ...]) -> Mapping[str, Any]:
    settings = settings_of(resources)
    return {name: value for name, value in sorted(settings.items()) if name not in _NO_MATTER}


def _doubts(trace: Trace) -> Tuple[str, ...]:
    diagnostics = trace.diagnostics
    doubts: List[str] = []
    counted: Dict[str, int] = {
        "spans were dropped": diagnostics.dropped,
        "spans did not end": diagnostics.unfinished,
        "spans ended before they began: a clock was set": diagnostics.negative_durations,
        "spans have no start time": diagnostics.missing_times,
        "numbers were out of bounds": diagnostics.out_of_bounds,
    }
    for sentence, number in counted.items():
        if number:
            doubts.append(f"{number:,} {sentence}")
    if any(trace.busy_ns[step] > _DAY_NS for step in trace.step_indices):
        doubts.append("a step lasted more than a day: a clock was set, or the machine slept")
    return tuple(doubts)
