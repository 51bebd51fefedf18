"""The process that samples a run's processes on one host: it starts py-spy for each one that asks.

A traced process starts it as ``python -I -S beside.py MAILBOX PID STARTED``, with its own process id and its
start. The rest is said through the mailbox (:mod:`nutrace.sampling.mailbox`). It is not the program's child:
a program that waits for its children, or kills its process group, has nothing to do with it. It ends when the
processes that asked have ended, however they did. What was sampled of a process that did not live to take it
is left beside the run file, as a shard of the run.

It needs nothing but the standard library, and imports of nutrace what needs no more.
"""

from __future__ import annotations

import contextlib
import os
import sys
import types

if __name__ == "__main__":
    # Not the package itself, which imports OpenTelemetry: its folder, in which submodules are found.
    _package = types.ModuleType("nutrace")
    _package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    sys.modules.setdefault(_package.__name__, _package)

import signal
import time
from typing import Dict, Tuple

from nutrace.sampling.identity import is_alive, started, where
from nutrace.sampling.mailbox import ASK, BESIDE, Attendant, Mailbox, Request
from nutrace.sampling.target import Target

_PAUSE_S = 0.05
_LOOK_S = 1.0  # between two looks whether processes live; py-spy ends at once when its process does
_PATIENCE_S = 10.0  # for the first request


class Beside:
    """Samples the processes that ask through a mailbox.

    Parameters
    ----------
    starter:
        The process that started this one, which will ask: its id, and when it started.
    """

    def __init__(self, mailbox: Mailbox, starter: Tuple[int, int]) -> None:
        self._mailbox = mailbox
        self._starter = starter
        self._targets: Dict[Tuple[int, int], Target] = {}
        self._asked = False
        self._look_at = 0.0
        self._born = time.monotonic()

    def run(self) -> None:
        """Sample until nobody is left."""
        while True:
            self._round()
            if not self._targets and self._may_end():
                if self._mailbox.remove():
                    return
                # A request has come in meanwhile. On a full disk, who looks for this process starts another.
                with contextlib.suppress(OSError):
                    attend(self._mailbox, os.getpid())
            time.sleep(_PAUSE_S)

    def _may_end(self) -> bool:
        waited = time.monotonic() - self._born
        return self._asked or waited > _PATIENCE_S or not is_alive(*self._starter)

    def _round(self) -> None:
        names = set(self._mailbox.names())
        for name in sorted(names):
            if name.endswith(ASK):
                self._take(name)
        now = time.monotonic()
        look = now >= self._look_at or any(target.was_stopped(names) for target in self._targets.values())
        if look:
            self._look_at = now + _LOOK_S
        for target in self._targets.values():
            target.step(names, look)
        settled = all(target.alive for target in self._targets.values())
        for process, target in list(self._targets.items()):
            if target.is_over(names, settled):
                del self._targets[process]

    def _take(self, name: str) -> None:
        values = self._mailbox.values(name)
        self._mailbox.delete(name)
        try:
            request = Request(**values)  # type: ignore[arg-type]
        except TypeError:
            return  # of another version of nutrace
        self._asked = True
        process = request.pid, request.started
        earlier = self._targets.get(process)
        # It was sampled before, and has become another program by exec.
        files = earlier.give_up() if earlier else []
        self._targets[process] = Target(self._mailbox, name[: -len(ASK)], request, files)


def attend(mailbox: Mailbox, pid: int) -> None:
    """Put into the mailbox who samples."""
    mailbox.post(BESIDE, Attendant(pid, started(pid) or 0, where()))


def _detach(mailbox: Mailbox) -> None:
    """Leave the program: its session, its children, its folder and its descriptors."""
    os.setsid()
    os.chdir("/")
    for descriptor in os.listdir("/dev/fd"):
        if int(descriptor) > 2:
            try:
                os.close(int(descriptor))
            except OSError:
                pass  # the one with which the folder was read
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    child = os.fork()
    if child:
        attend(mailbox, child)
        os._exit(0)


def main() -> None:
    """Read the arguments, leave the program, sample."""
    folder, pid, since = sys.argv[1:]
    mailbox = Mailbox(folder)
    _detach(mailbox)
    Beside(mailbox, (int(pid), int(since))).run()


if __name__ == "__main__":
    main()
