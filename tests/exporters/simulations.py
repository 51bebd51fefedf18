"""Run files of many scenarios, with everything that is hard to count: recursion, threads, generators."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from fakes.otlp import EPOCH_NS, attributes, envelope, priced, spans, write

C = "nutrace.component"
KINDS = (
    ("plan", "planner"),
    ("query", "database"),
    ("rows", "database"),
    ("score", "planner"),
    ("map", "map"),
)


class Simulated(NamedTuple):
    """What a scenario of a made-up run is to be."""

    token: str
    process: int
    steps: int = 4
    outcome: str = "finished"
    type: str = "starting_left_turn"
    first_step: int = 0
    scale: float = 1.0
    planner: str = "Made Up"


SCENARIOS = (
    Simulated("aaaa", 1, first_step=3),
    Simulated("bbbb", 2, outcome="failed", steps=2, type="stopping"),
    Simulated("bbbb", 2, scale=2),
    Simulated("cccc", 1, outcome="failed", steps=0, type="stopping"),
    Simulated("dddd", 2, outcome="cut short", steps=3),
)


def run_file(path: Path, seed: int, scenarios: Tuple[Simulated, ...] = SCENARIOS) -> Path:
    """Write a run of these scenarios, one after the other in each of their processes."""
    chance = random.Random(seed)
    lines = []
    for process in sorted({each.process for each in scenarios}):
        at = 10.0
        trees: List[Any] = [("start-up", 0, 9, {C: "config"})]
        for each in scenarios:
            if each.process == process:
                tree, at = _scenario(each, at, chance)
                trees.append(tree)
        made = spans(*trees, first_id=1 + 100_000 * process)
        _continue_generators(made, chance)
        resource = {**priced(call=300, merged=20, resumption=50), "process.pid": 100 + process}
        lines.append(envelope(_with_outcomes(made), resource))
    return write(path, *lines)


def benchmark_file(path: Path, scenarios: int, steps: int) -> Path:
    """Write a run of many scenarios, each with slower steps than the one before, and nothing in the steps."""
    times = '"startTimeUnixNano":"%d","endTimeUnixNano":"%d"'
    step = '{"spanId":"%016x","parentSpanId":"%016x","name":"simulation.step",' + times + "}"
    run = '{"spanId":"%016x","name":"simulation.run",' + times + ',"attributes":%s}'
    with path.open("w") as file:
        for number in range(scenarios):
            begin, first = EPOCH_NS + number * 1_000_000, 1 + number * (steps + 1)
            token = json.dumps(attributes({"nuplan.scenario.token": f"{number:04x}"}))
            made = [run % (first, begin, begin + 1_000_000, token)]
            for k in range(steps):
                at = begin + k * 6000
                made.append(step % (first + 1 + k, first, at, at + 1000 + number))
            file.write(f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{",".join(made)}]}}]}}]}}\n')
    return path


def _scenario(each: Simulated, at: float, chance: random.Random) -> Tuple[Any, float]:
    begin = at
    children: List[Any] = list(_calls(at, at + 20, 3, 1, chance))
    at += 20
    for step in range(each.steps):
        length = 1000 * each.scale * chance.uniform(0.5, 1.5)
        given = {C: "simulation", "nutrace.step.index": each.first_step + step}
        given["nutrace.memory.rss"] = 10**8 * each.process + 10**6 * step
        if step or each.steps < 4:
            given["nutrace.step.simulated_interval_s"] = 0.1
        if each.outcome == "cut short" and step == each.steps - 1:
            given["nutrace.unfinished"] = True
        inside = list(_calls(at, at + length, 5, 1, chance))
        children.append(("simulation.step", at, at + length, inside, given))
        at += length + 5
    given = {C: "simulation", "nuplan.scenario.token": each.token, "nuplan.scenario.type": each.type}
    if each.outcome != "finished":
        given["outcome"] = each.outcome
    return ("simulation.run", begin, at, children, {**given, "nuplan.planner.name": each.planner}), at + 10


def _calls(begin: float, end: float, levels: int, thread: int, chance: random.Random) -> Iterator[Any]:
    """Calls one after the other, and those that they make, on threads 1 to 3."""
    at = begin
    while levels and at < end - 2 and chance.random() < 0.85:
        start = at + chance.uniform(0, (end - at) / 10)
        length = (end - start) * chance.uniform(0.1, 0.6)
        name, component = chance.choice(KINDS)
        given: Dict[str, Any] = {C: component, "code.line.number": chance.randrange(3)}
        on = thread if chance.random() < 0.85 else chance.choice((1, 2, 3))
        kind = chance.random()
        inside = list(_calls(start, start + length, levels - 1, on, chance)) if kind < 0.6 else []
        if kind >= 0.8:
            given.update(
                {"nutrace.busy_ns": int(length * 700), "nutrace.generator.yielded": chance.randrange(30)}
            )
        elif kind >= 0.6:
            given.update(
                {"nutrace.busy_ns": int(length * 800), "nutrace.composite.count": chance.randrange(2, 40)}
            )
        yield (name, start, start + length, inside, {**given, "thread.id": on})
        at = start + length


def _continue_generators(made: List[Dict[str, Any]], chance: random.Random) -> None:
    """Let some spans go on with the generator of another: they count no call."""
    generators = [span for span in made if _has(span, "nutrace.generator.yielded")]
    for call, more in zip(generators, generators[1:]):
        if call["name"] == more["name"] and chance.random() < 0.5:
            value = {"stringValue": call["spanId"]}
            more["attributes"].append({"key": "nutrace.generator.continues", "value": value})


def _with_outcomes(made: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    for span in made:
        outcome = _has(span, "outcome")
        if outcome == "failed":
            span["status"] = {"code": 2, "message": "it failed"}
        elif outcome == "cut short":
            span["attributes"].append({"key": "nutrace.unfinished", "value": {"boolValue": True}})
    return made


def _has(span: Dict[str, Any], key: str) -> Any:
    values = [next(iter(pair["value"].values())) for pair in span["attributes"] if pair["key"] == key]
    return values[0] if values else None
