"""What is asked of the runs of a program: each question has a number as its answer, and a true one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Mapping, Optional

from truth.runs import Run

#: The runs of a program beside one tool in one round, by setup.
Runs = Mapping[str, Run]
Answer = Callable[[Runs, Runs], Optional[float]]


@dataclass(frozen=True)
class Question:
    """A row of the table.

    Attributes
    ----------
    text:
        What is asked.
    unit:
        "%" or "calls" for an error, which is 0 in truth; "times" for a ratio, which is 1; "us" or "ms" for a
        cost.
    answer:
        Of the tool's runs and of those beside nothing; None if the tool does not say it.
    aim:
        How far nutrace's answer may be from the truth, in the unit (of "times", by how many times).
    why:
        Why it is farther, where it is.
    """

    text: str
    unit: str
    answer: Answer
    aim: Optional[float] = None
    why: str = ""

    @property
    def true(self) -> float:
        """The answer of a tool that says the truth, or costs nothing."""
        return 1.0 if self.unit == "times" else 0.0

    def reached(self, answer: float) -> bool:
        """Whether an answer is as near to the truth as it should be."""
        if self.aim is None:
            return True
        if self.unit == "times":
            return 1 / self.aim <= answer <= self.aim
        return abs(answer) <= self.aim


def aimed(question: Question, aim: float, why: str) -> Question:
    """The question, with how near nutrace should be, and what keeps it away."""
    return replace(question, aim=aim, why=why)


def self_time(setup: str, function: str, text: str = "") -> Question:
    """How wrong a function's self time is, in per cent of what it has burnt."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        return _error(_self_ns(runs[setup], function), runs[setup].burnt[function])

    return Question(text or f"`{function}`: self time", "%", answer)


def total_time(setup: str, function: str, text: str) -> Question:
    """How wrong a function's time with all that it calls is, by what it takes beside nothing."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        seen = runs[setup].said.functions.get(function)
        return _error(None if seen is None else seen.total_ns, bare[setup].burnt[function])

    return Question(text, "%", answer)


def worst_self_time(setup: str, text: str) -> Question:
    """The error of the function whose self time is the most wrong."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        run = runs[setup]
        errors = [_error(_self_ns(run, name), burnt) for name, burnt in run.burnt.items()]
        known = [error for error in errors if error is not None]
        if not known:
            return None
        # A function that a tool has not seen at all is wholly wrong.
        return max((-100.0 if error is None else error for error in errors), key=abs)

    return Question(text, "%", answer)


def counts(setup: str, text: str = "calls that are counted wrongly") -> Question:
    """By how many calls the counts of all functions differ from the truth."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        run, wrong, counted = runs[setup], 0.0, False
        for name, calls in run.calls.items():
            seen = run.said.functions.get(name)
            if seen is not None and seen.calls is not None:
                wrong, counted = wrong + abs(seen.calls - calls), True
        return wrong if counted else None

    return Question(text, "calls", answer)


def parent_of_calls(setup: str, text: str) -> Question:
    """The self time of a function that only calls, in per cent of the work of the called beside nothing."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        said = _self_ns(runs[setup], "pieces")
        return None if said is None else 100 * said / bare[setup].facts["hot_ns"]

    return Question(text, "%", answer)


def injected(base: str, setup: str, function: str, text: str) -> Question:
    """How wrong the difference is that a tool sees in a function which does more in one of two runs.

    It is in per cent of what was injected. Each run has its own truth, as the machine may have been faster.
    """

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        before, after = _self_ns(runs[base], function), _self_ns(runs[setup], function)
        if before is None or after is None:
            return None
        true = runs[setup].burnt[function] - runs[base].burnt[function]
        return 100 * (after - before - true) / runs[setup].facts["injected_ns"]

    return Question(text, "%", answer)


def drift(base: str, setup: str, function: str, text: str) -> Question:
    """The largest change, in per cent, that a tool sees in functions other than the one that has changed."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        changes = []
        for name in runs[base].burnt:
            before, after = _self_ns(runs[base], name), _self_ns(runs[setup], name)
            if name != function and before and after:
                true = runs[setup].burnt[name] / runs[base].burnt[name]
                changes.append(100 * (after / before / true - 1))
        return max(changes, key=abs) if changes else None

    return Question(text, "%", answer)


def percentile(setup: str, which: str, text: str) -> Question:
    """How wrong a percentile of a function's calls is; `which` is "p50_ns" or "p95_ns"."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        seen = runs[setup].said.functions.get("leaf")
        facts = runs[setup].facts
        return _error(None if seen is None else getattr(seen, which), facts[which] + facts["clocking_ns"])

    return Question(text, "%", answer)


def slower(setup: str, fact: str, text: str) -> Question:
    """How much more a figure of the program's is beside the tool than beside nothing."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        return _error(runs[setup].facts[fact], bare[setup].facts[fact])

    return Question(text, "%", answer)


def said_of(setup: str, said: str, fact: str, text: str) -> Question:
    """How wrong what a tool says of the run is, by a figure of the program's beside nothing."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        return _error(runs[setup].said.facts.get(said), bare[setup].facts[fact])

    return Question(text, "%", answer)


def statement(setup: str, name: str, text: str) -> Question:
    """How wrong a statement's time is."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        return _error(runs[setup].said.facts.get(f"statement: {name}"), runs[setup].burnt[name])

    return Question(text, "%", answer)


def _self_ns(run: Run, function: str) -> Optional[float]:
    seen = run.said.functions.get(function)
    return None if seen is None else seen.self_ns


def _error(said: Optional[float], true: float) -> Optional[float]:
    return None if said is None or true <= 0 else 100 * (said / true - 1)
