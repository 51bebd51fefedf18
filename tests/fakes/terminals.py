"""Run commands of nutrace in a pseudo terminal of a certain width."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import List, Optional, Sequence

from fakes.programs import TIMEOUT_S, environment

_LINES = 40
_END = "-- end of a command --"
_PROGRAM = f"""
import json, sys
from nutrace.cli.main import main
for words in json.loads(sys.argv[1]):
    code = main(words)
    print({_END!r}, code, flush=True)
"""
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def in_terminal(
    folder: Path, commands: Sequence[Sequence[str]], columns: int, **variables: Optional[str]
) -> List[str]:
    """What each command writes to a terminal of so many columns, with escape sequences.

    All run in one process, in `folder`. A command that fails is an error.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
    known = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PAGER": "cat", "LANG": "C.UTF-8"}
    absent = dict.fromkeys(("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "LC_ALL", "PYTHONIOENCODING"))
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, json.dumps([*map(list, commands)])],
        cwd=folder, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
        env=environment(**{**absent, **known, **variables}),
    )  # fmt: skip
    os.close(theirs)
    written = _read(ours)
    assert process.stderr is not None
    errors = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(TIMEOUT_S) == 0, errors
    answers = re.split(rf"{_END} (\d+)\n", written.decode().replace("\r\n", "\n"))
    assert set(answers[1::2]) <= {"0"}, (answers[1::2], errors)
    assert len(answers) == 2 * len(commands) + 1
    return answers[:-1:2]


def _read(descriptor: int) -> bytes:
    parts = []
    while True:
        try:
            part = os.read(descriptor, 1 << 16)
        except OSError:  # Linux says so when the other end is closed
            part = b""
        if not part:
            os.close(descriptor)
            return b"".join(parts)
        parts.append(part)


def visible(text: str) -> str:
    """The text as it is seen, without escape sequences."""
    return _ESCAPES.sub("", text)
