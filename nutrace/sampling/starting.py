"""Start the process that samples a run's processes on this host, beside the program and not below it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time

from nutrace.sampling.identity import started
from nutrace.sampling.mailbox import PREFIX, Mailbox

_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "beside.py")
_PATIENCE_S = 5.0  # for an interpreter to start
_OTHERS_S = 0.5  # for another process of the run that is starting it
_PAUSE_S = 0.002


def attended_mailbox(folder: str) -> Mailbox:
    """A mailbox to which a process attends: the run's, or else one that is made now.

    Parameters
    ----------
    folder:
        Of the run's mailbox, or "". It need not be there: this may be another host, or nobody was left to
        sample. It is made again then, so that further processes find it.

    Raises
    ------
    OSError
        If no mailbox can be made, or no interpreter can be started.
    """
    mailbox = Mailbox(folder)
    if folder:
        try:
            os.mkdir(folder, 0o700)
        except OSError:
            if _waits_for_others(mailbox):
                return mailbox
            folder = ""
    mailbox = Mailbox(folder or tempfile.mkdtemp(prefix=PREFIX))
    try:
        _start(mailbox)
        if not mailbox.is_attended():
            raise OSError(0, "its interpreter has ended at once")
    except OSError:
        mailbox.remove()
        raise
    return mailbox


def _waits_for_others(mailbox: Mailbox) -> bool:
    """Whether somebody attends to a mailbox that is there, or will in a moment."""
    deadline = time.monotonic() + _OTHERS_S
    while not mailbox.is_attended():
        if time.monotonic() > deadline or not os.path.isdir(mailbox.folder):
            return False
        time.sleep(_PAUSE_S)
    return True


def _start(mailbox: Mailbox) -> None:
    """Start it; when this returns it has left this process, of which it is no child any more."""
    if not sys.executable:
        raise OSError(0, "there is no interpreter to start")
    pid = os.getpid()
    words = [sys.executable, "-I", "-S", _SCRIPT, mailbox.folder, str(pid), str(started(pid) or 0)]
    environ = {key: text for key, text in os.environ.items() if not key.startswith("NUTRACE")}
    # Not the program's standard streams: whoever reads them waits for their end.
    null = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in range(3)]
    child = os.posix_spawn(sys.executable, words, environ, file_actions=null, setsigmask=())
    deadline = time.monotonic() + _PATIENCE_S
    with contextlib.suppress(ChildProcessError):  # a signal handler of the program's has waited for it
        while not os.waitpid(child, os.WNOHANG)[0]:
            if time.monotonic() > deadline:  # it is not Python's usual program, but one that Python is in
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return
            time.sleep(_PAUSE_S)
