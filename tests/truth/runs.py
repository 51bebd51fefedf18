"""Run a program beside a tool, and keep what the program knows and what the tool says."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from json import loads
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence

from truth.tools.tool import Said, Seen, Tool

TESTS = Path(__file__).parents[1]
PROGRAMS = Path(__file__).parent / "programs"
TIMEOUT_S = 120


@dataclass(frozen=True)
class Run:
    """One run of a program.

    Attributes
    ----------
    burnt, calls, facts:
        What the program knows, as in :mod:`truth.known`; `burnt` with what its clocking itself takes.
    said:
        What the tool says.
    processor_ns:
        Processor time of the whole process, its start and exit included, and of a tool that started it.
    failed:
        Why there is nothing of all that, or "".
    """

    burnt: Mapping[str, float]
    calls: Mapping[str, int]
    facts: Mapping[str, float]
    said: Said
    processor_ns: float
    failed: str = ""

    def as_json(self) -> Dict[str, Any]:
        """For the file of raw values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Run:
        """The opposite."""
        functions = {name: Seen(**seen) for name, seen in document["said"]["functions"].items()}
        said = Said(functions, document["said"]["facts"])
        return cls(**{**document, "said": said})


def run(tool: Tool, program: str, arguments: Sequence[str], folder: Path, turns: int) -> Run:
    """Run ``programs/<program>.py`` beside a tool; `turns` of an empty loop take a microsecond."""
    words = [str(PROGRAMS / f"{program}.py"), *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        ended = subprocess.run(
            tool.command(sys.executable, words, folder),
            cwd=folder,
            env=_environment(tool, folder, turns),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return _failed(f"not done after {TIMEOUT_S} s")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode:
        return _failed((ended.stderr.strip() or f"exit code {ended.returncode}").splitlines()[-1])
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return read(tool, program, folder, used_s * 1e9)


def read(tool: Tool, program: str, folder: Path, processor_ns: float) -> Run:
    """What is in a folder after a run."""
    try:
        known = loads((folder / "known.json").read_text(encoding="utf-8"))
        said = tool.read(folder, f"{program}.py")
    except (OSError, ValueError, KeyError, RuntimeError, subprocess.SubprocessError) as error:
        return _failed(f"{type(error).__name__}: {error}")
    clockings, facts = known["clockings"], known["facts"]
    burnt = {name: ns + clockings.get(name, 0) * facts["clocking_ns"] for name, ns in known["burnt"].items()}
    return Run(burnt, known["calls"], facts, said, processor_ns)


def turns_in_a_microsecond() -> int:
    """How often an empty loop turns in a microsecond here: the most of some rounds."""
    number = 200_000
    most = 0.0
    for _ in range(7):
        began = time.perf_counter_ns()
        for _ in range(number):
            pass
        most = max(most, number * 1000 / (time.perf_counter_ns() - began))
    return max(1, round(most))


def _failed(why: str) -> Run:
    return Run({}, {}, {}, Said(), 0.0, why)


def _environment(tool: Tool, folder: Path, turns: int) -> Dict[str, str]:
    """This process's environment without settings of tools, and with what the program reads."""
    kept = {
        key: text
        for key, text in os.environ.items()
        if not key.startswith(("NUTRACE", "OTEL_", "TRUTH_", "SCALENE", "PYTHON", "PYTEST", "COVERAGE"))
    }
    return {
        **kept,
        "PYTHONPATH": str(TESTS),
        "TRUTH_TOOL": tool.run_of or tool.name,
        "TRUTH_FOLDER": str(folder),
        "TRUTH_LOOPS": str(turns),
        **tool.variables(folder),
    }
