"""A killed process that its sampler holds comes to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nutrace.sampling.identity import is_being_killed, started
from nutrace.sampling.mailbox import Mailbox, Request
from nutrace.sampling.target import Target

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the states of processes are those of Linux")

#: As py-spy at the wrong moment: it is told that the process ends, and does not let it go on.
_HOLDER = """#!{python}
import ctypes, sys, time
if "--pid" in sys.argv:
    seize, trace_exit = 0x4206, 0x40
    held = ctypes.CDLL(None).ptrace(seize, int(sys.argv[sys.argv.index("--pid") + 1]), None, trace_exit)
    print("holds" if held == 0 else "may not", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_is_not_held(tmp_path: Path) -> None:
    holder = tmp_path / "holder"
    holder.write_text(_HOLDER.format(python=sys.executable))
    holder.chmod(0o755)
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    since = started(program.pid)
    assert since
    mailbox = Mailbox(str(tmp_path))
    request = Request(program.pid, since, str(tmp_path / "run.json"), "run", True, str(holder), 100, False)
    target = Target(mailbox, "one", request, [])
    try:
        log = tmp_path / "one.log"
        _wait(lambda: log.exists() and log.read_text() != "")
        if log.read_text() != "holds\n":
            pytest.skip("this process may not trace others")
        assert not is_being_killed(program.pid)
        program.kill()
        _wait(lambda: is_being_killed(program.pid))
        assert program.poll() is None
        target.step(set(), look=True)
        assert program.wait(10) == -signal.SIGKILL
        assert not is_being_killed(os.getpid())
    finally:
        target.give_up()
        program.kill()
        program.wait()


def _wait(condition: object) -> None:
    until = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.01)
