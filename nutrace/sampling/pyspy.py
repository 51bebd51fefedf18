"""py-spy: where it is, how it is called, and how its stacks are read.

It is a program of its own, and writes, in its raw format, a line for each different stack: the functions,
the outermost first, between semicolons, and the number of samples::

    <module> (/work/run.py:1);Planner.compute (/work/planner.py:40) 53

The process that samples reads this as well (:mod:`nutrace.sampling.beside`), which has Python's standard
library only.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import Dict, Iterable, List, Optional, Set

from nutrace.sampling.stacks import Function, Stacks

#: Functions of ours below which nothing of the program runs: that of our threads, and the end of a recording.
_OURS = (
    ("_run", os.path.join("recording", "background.py")),
    ("finish", "session.py"),
)
_MOST_SAID = 300  # characters of an error
# A file's path may hold " (", and so may the name of a C++ function.
_FUNCTION = re.compile(r"(?P<name>.+?) \((?P<file>[/<\[].*?)(?::(?P<line>\d+))?\)", re.DOTALL)
_OTHER_FUNCTION = re.compile(r"(?P<name>.+) \((?P<file>.*?)(?::(?P<line>\d+))?\)", re.DOTALL)


def find() -> Optional[str]:
    """The program's path: beside this interpreter, or else on ``PATH``; ``None`` if it is not installed."""
    # An environment's programs stand beside its interpreter, which need not be active.
    beside = os.path.dirname(sys.executable or "")
    return (shutil.which("py-spy", path=beside) if beside else None) or shutil.which("py-spy")


def command(program: str, pid: int, hz: int, output: str, native: bool) -> List[str]:
    """The command that samples all threads of a process until SIGINT, or until the process ends.

    Idle threads count: the self time of a span is wall-clock time, in which its function may wait.
    """
    words = [program, "record", "--pid", str(pid), "--rate", str(hz), "--duration", "unlimited"]
    words += ["--format", "raw", "--function", "--full-filenames", "--idle", "--output", output]
    return [*words, "--native"] if native else words


def has_written(log: str) -> bool:
    """Whether py-spy says, in its messages, that its file is whole."""
    return "Wrote " in log


def failure(code: int, log: str) -> str:
    """Why py-spy has ended although its process goes on, from its exit code and its messages."""
    if code < 0:
        return f"it was killed by signal {-code}"
    error = log.partition("Error: ")[2] or log
    if code == 0 or not error.strip():
        return "it could not read the process any longer"
    return " ".join(error.partition("Stack backtrace")[0].split())[:_MOST_SAID]


class RawStacks:
    """Reads lines of py-spy's raw format into stacks, without those of nutrace's own threads.

    Attributes
    ----------
    unreadable:
        Lines that could not be read.
    """

    def __init__(self, into: Stacks) -> None:
        self.unreadable = 0
        self._stacks = into
        self._functions: Dict[str, Function] = {}
        self._ours: Set[Function] = set()

    def read(self, lines: Iterable[str]) -> None:
        """Add the samples of some lines."""
        for line in lines:
            text, _, count = line.rstrip("\r\n").rpartition(" ")
            if not text and count in ("", "1"):
                continue  # a sample in which no thread had a frame
            stack = self._stack(text) if count.isascii() and count.isdigit() else None
            if stack is None:
                self.unreadable += 1
            elif self._ours.isdisjoint(stack):
                self._stacks.add(stack, int(count))

    def _stack(self, text: str) -> Optional[List[Function]]:
        stack = []
        # A file's name may hold a semicolon; each function ends with a bracket.
        for part in text.replace(");", ")\0").split("\0"):
            function = self._functions.get(part)
            if function is None:
                match = _FUNCTION.fullmatch(part) or _OTHER_FUNCTION.fullmatch(part)
                if match is None:
                    return None
                function = match["name"], match["file"], int(match["line"] or 0)
                self._functions[part] = function
                if is_ours(function):
                    self._ours.add(function)
            stack.append(function)
        return stack


def is_ours(function: Function) -> bool:
    """Whether what this function calls is nutrace's own work, and nothing of the program's."""
    name, file, _ = function
    return (name.rpartition(".")[2], file.rpartition(f"{os.sep}nutrace{os.sep}")[2]) in _OURS


def read_files(files: Iterable[str], sampler: str, hz: float) -> Stacks:
    """Read what py-spy wrote; what cannot be read is said in the notes.

    Parameters
    ----------
    sampler, hz:
        What wrote the files ("py-spy 0.4.3"), and its rate in samples per second.
    """
    stacks = Stacks(sampler, hz)
    raw = RawStacks(stacks)
    for file in files:
        try:
            with open(file, encoding="utf-8", errors="replace") as lines:
                raw.read(lines)
        except OSError as error:
            stacks.notes.append(f"{file} could not be read: {error.strerror}.")
    if raw.unreadable:
        stacks.notes.append(f"{raw.unreadable:,} of the stacks that {sampler} wrote could not be read.")
    return stacks
