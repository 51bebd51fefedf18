"""A process that is sampled, as the process beside it sees it: its py-spy, and what becomes of the stacks."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from functools import cache
from typing import AbstractSet, List, Optional

from nutrace import semconv
from nutrace.sampling.identity import is_alive, is_being_killed
from nutrace.sampling.mailbox import DROP, END, LOG, RAW, STOP, TAKEN, Ended, Mailbox, Request
from nutrace.sampling.pyspy import command, failure, read_files

_PATIENCE_S = 10.0  # for py-spy to write its file
_SHARD = "{run}.shard-{pid}-{tag}{random}"  # as nutrace.recording.names has it
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class Target:
    """A process that has asked to be sampled.

    Parameters
    ----------
    tag:
        What its files in the mailbox begin with.
    files:
        What was sampled of this process before.
    """

    def __init__(self, mailbox: Mailbox, tag: str, request: Request, files: List[str]) -> None:
        self.alive = True
        self._mailbox = mailbox
        self._tag = tag
        self._request = request
        self._files = files
        self._sampler = version(request.program)
        self._spy: Optional[subprocess.Popen[bytes]] = None
        self._stopped_at = 0.0  # when py-spy was told to end
        self._wanted = True
        self._failure = ""
        self._told = False
        self._start()

    # -- py-spy --------------------------------------------------------------------------------

    def _start(self) -> None:
        request = self._request
        raw = self._tag + RAW
        words = command(request.program, request.pid, request.hz, self._mailbox.path(raw), request.native)
        try:
            with open(self._mailbox.path(self._tag + LOG), "wb") as log:
                self._spy = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    preexec_fn=_end_with_parent if sys.platform == "linux" else None,
                )
        except OSError as error:
            self._failure = f"{request.program}: {error.strerror}"
        else:
            self._files.append(raw)

    def give_up(self) -> List[str]:
        """End py-spy, wait until it has written, and return the files."""
        if self._spy is not None:
            self._spy.send_signal(signal.SIGINT)
            try:
                self._spy.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._spy.kill()
                self._spy.wait()
        return self._files

    def was_stopped(self, names: AbstractSet[str]) -> bool:
        """Whether the process asks for its samples, and did not before."""
        return not self._stopped_at and self._tag + STOP in names

    def step(self, names: AbstractSet[str], look: bool) -> None:
        """Look after py-spy, and after the process if `look`."""
        if self.was_stopped(names):
            self._wanted = self._mailbox.text(self._tag + STOP) != DROP
            self._tell_to_end()
        spy = self._spy
        if spy is not None and spy.poll() is not None:
            self._spy = None
            if not self._stopped_at:
                self._failure = failure(spy.returncode, self._mailbox.text(self._tag + LOG) or "")
        if look or self._spy is None:
            self.alive = is_alive(self._request.pid, self._request.started)
        if not self._stopped_at:
            if not self.alive:
                self._tell_to_end(softly=True)
            elif look and is_being_killed(self._request.pid):
                # py-spy may hold the process in its last moment, and wait for it.
                self._tell_to_end()
        if self._spy is not None and self._stopped_at and time.monotonic() - self._stopped_at > _PATIENCE_S:
            self._spy.kill()

    def _tell_to_end(self, softly: bool = False) -> None:
        self._stopped_at = time.monotonic()
        if self._spy is not None and not softly:
            self._spy.send_signal(signal.SIGINT)

    # -- the stacks ----------------------------------------------------------------------------

    def is_over(self, names: AbstractSet[str], settled: bool) -> bool:
        """Hand the stacks over, if py-spy has ended; whether there is nothing left to do.

        Parameters
        ----------
        settled:
            Whether no process is left that has ended, and whose stacks are still to be written.
        """
        if self._spy is not None:
            return False
        if not self.alive:
            if self._wanted and self._tag + TAKEN not in names:
                self._leave()
        elif self._wanted and self._tag + TAKEN not in names:
            if not self._told and (settled or not self._request.joins or self._failure):
                self._tell()
            return False
        self._clear()
        return True

    def _tell(self) -> None:
        """Say that the sampling has ended; on a full disk, again in the next round."""
        with contextlib.suppress(OSError):
            self._mailbox.post(self._tag + END, Ended(self._sampler, self._files, self._failure))
            self._told = True

    def _leave(self) -> None:
        """Write the stacks beside the run file, if there is one: the process was killed."""
        request = self._request
        paths = [self._mailbox.path(file) for file in self._files]
        stacks = read_files([path for path in paths if os.path.exists(path)], self._sampler, request.hz)
        if not stacks.taken or not _has_spans(request):
            return
        shard = _SHARD.format(
            run=request.run, pid=request.pid, tag=request.run_id[:8], random=secrets.token_hex(3)
        )
        try:
            with open(f"{shard}.starting", "x", encoding="utf-8") as file:
                file.write(_line(request, stacks.text()))
            os.rename(f"{shard}.starting", f"{shard}.partial")
        except OSError:
            pass  # the folder is gone, or the disk is full: there is nobody left to tell

    def _clear(self) -> None:
        self._mailbox.clear(self._tag)
        for file in self._files:
            self._mailbox.delete(file)


@cache
def version(program: str) -> str:
    try:
        done = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.SubprocessError):
        return "py-spy"  # it will say what is wrong when it samples
    return done.stdout.decode(errors="replace").strip()[:80] or "py-spy"


def _end_with_parent() -> None:
    """In py-spy's process: when this one is killed, py-spy writes what it has, and ends."""
    import ctypes

    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGINT)


def _has_spans(request: Request) -> bool:
    """Whether a file of the run has a line: the stacks alone are no trace."""
    folder, name = os.path.split(request.run)
    shard = f"{name}.shard-"
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name in (name, f"{name}.partial") and entry.stat().st_size:
                    return True
                if entry.name.startswith(shard) and f"-{request.run_id[:8]}" in entry.name[len(shard) :]:
                    return True
    except OSError:
        pass
    return False


def _line(request: Request, samples: str) -> str:
    """A line of a run file with the samples of a process."""
    attributes = [
        {"key": "service.name", "value": {"stringValue": "nutrace"}},
        {"key": semconv.RUN_ID, "value": {"stringValue": request.run_id}},
        {"key": "process.pid", "value": {"intValue": str(request.pid)}},
        {"key": semconv.HOST_NAME, "value": {"stringValue": os.uname().nodename}},
        {"key": semconv.SAMPLES, "value": {"stringValue": samples}},
    ]
    scope = {"scope": {"name": semconv.OPEN_SCOPE}, "spans": []}
    entry = {"resource": {"attributes": attributes}, "scopeSpans": [scope]}
    return json.dumps({"resourceSpans": [entry]}, separators=(",", ":")) + "\n"
