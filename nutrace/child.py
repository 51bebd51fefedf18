"""Wait for a program that a command started, and make sure that it does not outlive the command."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from types import FrameType
from typing import Callable, Iterator, Optional

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
    its run file before it is killed, and the KeyboardInterrupt is passed on. SIGTERM reaches this process
    alone: the program is interrupted in its place, and SystemExit is raised.

    Parameters
    ----------
    tick:
        Called every `look_s` seconds. What it raises interrupts the program.
    """
    with sigterm_raises():
        try:
            while True:
                if tick is not None:
                    tick()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(timeout=look_s)
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt):
                process.send_signal(signal.SIGINT)
            try:
                with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                    process.wait(timeout=patience_s)
            finally:  # a second SIGTERM does not wait for it
                process.kill()
                process.wait()
            raise


@contextlib.contextmanager
def sigterm_raises() -> Iterator[None]:
    """Let SIGTERM end this process by an exception, so that temporary files are deleted."""
    if threading.current_thread() is not threading.main_thread():  # only there a handler can be set
        yield
        return

    def end(number: int, frame: Optional[FrameType]) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def ending(code: int) -> str:
    """The exit code of a program, or the signal that ended it, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
