"""A made-up evaluation: its processes, which of them simulates what, and what happens to it.

Equal arguments make equal files.
"""

from __future__ import annotations

import contextlib
import heapq
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import List

from fakes import evaluation_shapes as shapes
from fakes.evaluation_process import RUN_ID, Process, attributes

from nutrace.recording.joining import join

EPOCH_NS = 1_790_000_000_000_000_000
DRIVER_PID, FIRST_PID = 900, 2001
_S, _MB = 1_000_000_000, 1 << 20
_LOGS = 60
_FAILED = ',"status":{"code":2,"message":"CUDA out of memory"}'
_EVENT = (
    ',"events":[{"timeUnixNano":"%d","name":"exception","attributes":['
    '{"key":"exception.type","value":{"stringValue":"RuntimeError"}},'
    '{"key":"exception.message","value":{"stringValue":"CUDA out of memory"}}]}]'
)


@dataclass(frozen=True)
class Simulated:
    """A scenario that was simulated, which readers of the file have to find."""

    token: str
    type: str
    outcome: str
    steps: int
    pid: int


@dataclass
class Evaluation:
    """What was written: the name that reads it, its spans, and its scenarios in the order of their begin."""

    path: Path
    spans: int = 0
    scenarios: List[Simulated] = field(default_factory=list)


@dataclass
class _Worker:
    process: Process
    rss: int
    simulated: int = 0


def write_evaluation(
    folder: Path, scenarios: int, steps: int, workers: int, *, parts: bool = False, seed: int = 1
) -> Evaluation:
    """Write ``run.json`` as Ray's workers leave it, which are given scenarios as they get free.

    One scenario in fifty fails, and half of these are simulated again. If there are several workers, the last
    one is killed in the middle of a scenario.

    Parameters
    ----------
    scenarios, steps, workers:
        How many; a failed scenario has fewer steps.
    parts:
        Leave the files of the processes as they are, as a run that goes on has them.
    """
    chance = random.Random(seed)
    made = Evaluation(folder / "run.json")
    files = [Path(f"{made.path}.partial")]
    files += [Path(f"{made.path}.shard-{FIRST_PID + n}-{RUN_ID[:8]}{n:06x}.partial") for n in range(workers)]
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(file.open("wb")) for file in files]
        driver = Process(opened[0], DRIVER_PID, 1, "", chance)
        begin = EPOCH_NS + 25 * _S
        team = [
            _start(Process(out, FIRST_PID + n, DRIVER_PID, f"log-{n}", chance), begin, chance)
            for n, out in enumerate(opened[1:])
        ]
        done = _simulate(team, begin + 9 * _S, scenarios, steps, chance, made)
        _drive(driver, begin, done)
        for worker in team if workers == 1 else team[:-1]:
            worker.process.end(worker.rss + 40 * _MB)
        driver.end(900 * _MB)
        if workers > 1:
            opened[-1].write(b'{"resourceSpans":[{"resource":{"attr')  # it was killed while it wrote
    made.spans = sum(process.spans for process in [driver, *(worker.process for worker in team)])
    if not parts:
        with made.path.open("wb") as out:
            join(files, out)
        for file in files:
            file.unlink()
    return made


def _start(process: Process, begin: int, chance: random.Random) -> _Worker:
    """A worker loads what it is given, and the layers of its map."""
    at = begin + 6 * _S + chance.randrange(_S)
    process.add(shapes.LOADED, process.next_id(), 0, at, at + 300_000_000)
    return _Worker(process, 600 * _MB + chance.randrange(40) * _MB)


