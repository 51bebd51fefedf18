"""The commands that prove a finding."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Sequence

from nutrace.advice.facts import Facts

#: Stands for the command line of the run.
PROGRAM = "PROGRAM"
#: Runs a side: with fewer than five, ``nutrace compare`` does not judge times.
_RUNS = 7


@dataclass(frozen=True)
class Proof:
    """A command for a shell, in which :data:`PROGRAM` stands for the command line of the run, and in full."""

    short: str
    full: str


def plain(command: str) -> Proof:
    """A command without the program of the run."""
    return Proof(command, command)


def bench(facts: Facts, *variants: str) -> Proof:
    """Run the program with and without changes; `variants` are as ``nutrace bench --help`` says."""
    return Proof(_bench(PROGRAM, variants), _bench(program(facts), variants))


def bench_with(facts: Facts, name: str, word: str) -> Proof:
    """Run the program with and without a Hydra override, in the place of what it says on the same."""
    key, is_set, _ = word.partition("=")
    words = shlex.split(program(facts))
    others = [each for each in words if not (is_set and each.startswith(f"{key}="))]
    command = shlex.join([*others, word])
    short = PROGRAM if others == words else shlex.join(others)
    return Proof(
        _bench(PROGRAM, [f"{name}:-- {short} {shlex.quote(word)}"]),
        _bench(program(facts), [f"{name}:-- {command}"]),
    )


def traced(facts: Facts, variables: str) -> Proof:
    """Run the program again with more environment variables."""
    return Proof(f"{variables} {PROGRAM}", f"{variables} {program(facts)}")


def against(facts: Facts) -> Proof:
    """Compare the run with one of the changed program."""
    return plain(f"nutrace compare {shlex.quote(facts.file)} --against NEW.json")


def program(facts: Facts) -> str:
    """The command line of the run."""
    return facts.command or "python run_simulation.py ..."


def _bench(command: str, variants: Sequence[str]) -> str:
    words = ["nutrace", "bench", "--runs", str(_RUNS), "--variant", "base"]
    for variant in variants:
        words += ["--variant", variant]
    return f"{shlex.join(words)} -- {command}"
