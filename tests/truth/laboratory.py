"""Interleaved runs of all programs beside all tools, and their raw values."""

from __future__ import annotations

import json
import platform
import tempfile
from dataclasses import dataclass, field
from importlib import metadata
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from truth.questions import Question
from truth.registry import Program
from truth.runs import Run, read, run, turns_in_a_microsecond
from truth.tools.registry import BARE
from truth.tools.tool import Tool

#: Program, tool, setup: one run a round.
Key = Tuple[str, str, str]


@dataclass
class Results:
    """Raw values: of each program, tool and setup a run for each round.

    Attributes
    ----------
    machine:
        What it was measured on, as text by name.
    missing:
        Tools that could not be used, with the reason.
    runs:
        In the order of the rounds.
    """

    machine: Dict[str, str] = field(default_factory=dict)
    missing: Dict[str, str] = field(default_factory=dict)
    runs: Dict[Key, List[Run]] = field(default_factory=dict)

    def answers(self, program: Program, tool: str, question: Question) -> List[Optional[float]]:
        """The answer in each round; None where the tool does not say it, or a run has failed."""
        kept = {setup: self.runs.get((program.name, tool, setup), []) for setup in program.setups}
        bare = {setup: self.runs.get((program.name, BARE.name, setup), []) for setup in program.setups}
        answers = []
        for number in range(min(map(len, [*kept.values(), *bare.values()]))):
            of_tool = {setup: runs[number] for setup, runs in kept.items()}
            of_bare = {setup: runs[number] for setup, runs in bare.items()}
            if any(each.failed for each in (*of_tool.values(), *of_bare.values())):
                answers.append(None)
            else:
                answers.append(question.answer(of_tool, of_bare))
        return answers

    def failures(self) -> List[str]:
        """Each run that has failed, as a line."""
        return [
            f"{program} beside {tool} ({setup}): {each.failed}"
            for (program, tool, setup), runs in self.runs.items()
            for each in runs
            if each.failed
        ]

    def save(self, file: Path) -> None:
        """Write everything as JSON."""
        runs = [
            {"program": program, "tool": tool, "setup": setup, "rounds": [each.as_json() for each in runs]}
            for (program, tool, setup), runs in self.runs.items()
        ]
        document = {"machine": self.machine, "missing": self.missing, "runs": runs}
        file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> Results:
        """Read what :meth:`save` has written."""
        document: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        runs = {
            (row["program"], row["tool"], row["setup"]): [Run.from_json(each) for each in row["rounds"]]
            for row in document["runs"]
        }
        return cls(dict(document["machine"]), dict(document["missing"]), runs)


def middle_and_worst(question: Question, answers: Sequence[Optional[float]]) -> Optional[Tuple[float, float]]:
    """The median of the rounds, and the answer that is farthest from the truth; None without any."""
    known = [answer for answer in answers if answer is not None]
    if not known:
        return None
    return median(known), max(known, key=lambda answer: abs(answer - question.true))


def measure(
    programs: Sequence[Program],
    tools: Sequence[Tool],
    rounds: int,
    tell: Callable[[str], None] = lambda line: None,
    raw: Optional[Path] = None,
) -> Results:
    """Run everything `rounds` times, and save the raw values after each program, if a file is named.

    In each round a program runs beside nothing and beside each of the tools, one after the other; the next
    round begins with another tool.
    """
    results = Results(_machine(rounds), {tool.name: tool.missing() for tool in tools if tool.missing()})
    usable = [tool for tool in tools if tool.name not in results.missing]
    turns = turns_in_a_microsecond()
    results.machine["empty loop"] = f"{turns} turns a microsecond"
    for tool in usable:
        # What is imported for the first time is compiled, and read from the disk.
        with tempfile.TemporaryDirectory(prefix="truth-") as name:
            run(tool, "own_cost", ("nothing", "warm", "1"), Path(name), turns)
    for number in range(rounds):
        for program in programs:
            tell(f"round {number + 1} of {rounds}: {program.title}")
            asked = [BARE, *(tool for tool in usable if not program.tools or tool.name in program.tools)]
            first = number % len(asked)
            for setup, arguments in program.setups.items():
                for tool in [*asked[first:], *asked[:first]]:
                    if not tool.run_of:
                        _run(results, program, tool, setup, arguments, turns, asked)
            if raw is not None:
                results.save(raw)
    return results


def _run(
    results: Results,
    program: Program,
    tool: Tool,
    setup: str,
    arguments: Sequence[str],
    turns: int,
    asked: Sequence[Tool],
) -> None:
    with tempfile.TemporaryDirectory(prefix="truth-") as name:
        folder = Path(name)
        done = run(tool, program.name, arguments, folder, turns)
        results.runs.setdefault((program.name, tool.name, setup), []).append(done)
        for other in asked:
            if other.run_of == tool.name:
                again = done if done.failed else read(other, program.name, folder, done.processor_ns)
                results.runs.setdefault((program.name, other.name, setup), []).append(again)


def _machine(rounds: int) -> Dict[str, str]:
    versions = {}
    for distribution in ("nutrace", "viztracer", "py-spy", "pyinstrument", "scalene", "opentelemetry-sdk"):
        try:
            versions[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return {
        "Python": platform.python_version(),
        "processors": str(cpu_count()),
        "rounds": str(rounds),
        **versions,
    }


def chosen(names: Sequence[str], tools: Sequence[Tool]) -> List[Tool]:
    """The tools with these names, and those that read their runs in another way."""
    return [tool for tool in tools if tool.name in names or tool.run_of in names] if names else list(tools)