def _simulate(
    team: List[_Worker], begin: int, scenarios: int, steps: int, chance: random.Random, made: Evaluation
) -> int:
    """Simulate all scenarios, and return when the last one ends."""
    queue = [
        (f"{chance.getrandbits(64):016x}", chance.choice(shapes.TYPES), number % 50 == 17)
        for number in range(scenarios)
    ]
    queue += [
        (token, kind, False)
        for number, (token, kind, fails) in enumerate(queue)
        if fails and number % 100 == 17
    ]
    free = [(begin + number * 7_000_000, number) for number in range(len(team))]
    killed_in = max(len(queue) * 2 // (3 * len(team)), 1) if len(team) > 1 else 0
    ends = [begin]
    for token, kind, fails in queue:
        at, number = heapq.heappop(free)
        worker = team[number]
        worker.simulated += 1
        killed = worker is team[-1] and worker.simulated == killed_in
        last = chance.randrange(steps) if fails or killed else steps
        end = _scenario(
            worker,
            token,
            kind,
            at,
            last,
            chance,
            "failed" if fails else "cut short" if killed else "finished",
        )
        outcome = "cut short" if killed else "failed" if fails else "finished"
        made.scenarios.append(Simulated(token, kind, outcome, last + killed, worker.process.pid))
        ends.append(end)
        if not killed:
            heapq.heappush(free, (end + chance.randrange(20_000_000), number))
    return max(ends)


def _scenario(
    worker: _Worker, token: str, kind: str, begin: int, steps: int, chance: random.Random, outcome: str
) -> int:
    """Simulate one scenario; the end."""
    process = worker.process
    own, rss_start = process.next_id(), worker.rss
    pace = chance.lognormvariate(0, 0.35) * 45_000_000  # ns of a step
    at = begin + 1_000_000
    if worker.simulated == 1:
        layer = process.next_id()
        process.add(shapes.LAYER, layer, own, at, at + _S)
        at += _S
    process.frame = chance.getrandbits(64)
    process.calls(shapes.BEFORE, own, at, at + 120_000_000)
    at += 130_000_000
    for step in range(steps):
        took = int(pace * chance.lognormvariate(0, 0.15) * (6 if chance.random() < 0.004 else 1))
        worker.rss += chance.randrange(3) * 4096
        process.frame = chance.getrandbits(64)
        process.calls(shapes.STEP, own, at, at + took, more=_of_step(step, worker.rss))
        at += took + 200_000
    said = {
        "nuplan.scenario.token": token,
        "nuplan.scenario.type": kind,
        "nuplan.scenario.log_name": f"log-{int(token, 16) % _LOGS}",
        "nuplan.planner.name": "IDMPlanner",
        "nutrace.memory.rss_start": rss_start,
    }
    if outcome == "cut short":
        process.announce(shapes.RUN, own, 0, begin, at, "," + attributes(said))
        process.announce(
            shapes.STEP.kind, process.next_id(), own, at, at + 20_000_000, _of_step(steps, worker.rss)
        )
        return at + 20_000_000
    if outcome == "finished":
        process.calls(shapes.AFTER, own, at, at + 600_000_000)
        at += 610_000_000
    worker.rss += chance.randrange(6) * _MB // 2
    rest = _FAILED + _EVENT % at if outcome == "failed" else ""
    process.add(
        shapes.RUN, own, 0, begin, at, "," + attributes({**said, "nutrace.memory.rss": worker.rss}), rest
    )
    return at


def _of_step(index: int, rss: int) -> str:
    items = {"nutrace.block": True, "nutrace.step.simulated_interval_s": 0.1, "nutrace.step.index": index}
    return "," + attributes({**items, "nutrace.memory.rss": rss})


def _drive(driver: Process, begin: int, end: int) -> None:
    """The driver's own spans: it builds the scenarios, waits for the workers, and aggregates metrics."""
    compose, build, runners, mapped, aggregate = shapes.DRIVER
    top = driver.next_id()
    driver.add(compose, driver.next_id(), 0, EPOCH_NS, EPOCH_NS + 2 * _S)
    driver.add(build, driver.next_id(), 0, EPOCH_NS + 2 * _S, begin - _S)
    driver.add(mapped, driver.next_id(), top, begin, end + 100_000_000)
    driver.add(aggregate, driver.next_id(), top, end + _S, end + 9 * _S)
    driver.add(runners, top, 0, begin - 1000, end + 10 * _S)
