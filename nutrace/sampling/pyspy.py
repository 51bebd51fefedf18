"""py-spy: where it is, how it is called, and how its stacks are read.

It is a program of its own, and writes, in its raw format, a line for each different stack: the functions,
the outermost first, between semicolons, and the number of samples::

    <module> (/home/me/run.py:1);Planner.compute (/home/me/planner.py:40) 53

The process that samples reads this as well (:mod:`nutrace.sampling.beside`), which has Python's standard
library only.
"""

from __future__ import annotations

import os
import shutil
import sys
from functools import lru_cache
from typing import Iterable, List, Optional

from nutrace.sampling.frame_text import parse_stack
from nutrace.sampling.stacks import Function, Stacks

#: Functions of ours below which nothing of the program runs: that of our threads, and the end of a recording.
_OURS = (
    ("_run", os.path.join("recording", "background.py")),
    ("finish", "session.py"),
)
_MOST_SAID = 300  # characters of an error
_MOST_DIGITS = 12  # of a count


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


@lru_cache(maxsize=1 << 16)
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
    unreadable = 0
    for file in files:
        try:
            with open(file, encoding="utf-8", errors="replace") as lines:
                unreadable += sum(not _add(line, stacks) for line in lines)
        except OSError as error:
            stacks.notes.append(f"{file} could not be read: {error.strerror}.")
    if unreadable:
        stacks.notes.append(f"{unreadable:,} of the lines that {sampler} wrote could not be read.")
    return stacks


def _add(line: str, stacks: Stacks) -> bool:
    """Add the samples of a line, unless they are nutrace's own; whether it could be read."""
    text, _, count = line.rstrip("\r\n").rpartition(" ")
    if not (count.isascii() and count.isdecimal() and len(count) <= _MOST_DIGITS):
        return not line.strip()
    if not text:
        return True  # a thread without a frame, as Python begins or ends
    stack = parse_stack(text).functions
    if not any(map(is_ours, stack)):
        stacks.add(stack, int(count))
    return any(file for _, file, _ in stack)
