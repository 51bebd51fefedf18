"""Run a command whose input, output and errors are one terminal, as a user does."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from typing import Tuple

from fakes.programs import environment

ROWS = 24


def in_terminal(*arguments: str, columns: int = 100, **variables: str) -> Tuple[int, str]:
    """Run a command in a terminal of 24 lines; its exit code, and what the terminal got."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "nutrace.cli.main", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment(), "TERM": "xterm", **variables},
    )
    os.close(theirs)
    got = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError as error:
            assert error.errno == errno.EIO  # noqa: PT017 - the terminal was closed
            break
        if not block:
            break
        got += block
    os.close(ours)
    return process.wait(60), got.decode()
