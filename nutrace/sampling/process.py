"""The sampling of a traced process, as the process sees it: it asks for it, and takes the stacks at its end.

py-spy samples from outside, started by a process beside the run (:mod:`nutrace.sampling.beside`). Where that
cannot be, a thread of this process samples (:mod:`nutrace.sampling.thread`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path
from typing import Callable, Optional

from nutrace.extras import install
from nutrace.recording.span import process_state
from nutrace.sampling import pyspy
from nutrace.sampling.identity import started
from nutrace.sampling.mailbox import ASK, DROP, END, KEEP, LOG, RAW, STOP, TAKEN, Mailbox, Request
from nutrace.sampling.module_names import modules_of
from nutrace.sampling.permission import allow, is_refusal, why_not
from nutrace.sampling.stacks import Stacks
from nutrace.sampling.starting import attended_mailbox
from nutrace.sampling.thread import BIAS, SamplerThread

_PATIENCE_S = 2.0  # for the samples, at the end
_BEFORE_EXEC_S = 5.0
_PAUSE_S = 0.005


class ProcessSampling:
    """Samples this process, from :meth:`start` to :meth:`stop`.

    Parameters
    ----------
    hz:
        Samples per second.
    native:
        Whether functions that are not Python's are sampled as well.
    run, run_id:
        Gives the run file's path; the run's id.
    joins:
        Whether this process is the run's first, which joins its files at the end.
    mailbox:
        The run's mailbox, if an earlier process of the run has made one, else "".
    say:
        Prints a line.
    """

    def __init__(
        self,
        hz: float,
        native: bool,
        run: Callable[[], Path],
        run_id: str,
        *,
        joins: bool,
        mailbox: str,
        say: Callable[[str], None],
    ) -> None:
        self._hz = int(hz)
        self._native = native
        self._run = run
        self._run_id = run_id
        self._joins = joins
        self._mailbox = Mailbox(mailbox)
        self._say = say
        self._ending = False
        self._deadline = 0.0  # for the samples, once it ends
        self._tag = ""  # of the request that this process has made
        self._thread: Optional[SamplerThread] = None
        self._reason = ""  # why the thread samples

    @property
    def mailbox(self) -> str:
        """The folder of the run's mailbox, for the processes that this one starts."""
        return self._mailbox.folder

    # -- the beginning -------------------------------------------------------------------------

    def start(self) -> None:
        """Have this process sampled from now on."""
        try:
            self._start()
        except Exception:  # the program runs unsampled
            process_state.fault("beginning to sample")
            self._ending = True

    def _start(self) -> None:
        program = pyspy.find()
        if program is None:
            self._sample_here(f"py-spy is not installed: {install('sample')}", everywhere=True)
            return
        try:
            self._ask(program)
        except OSError as error:
            self._sample_here(f"py-spy cannot be started ({error.strerror})")

    def _ask(self, program: str) -> None:
        pid = os.getpid()
        for last in (False, True):
            if not self._mailbox.is_attended():
                self._mailbox = attended_mailbox(self._mailbox.folder)
            allow(self._mailbox.pid)
            run = os.path.realpath(self._run())
            since = started(pid) or 0
            request = Request(pid, since, run, self._run_id, self._joins, program, self._hz, self._native)
            tag = f"{pid}-{secrets.token_hex(4)}"
            try:
                self._mailbox.post(tag + ASK, request)
            except FileNotFoundError:  # it has ended just now, as nobody was left
                if last:
                    raise
            else:
                self._tag = tag
                return

    # -- meanwhile -----------------------------------------------------------------------------

    def look(self, may_record: bool) -> None:
        """See whether py-spy samples; a thread takes over if it does not. Called about once a second.

        Parameters
        ----------
        may_record:
            Whether this process may have spans. A process that other ones have started is not sampled before.
        """
        if self._ending or self._thread is not None:
            return
        if not self._tag:
            if may_record or self._joins:
                self.start()
            return
        said = self._mailbox.values(self._tag + END)
        if said is not None and said.get("failure"):
            failure = str(said["failure"])
            self._sample_here(why_not(failure), everywhere=is_refusal(failure))
        elif said is None and not self._mailbox.is_attended():
            self._sample_here("the process that samples was ended from outside")

    def _sample_here(self, reason: str, everywhere: bool = False) -> None:
        """Let a thread sample; `everywhere`: for a reason that the run's first process has as well."""
        if not (everywhere and not self._joins):
            self._say(f"{reason}; a thread samples instead: {BIAS}")
        self._reason = reason
        self._thread = SamplerThread(self._hz)
        self._thread.start()

    def before_fork(self) -> None:
        """Let no thread of ours be there at the fork."""
        if self._thread is not None:
            self._thread.pause()

    def forked(self) -> None:
        """In a forked child: nothing was seen, and nobody samples."""
        self._joins = self._ending = False
        self._tag = ""
        if self._thread is not None:  # py-spy would have the same difficulties
            self._thread = SamplerThread(self._hz)

    def start_thread(self) -> None:
        """Go on after a fork, here or in the child."""
        if self._thread is not None:
            self._thread.start()

    def before_exec(self) -> None:
        """Let nobody look into this process; if it goes on, :meth:`look` begins again.

        A process with threads that is traced may wait for the tracer, for ever, when it becomes another
        program. What was seen is kept for that one.
        """
        tag, self._tag = self._tag, ""
        if tag and self._mailbox.is_attended():
            try:
                self._mailbox.post(tag + STOP, KEEP)
            except OSError:  # nobody would answer
                return
            deadline = time.monotonic() + _BEFORE_EXEC_S
            while self._mailbox.text(tag + END) is None and time.monotonic() < deadline:
                time.sleep(_PAUSE_S)

    # -- the end -------------------------------------------------------------------------------

    def hurry(self) -> None:
        """Let the sampling end; :meth:`stop` waits for what it gives."""
        self._ending = True
        self._deadline = time.monotonic() + _PATIENCE_S
        if self._tag:
            with contextlib.suppress(OSError):
                self._mailbox.post(self._tag + STOP, KEEP)

    def stop(self) -> Optional[Stacks]:
        """End the sampling, and return what was seen; :meth:`hurry` was called before.

        What comes later than 2 s after :meth:`hurry` is left beside the run file by the process that samples.
        """
        try:
            return self._stop()
        except Exception:  # the program runs unsampled
            process_state.fault("taking the samples")
            return None

    def _stop(self) -> Optional[Stacks]:
        stacks = self._from_outside() if self._tag else None
        if self._thread is not None:
            here = self._thread.stop()
            here.notes.insert(0, f"{self._reason}.")
            stacks = here if stacks is None or not stacks.nodes else added(stacks, here)
            self._thread = None
        if stacks is not None:
            stacks.modules = modules_of(stacks)
        return stacks

    def _from_outside(self) -> Optional[Stacks]:
        while True:
            said = self._mailbox.values(self._tag + END)
            if said is not None:
                paths = [self._mailbox.path(str(file)) for file in said.get("files", ())]
                return pyspy.read_files(filter(os.path.exists, paths), str(said.get("sampler")), self._hz)
            if not self._mailbox.is_attended():
                return self._left_behind()
            if time.monotonic() > self._deadline:
                break
            time.sleep(_PAUSE_S)
        self._say("py-spy has not written its samples yet: they will be in a file beside the run file")
        self._tag = ""
        return None

    def _left_behind(self) -> Optional[Stacks]:
        """What py-spy wrote when the process that samples was killed."""
        while not pyspy.has_written(self._mailbox.text(self._tag + LOG) or ""):
            if time.monotonic() > self._deadline:
                self._say("the samples are lost: the process that took them was ended from outside")
                return None
            time.sleep(_PAUSE_S)
        return pyspy.read_files([self._mailbox.path(self._tag + RAW)], "py-spy", self._hz)

    def taken(self) -> None:
        """The samples are in the run file, or are not wanted: they can be deleted elsewhere."""
        tag, self._tag = self._tag, ""
        if not tag:
            return
        with contextlib.suppress(OSError):
            self._mailbox.post(tag + TAKEN)
        if not self._mailbox.is_attended():
            self._mailbox.clear(tag)
            if not any(name.endswith(RAW) for name in self._mailbox.names()):  # of other processes
                self._mailbox.remove()

    def cancel(self) -> None:
        """End the sampling, and drop what was seen."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        if self._tag:
            with contextlib.suppress(OSError):
                self._mailbox.post(self._tag + STOP, DROP)
            self._tag = ""


def added(stacks: Stacks, more: Stacks) -> Stacks:
    """`stacks` with the samples of another sampler as well."""
    for stack, count in more.stacks():
        stacks.add(stack, count)
    stacks.sampler += f", then {more.sampler}"
    stacks.notes += more.notes
    return stacks
