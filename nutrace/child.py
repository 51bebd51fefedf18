"""Wait for a program that a command has started, and see to it that it does not outlive the command."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from typing import Callable, Optional

_LOOK_S = 0.2
_PATIENCE_S = 10.0


def wait_for(
    process: subprocess.Popen[bytes],
    tick: Optional[Callable[[], None]] = None,
    *,
    look_s: float = _LOOK_S,
    patience_s: float = _PATIENCE_S,
) -> int:
    """Wait for the end of a program and return its exit code.

    Ctrl-C reaches the program as well, as it is in the same process group. It then has `patience_s` to write
    its run file before it is killed, and the KeyboardInterrupt is passed on. For any other exception the
    program is interrupted from here.

    Parameters
    ----------
    tick:
        Called every `look_s` seconds; it may raise, to end the program.
    """
    try:
        while True:
            if tick is not None:
                tick()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=look_s)
    except BaseException as reason:
        if not isinstance(reason, KeyboardInterrupt):
            process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(timeout=patience_s)
        process.kill()
        process.wait()
        raise


def ending(code: int) -> str:
    """The exit code of a program, or the signal that ended it, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
