"""Convert runs in processes of their own, some at a time, each of which converts one run and ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import BinaryIO, Callable, List, Sequence

from nutrace.child import ending, sigterm_raises
from nutrace.cli.export_one import Conversion, Outcome
from nutrace.errors import NutraceError
from nutrace.trace.opening import STDIN

_CODE = (
    "import sys; sys.path[:] = {!r}; from nutrace.cli import export_one; export_one.serve({}, sys.argv[1])"
)
_LOOK_S = 0.1


@dataclass
class _Working:
    """A process that converts a run. Its answer does not come on its standard output, where others print."""

    one: Conversion
    process: subprocess.Popen[bytes]
    answer: BinaryIO
    began: float = field(default_factory=time.monotonic)

    def outcome(self) -> Outcome:
        """How it ended; it has."""
        with self.answer:
            text = self.answer.read()
        if self.process.returncode == 0 and text:
            return Outcome(**json.loads(text))
        self.one.clean()
        how = ending(self.process.returncode)
        why = "the system does that when memory is short: try --jobs 1"
        reason = f"{how}; {why if how == 'SIGKILL' else 'what it printed is above'}"
        return Outcome(
            error=f"the process that converted it failed: {reason}", exit_code=NutraceError.exit_code
        )


def convert_all(
    conversions: Sequence[Conversion],
    jobs: int,
    tick: Callable[[int], None],
    ended: Callable[[Conversion, Outcome, float], bool],
) -> None:
    """Convert runs, in the order in which they are given.

    Whatever ends this process early, except SIGKILL, ends the others as well.

    Parameters
    ----------
    jobs:
        How many are converted at a time.
    tick:
        Called some times a second with the number of runs that are being converted.
    ended:
        Called with each run that has ended, how, and its seconds; returns whether to begin more.
    """
    left = list(reversed(conversions))
    working: List[_Working] = []
    with sigterm_raises():
        try:
            while left or working:
                while left and len(working) < jobs:
                    working.append(_start(left.pop()))
                for each in [each for each in working if each.process.poll() is not None]:
                    working.remove(each)
                    if not ended(each.one, each.outcome(), time.monotonic() - each.began):
                        left.clear()
                tick(len(working))
                if len(working) == jobs or (working and not left):
                    time.sleep(_LOOK_S)
        finally:
            for each in working:
                each.process.kill()
            for each in working:
                each.process.wait()
                each.answer.close()
                each.one.clean()


def _start(one: Conversion) -> _Working:
    # The settings of a traced program, exported in the shell, do not concern this process.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    answer = open(reading, "rb")  # noqa: SIM115 - closed when it has been read
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _CODE.format(sys.path, writing), json.dumps(asdict(one))],
            env=environ,
            stdin=None if one.file == STDIN else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            close_fds=False,  # a run may come from a pipe, as <(zcat run.json.gz) is one
            start_new_session=True,  # Ctrl-C ends this process, which ends the others
        )
    except BaseException:
        answer.close()
        raise
    finally:
        os.close(writing)
    return _Working(one, process, answer)
