"""Write runs of many scenarios over several workers, whose times and memory a test chooses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from fakes.otlp import EPOCH_NS, RESOURCE, envelope, spans, write

from nutrace import semconv
from nutrace.trace import Trace, load

C = "nutrace.component"
MB = 1_000_000
DRIVER = 100


@dataclass
class Simulated:
    """A scenario in a run: what is left out, None or empty, is not in the file.

    Attributes
    ----------
    token, worker, thread:
        The worker is a process id.
    step_ms:
        How long each of its steps takes; between them there is no time. Before and after the steps a scenario
        spends 10 ms each, in planner.initialize and in metrics.compute.
    start_ms:
        When it begins.
    memory_mb:
        At its start, at the end of each step, and at its end.
    peak_mb:
        The kernel's peak of the process at its end.
    failed, unfinished:
        Whether an error left it, and whether it was cut short in its last step.
    """

    token: str
    worker: int
    step_ms: Sequence[float]
    start_ms: float = 0.0
    thread: int = 1
    kind: str = "turning"
    planner: str = "IDM"
    memory_mb: Sequence[Optional[float]] = ()
    peak_mb: Optional[float] = None
    failed: bool = False
    unfinished: bool = False
    more: Dict[str, Any] = field(default_factory=dict)

    @property
    def end_ms(self) -> float:
        """When it ends."""
        return self.start_ms + sum(self.step_ms) + (10 if self.unfinished else 20)


def write_evaluation(
    path: Path,
    scenarios: Sequence[Simulated],
    *,
    driver: Optional[Dict[str, Any]] = None,
    resources: Optional[Dict[int, Dict[str, Any]]] = None,
) -> Path:
    """Write a run: a driver that lives as long as all of it, and the scenarios by their workers.

    Parameters
    ----------
    driver:
        Attributes of the first process's resource, besides the usual.
    resources:
        The same of workers, by their process id.
    """
    end_ms = max((each.end_ms for each in scenarios), default=100) + 50
    first = {**RESOURCE, "process.pid": DRIVER, **(driver or {})}
    root = ("worker.map", 0, end_ms * 1000, {C: "worker", "thread.id": 1})
    by_worker: Dict[int, List[Simulated]] = {}
    for each in scenarios:
        by_worker.setdefault(each.worker, []).append(each)
    own = [_run(each) for each in by_worker.pop(DRIVER, [])]
    documents = [envelope(spans((*root[:3], own, root[3])), first)]
    for place, (pid, of_worker) in enumerate(by_worker.items(), 1):
        says = {**RESOURCE, "process.pid": pid, semconv.RUN_PARENT_PID: DRIVER}
        says.update((resources or {}).get(pid, {}))
        content = spans(*(_run(each) for each in of_worker), first_id=10_000_000 * place)
        documents.append(envelope(content, says))
    failed = {(each.worker, EPOCH_NS + round(each.start_ms * 1e6)) for each in scenarios if each.failed}
    for pid, document in zip([DRIVER, *by_worker], documents):
        for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
            if span["name"] == semconv.RUN_SPAN and (pid, int(span["startTimeUnixNano"])) in failed:
                span["status"] = {"code": 2, "message": "KeyError"}
    return write(path, *documents)


def evaluation_of(path: Path, scenarios: Sequence[Simulated], **options: Any) -> Trace:
    """Write such a run into a folder, and load it."""
    return load(write_evaluation(path / "run.json", scenarios, **options))


def _run(each: Simulated) -> Any:
    begin = each.start_ms * 1000
    on = {"thread.id": each.thread}
    memory = [None if size is None else round(size * MB) for size in each.memory_mb]
    at_start, *in_steps, at_end = memory or [None, None]
    inside: List[Any] = [("planner.initialize", begin, begin + 10_000, {C: "planner", **on})]
    at = begin + 10_000
    for index, step_ms in enumerate(each.step_ms):
        last = index == len(each.step_ms) - 1
        says = {C: "simulation", semconv.STEP_INDEX: index, semconv.STEP_INTERVAL_S: 0.1, **on}
        says[semconv.MEMORY] = in_steps[index] if index < len(in_steps) else None
        says[semconv.UNFINISHED] = True if each.unfinished and last else None
        planning = ("planner.compute", at, at + 500 * step_ms, {C: "planner", **on})
        inside.append((semconv.STEP_SPAN, at, at + 1000 * step_ms, [planning], says))
        at += 1000 * step_ms
    if not each.unfinished:
        inside.append(("metrics.compute", at, at + 10_000, {C: "metrics", **on}))
    says = {
        C: "simulation",
        semconv.SCENARIO_TOKEN: each.token,
        semconv.SCENARIO_TYPE: each.kind,
        semconv.SCENARIO_LOG: f"log of {each.token}",
        semconv.PLANNER_NAME: each.planner,
        semconv.MEMORY_START: at_start,
        semconv.MEMORY: None if each.unfinished else at_end,
        semconv.MEMORY_PEAK: None if each.peak_mb is None else round(each.peak_mb * MB),
        semconv.UNFINISHED: True if each.unfinished else None,
        **on,
        **each.more,
    }
    return (semconv.RUN_SPAN, begin, each.end_ms * 1000, inside, says)
