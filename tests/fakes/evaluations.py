"""Runs of many scenarios whose lanes a test chooses: who simulated what, from when until when, in seconds.

The driver is process 100. It reads its configuration in seconds 10 to 12, hands out the scenarios from second
20 on, and writes its metrics for two seconds after the last of them has ended. It began at second 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from fakes.otlp import EPOCH_NS, RESOURCE, envelope, spans, write

from nutrace import semconv
from nutrace.trace import Trace, load

C = semconv.COMPONENT
DRIVER = 100
HANDED_OUT = 20.0
_SECOND = 1e6  # of the times of fakes.otlp

Scenario = Tuple[float, float]


@dataclass
class Worker:
    """A process, or a thread of the driver, with the scenarios that it simulates.

    Attributes
    ----------
    scenarios:
        From when until when.
    created:
        When the process began; None for a thread of the driver.
    imports:
        Spans of its start-up.
    cpu:
        Processor seconds of the process until its first scenario; None leaves all processor time out.
    cpu_share:
        Of a scenario's time, what its thread uses of a processor. Two threads of a pool use the same.
    unfinished:
        Whether its last scenario did not end: the process was killed.
    memory_mb:
        What the process has resident in all of its scenarios.
    """

    scenarios: Sequence[Scenario]
    created: Optional[float] = 22.0
    imports: Sequence[Scenario] = ()
    cpu: Optional[float] = None
    cpu_share: float = 1.0
    unfinished: bool = False
    memory_mb: int = 0
    resource: Dict[str, Any] = field(default_factory=dict)


def evaluation(
    folder: Path,
    *workers: Worker,
    main: Sequence[Scenario] = (),
    main_cpu_share: Optional[float] = None,
    complete: bool = True,
    **resource: Any,
) -> Path:
    """Write the run; `main` are scenarios of the driver's main thread, `resource` is of all processes."""
    of_main = Worker(main) if main_cpu_share is None else Worker(main, cpu=1.0, cpu_share=main_cpu_share)
    said = {**RESOURCE, **resource}
    ends = [end for worker in workers for _, end in worker.scenarios] + [end for _, end in main]
    end = max(ends)
    ids = iter(range(1, 10**6, 10**3))
    numbers = iter(range(1, 10**4))
    inside = [_scenario(each, next(numbers), of_main) for each in main]
    handing = ("simulation.execute_runners", HANDED_OUT, end, inside, {C: "simulation"})
    driver = [("config.compose", 10, 12, {C: "config"}), handing]
    driver.append(("main_callback.on_run_simulation_end", end, end + 2, {C: "callback"}))
    documents = [envelope(_spans(driver, next(ids)), {**said, semconv.CREATED: created(0.0)})]
    if not complete:
        documents[0] = envelope(_spans(driver, 1), {**said, semconv.RUN_COMPLETE: False})
    for place, worker in enumerate(workers):
        tree: List[Any] = [("pickle.loads", *each, {C: "deepcopy"}) for each in worker.imports]
        tree += [_scenario(each, next(numbers), worker) for each in worker.scenarios]
        about = {**said, semconv.RUN_PARENT_PID: DRIVER, **worker.resource}
        del about[semconv.RUN_COMPLETE]  # Ray kills its workers
        about["process.pid"] = DRIVER + 1 + place
        if worker.created is None:
            about = said
            tree = [_on_thread(each, 2 + place) for each in tree]
        else:
            about[semconv.CREATED] = created(worker.created)
        documents.append(envelope(_spans(tree, next(ids)), about))
    folder.mkdir(parents=True, exist_ok=True)
    return write(folder / "run.json", *documents)


def evaluated(folder: Path, *workers: Worker, **options: Any) -> Trace:
    """The run, loaded."""
    return load(evaluation(folder, *workers, **options))


def created(second: float) -> str:
    """A time of the run in ISO 8601."""
    assert EPOCH_NS == 1_700_000_000_000_000_000
    minutes, rest = divmod(20 + second, 60)
    return f"2023-11-14T22:{13 + int(minutes):02d}:{rest:06.3f}Z"


def _scenario(when: Scenario, number: int, worker: Worker) -> Any:
    start, end = when
    about: Dict[str, Any] = {
        C: "simulation",
        semconv.SCENARIO_TOKEN: f"{number:04d}",
        semconv.PLANNER_NAME: "MyPlanner",
    }
    last = when == tuple(worker.scenarios[-1]) if worker.scenarios else False
    if worker.unfinished and last:
        about[semconv.UNFINISHED] = True
    if worker.cpu is not None:
        before = sum((stop - begin) * worker.cpu_share for begin, stop in worker.scenarios if stop <= start)
        at = int((worker.cpu + before) * 1e9)
        used = at + int((end - start) * worker.cpu_share * 1e9)
        about[semconv.CPU_PROCESS_START] = about[semconv.CPU_THREAD_START] = at
        if not (worker.unfinished and last):
            about[semconv.CPU_PROCESS] = about[semconv.CPU_THREAD] = used
        if worker.created is None:  # of two threads that do the same
            about[semconv.CPU_PROCESS_START], about[semconv.CPU_PROCESS] = 2 * at, 2 * used
    if worker.memory_mb:
        about.update(dict.fromkeys((semconv.MEMORY_START, semconv.MEMORY), worker.memory_mb * 10**6))
        about[semconv.MEMORY_PEAK] = worker.memory_mb * 10**6
    middle = (start + end) / 2
    steps = [
        (semconv.STEP_SPAN, *each, {C: "simulation", semconv.STEP_INDEX: at, semconv.STEP_INTERVAL_S: 0.1})
        for at, each in enumerate(((start, middle), (middle, end)))
    ]
    return (semconv.RUN_SPAN, start, end, steps, about)


def _on_thread(span: Any, thread: int) -> Any:
    name, start, end, *more = span
    children = [[_on_thread(each, thread) for each in part] for part in more if isinstance(part, list)]
    about = next((part for part in more if isinstance(part, dict)), {})
    return (name, start, end, *children, {**about, "thread.id": thread, "thread.name": f"pool_{thread - 2}"})


def _spans(tree: Sequence[Any], first_id: int) -> List[Dict[str, Any]]:
    return spans(*(_in_microseconds(each) for each in tree), first_id=first_id)


def _in_microseconds(span: Any) -> Any:
    name, start, end, *more = span
    parts = [[_in_microseconds(each) for each in part] if isinstance(part, list) else part for part in more]
    return (name, start * _SECOND, end * _SECOND, *parts)
