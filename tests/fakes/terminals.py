"""Run commands of nutrace in a pseudo terminal of a certain width."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from fakes.programs import TIMEOUT_S, environment

_END = "-- end of a command --"
_PROGRAM = f"""
import fcntl, json, struct, sys, termios
from nutrace.cli.main import main
for columns, words in json.loads(sys.argv[1]):
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    code = main(words)
    print({_END!r}, code, flush=True)
"""
#: Of the user who runs the tests.
_CHOICES = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "LC_ALL", "PYTHONIOENCODING")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def in_terminal(
    folder: Path, commands: Sequence[Tuple[int, Sequence[str]]], **variables: Optional[str]
) -> List[str]:
    """What each command writes to a terminal of so many columns, with escape sequences.

    All run in one process, in `folder`. A command that fails is an error.
    """
    ours, theirs = pty.openpty()
    known = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PAGER": "cat", "LANG": "C.UTF-8"}
    around = {name: text for name, text in environment().items() if name not in _CHOICES}
    chosen = {name: text for name, text in {**known, **variables}.items() if text is not None}
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, json.dumps(commands)],
        cwd=folder, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
        env={**around, **chosen},
    ) as process:  # fmt: skip
        try:
            os.close(theirs)
            written = read_all(ours)
            errors = process.communicate(timeout=TIMEOUT_S)[1].decode()
        finally:
            os.close(ours)
            process.kill()
    assert process.returncode == 0, errors
    answers = re.split(rf"{_END} (\d+)\n", written.decode().replace("\r\n", "\n"))
    assert set(answers[1::2]) <= {"0"}, (answers[1::2], errors)
    assert len(answers) == 2 * len(commands) + 1
    return answers[:-1:2]


def read_all(descriptor: int) -> bytes:
    """What is written into a terminal until its other end is closed."""
    parts = []
    while True:
        try:
            part = os.read(descriptor, 1 << 16)
        except OSError:  # Linux says so when the other end is closed
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)


def visible(text: str) -> str:
    """The text as it is seen, without escape sequences."""
    return _ESCAPES.sub("", text)
