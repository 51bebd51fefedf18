"""Turning tracing on and off in a process: recorder, OpenTelemetry, probes and endings together."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import secrets
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence

from opentelemetry import trace as otel

import nutrace.probes.api  # early: if one thread imported it while another forks, its lock would stay held
from nutrace import forks, prices, semconv
from nutrace._running import started
from nutrace.errors import OutputError
from nutrace.forks import LockOrder, fork_safe_lock
from nutrace.patching import Patches
from nutrace.probes import resumptions
from nutrace.probes.by_value import by_value
from nutrace.probes.calibration import calibrated
from nutrace.probes.compiling import compiling
from nutrace.probes.engine import Engine
from nutrace.probes.probe import Probe
from nutrace.probes.sqlite import open_statement
from nutrace.probes.switch import switch
from nutrace.recording import context, ray_cluster
from nutrace.recording.clock import unix_offset_ns
from nutrace.recording.faults import say
from nutrace.recording.host import this_host
from nutrace.recording.machine import creation_time
from nutrace.recording.memory import peak_bytes
from nutrace.recording.names import reserve
from nutrace.recording.other_hosts import OtherHosts
from nutrace.recording.own_time import EXIT, START, WRITING
from nutrace.recording.pool_results import before_results
from nutrace.recording.processes import VARIABLE, Endings, Environment, Inherited, belongs_to, inherited
from nutrace.recording.recorder import Recorder
from nutrace.recording.resource import contributed, describe, identity
from nutrace.recording.runfile import Finished, RunFile
from nutrace.recording.span import ids, process_state
from nutrace.recording.tracer import Bridge
from nutrace.settings import Settings, working_folder
from nutrace.sql.text import statement_of
from nutrace.summary import lines

if TYPE_CHECKING:
    from nutrace.sampling.process import ProcessSampling
    from nutrace.sampling.stacks import Stacks

_LOOK_S = 1.0  # longest time until a process sees that it is not being sampled
#: Modules of ours that a thread imports when it first uses something of the module on the left.
_IMPORTED_LATE = {
    "sqlite3": "nutrace.probes.sqlite.connections",
    "opentelemetry.sdk.trace": "nutrace.recording.exchange",
}


class Session:
    """One process being traced, from :func:`instrument` to its end.

    Parameters
    ----------
    settings:
        The options.
    probes:
        What to wrap; ``None`` takes the catalogue, entry points and the user's own file.
    whole_process:
        Whether the process is traced from its start: then its start is the run's.

    Raises
    ------
    OutputError
        If the run file cannot be made.
    NutraceError
        If a probe declaration is wrong.
    """

    def __init__(
        self, settings: Settings, probes: Optional[Sequence[Probe]] = None, *, whole_process: bool = False
    ) -> None:
        self._whole_process = whole_process
        known, heir = belongs_to(os.environ)
        self.folder = known.folder if known else working_folder() or Path(os.sep)
        self.run_id = known.run_id if known else secrets.token_hex(8)
        self.hosts = OtherHosts(self.run_id, known)
        if self.hosts.is_elsewhere and settings.probes and not os.path.exists(settings.probes):
            say(f"{settings.probes} is not on {this_host().name}: its probes are left out there")
            settings = replace(settings, probes="")
        if probes is None:
            from nutrace.probes.catalogue import for_settings

            probes = for_settings(settings, self.folder)
        self.settings = settings
        self.engine = Engine(probes, settings.level)
        self.parent = None if heir else known
        self.file = self._file(known.run if known else None, heir)
        self.path: Optional[Path] = None  # of the file that holds the spans in the end
        same_clock = known is not None and known.host.boot == this_host().boot
        process_state.offset_ns = unix_offset_ns(known.offset_ns if known and same_clock else None)
        if known:
            process_state.trace_id = known.trace_id
        process_state.secret = secrets.token_bytes(16)
        process_state.sql_text = settings.sql_text
        process_state.fold_statement = _fold
        self.recorder = Recorder(
            self.file,
            self._resource,
            version=nutrace.__version__,
            changing=contributed,
            is_child=self.parent is not None,
            flush_seconds=settings.flush_seconds,
            compress_us=settings.compress_us,
            text_limit=settings.text_limit,
        )
        self.bridge = Bridge(self._exchange)
        self.endings = Endings(self.finish, self._before_exec)
        helpers = [before_results(self._flush_child), *by_value(), *compiling()]
        helpers += ray_cluster.around_ray(self.hosts.hear)
        self._helpers = Patches(helpers, self.recorder.fault)
        self.sampling = self._make_sampling(known.mailbox if known else "")
        if self.sampling is not None:
            self.recorder.background.interval_s = min(self.recorder.background.interval_s, _LOOK_S)
        self.recorder.look = self._look
        self._applied: List[str] = []  # what the engine had applied when it was uninstalled
        self.finished = False
        self._owner = os.getpid()
        self._environment = Environment({})

    def _make_sampling(self, mailbox: str) -> Optional[ProcessSampling]:
        settings, joins = self.settings, self.file.joins
        if not settings.sample_hz:
            return None
        from nutrace.sampling.process import ProcessSampling

        return ProcessSampling(
            settings.sample_hz,
            settings.sample_native,
            lambda: self.file.run,
            self.run_id,
            joins=joins,
            mailbox=mailbox,
            say=say,
        )

    def _file(self, run: Optional[Path], heir: bool) -> RunFile:
        if run is not None and not self.hosts.is_elsewhere:
            return RunFile(run, self.run_id, heir=heir)
        wanted = self.settings.output
        try:
            if run is not None:
                return RunFile(self.hosts.place_for(run), self.run_id)
            wanted = os.path.abspath(wanted)
            name, fd = reserve(Path(wanted))
        except OSError as error:
            raise OutputError(
                f"cannot write {wanted}: {error.strerror}; set NUTRACE_OUTPUT to a file you can write"
            ) from None
        return RunFile(name, self.run_id, fd)

    def install(self) -> None:
        """Begin to trace; if anything fails, everything is undone."""
        try:
            self._calibrate()
            context.install()
            self.bridge.install()
            self.engine.install()
            self.endings.install()
            self._helpers.install()
            forks.watch(self, has_thread=True)
            if self.sampling is not None and self.parent is None:
                self.sampling.start()
        except BaseException:
            self.uninstall()
            self.file.discard()
            raise
        self._environment = Environment(
            {VARIABLE: str(self._handover(os.getpid())), **self.settings.variables()}
        )
        self._environment.install()
        atexit.register(self.finish)
        self.recorder.background.start()
        self._turn_on()

    def _calibrate(self) -> None:
        try:
            self.recorder.price_events(calibrated())
        except Exception:  # times are then read as they were recorded
            process_state.fault("calibrating")

    def uninstall(self) -> None:
        """Undo :meth:`install`; the run file stays open."""
        self._turn_off()
        self._applied = self._applied or list(self.engine.applied)
        self.engine.uninstall()
        self.bridge.uninstall()
        context.uninstall()
        self.endings.uninstall()
        self._helpers.undo()
        forks.unwatch(self)
        self._environment.uninstall()

    def _handover(self, pid: int) -> Inherited:
        """What a child of the process `pid` is told, which is this one or the one that it was forked from."""
        run = self.file.run  # without links: they may be turned to other folders meanwhile
        return Inherited(
            Path(os.path.realpath(run.parent), run.name),
            self.run_id,
            process_state.trace_id,
            process_state.offset_ns,
            pid,
            self.file.joins,
            self.folder,
            self.sampling.mailbox if self.sampling else "",
            this_host(),
        )

    def _turn_on(self) -> None:
        switch.on()
        self.engine.switch.on()
        self._helpers.switch.on()

    def _turn_off(self) -> None:
        switch.off()
        self.engine.switch.off()

    def _flush_child(self) -> None:
        if self.parent is not None:  # else it is a pool of threads
            self.recorder.flush()

    def _look(self) -> None:
        """Called by the thread that writes: have a process sampled once it may have something to record."""
        if self.file.begun:
            self.hosts.tell(self.file)
        if self.sampling is not None:
            may_record = self.file.begun or self._watches() or nutrace.probes.api.are_used()
            self.sampling.look(may_record)

    def _before_exec(self) -> None:
        if self.sampling is not None:
            self.sampling.before_exec()
        self.recorder.before_exec()

    def _write_samples(self) -> Optional[Stacks]:
        if self.sampling is None:
            return None
        stacks = self.sampling.stop()
        if stacks is not None and stacks.taken:
            try:
                self.recorder.tell_whole(semconv.SAMPLES, stacks.text())
            except OSError as error:
                say(f"cannot write the samples to {self.file.partial}: {error.strerror}; they are lost")
        self.sampling.taken()
        return stacks

    # -- the end -----------------------------------------------------------------------------

    def finish(self) -> None:
        """Write everything out, join the shards and print the lines at exit; once."""
        if self.finished or os.getpid() != self._owner:  # a child that was not made by os.fork
            return
        self.finished = True
        atexit.unregister(self.finish)
        try:
            self._finish()
        except Exception:  # the program keeps its exit code
            process_state.fault("finishing the run file")

    def _finish(self) -> None:
        recorder, own_time = self.recorder, self.recorder.own_time
        if self.sampling is not None:
            self.sampling.hurry()
        recorder.background.stop()  # from now on this thread alone writes
        began, written_ns = time.thread_time_ns(), own_time.sum_ns(WRITING)
        for close in (resumptions.close_suspended, open_statement.close_open):
            try:
                recorder.diagnostics.unfinished += close()
            except Exception:  # what was written so far is a run file all the same
                process_state.fault("closing what was suspended")
        written = recorder.close()
        self._turn_off()
        if not written and not self.file.expected:
            if self.sampling is not None:
                self.sampling.cancel()
            self.file.discard()
            if recorder.diagnostics.dropped:
                say(f"{recorder.diagnostics.dropped:,} spans were recorded and lost, and no file written")
            elif self.parent is None and self.settings.summary:
                say("no span was recorded, so there is no file: nutrace probes lists what is traced")
            return
        self.hosts.tell(self.file, ending=True)
        partial, missing = self.file.partial, self.hosts.missing(self.file.run)
        stacks = self._write_samples()
        with contextlib.suppress(Exception):
            written_ns = own_time.sum_ns(WRITING) - written_ns
            own_time.count(EXIT, max(time.thread_time_ns() - began - written_ns, 0))
            recorder.diagnostics.overhead_ns = sum(recorder.costs())
        try:
            recorder.conclude(lambda: self._resource(True, final=True))
            partial = self.file.partial
            self.hosts.wait_for_workers(self.file.run)
            end = self.file.finish()
        except OSError as error:
            end = Finished(partial, 0, [])
            say(f"cannot join {self.file.run}: {error.strerror}; every command reads {end.path} as well")
        self.path = end.path
        if self.parent is None and self.settings.summary:
            for line in lines(recorder, end, stacks, missing):
                say(line)

    def _watches(self) -> bool:
        """Whether probes are applied to more than the standard library, which every program has."""
        applied = set(self._applied or self.engine.applied)
        return any(probe.target in applied for probe in self.engine.probes if probe.distribution != "Python")

    # -- forks -------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """See :class:`nutrace.forks.Forking`."""
        # If another thread is importing one of these at the fork, its lock would stay held in the child. That
        # this thread cannot import it, for want of descriptors or memory, is nobody's concern now.
        for theirs, ours in _IMPORTED_LATE.items():
            if theirs in sys.modules:
                with contextlib.suppress(Exception):
                    importlib.import_module(ours)
        self.recorder.before_fork()
        if self.sampling is not None:
            self.sampling.before_fork()

    def after_fork(self, in_child: bool) -> None:
        """See :class:`nutrace.forks.Forking`."""
        if in_child:
            self._forked()
        if switch:
            forks.after_hooks(self._start_threads)

    def _start_threads(self) -> None:
        self.recorder.background.start()
        if self.sampling is not None:
            self.sampling.start_thread()

    def _forked(self) -> None:
        """Write a shard of the same run from now on."""
        ids.renew()
        resumptions.forget_suspended()
        open_statement.forget_open()
        self.parent = self._handover(os.getppid())
        self.hosts.forked()
        self.file.leave()
        self.file = RunFile(self.file.run, self.run_id)
        self.finished = False
        self._owner = os.getpid()
        self.recorder.forked(self.file)
        if self.sampling is not None:
            self.sampling.forked()

    # -- what the file says ------------------------------------------------------------------

    def _resource(self, full: bool, final: bool = False) -> Dict[str, Any]:
        if not full:
            return identity(self.run_id)
        recorder = self.recorder
        attributes = describe(self.run_id, nutrace.__version__)
        attributes[semconv.SETTINGS] = json.dumps(vars(self.settings))  # asdict makes deep copies
        attributes[semconv.OWN_PRICES] = prices.dump(recorder.prices())
        attributes[semconv.PROBES] = self._applied or list(self.engine.applied)
        attributes.update(contributed())
        created = creation_time() if self._whole_process else None
        if created is not None:
            attributes[semconv.CREATED] = created
        if self.parent is not None:
            attributes[semconv.RUN_PARENT_PID] = self.parent.pid
        attributes.update(self.hosts.attributes())
        if final:
            attributes[semconv.RUN_COMPLETE] = True
            attributes[semconv.MEMORY_PEAK] = peak_bytes()
            attributes.update(recorder.diagnostics.attributes())
        attributes.update(recorder.own_time.attributes("" if final else START))
        return attributes

    def _exchange(self, provider: otel.TracerProvider) -> Callable[[], None]:
        from nutrace.recording.exchange import exchange

        undo: Optional[Callable[[], None]] = None
        try:
            undo = exchange(provider, self.recorder, nutrace.__version__)
        except Exception:  # the program's own set-up must not fail because of us
            process_state.fault("connecting with the program's tracer provider")
        else:
            if undo is None:
                say("the tracer provider is not OpenTelemetry's SDK: it and nutrace share no spans")
        return undo or (lambda: None)


def _fold(statement: str) -> str:
    return statement_of(statement).text


forks.on_fault(lambda where: process_state.fault(where))  # looked up then: each recorder sets its own

_session: Optional[Session] = None
_lock = fork_safe_lock(LockOrder.TRACING)  # one thread at a time begins or ends tracing


def instrument(settings: Optional[Settings] = None, *, probes: Optional[Sequence[Probe]] = None) -> Session:
    """Begin to trace this process; the counterpart is :func:`uninstrument`.

    A process that is already traced stays as it is. Any thread may call this.

    >>> session = nutrace.instrument(nutrace.Settings(output="mine.json", summary=False))
    >>> import contextlib, sqlite3
    >>> with contextlib.closing(sqlite3.connect(":memory:")) as database:
    ...     rows = database.execute("SELECT 1").fetchall()
    >>> nutrace.load(nutrace.uninstrument()).statements().text.tolist()
    ['SELECT ?']

    Parameters
    ----------
    settings:
        Options; ``None`` reads ``NUTRACE_*`` variables and ``[tool.nutrace]``.
    probes:
        What to wrap instead of the catalogue.

    Raises
    ------
    NutraceError
        If a setting or a probe is wrong, or the run file cannot be made; nothing is wrapped then.
    """
    return begin(time.thread_time_ns(), settings, probes)


def begin(
    since_ns: int,
    settings: Optional[Settings] = None,
    probes: Optional[Sequence[Probe]] = None,
    *,
    whole_process: bool = False,
) -> Session:
    """:func:`instrument`; what this thread did since a reading of its own clock counts as nutrace's."""
    global _session
    with _lock:
        if _session is not None and _session.finished:
            _session.uninstall()  # its run file is written, and its probes are still there
            _session = None
        if _session is None:
            if settings is None:
                known = inherited(os.environ)
                settings = Settings.load(folder=known.folder if known else None)
            session = Session(settings, probes, whole_process=whole_process)
            session.install()
            _session = session
            started(cancel)
            session.recorder.own_time.count(START, time.thread_time_ns() - since_ns)
        return _session


def active() -> bool:
    """Whether this process is traced."""
    return _session is not None and not _session.finished


def uninstrument() -> Optional[Path]:
    """End tracing: restore every target, write the run file; returns its path, if it has spans.

    >>> session = nutrace.instrument(nutrace.Settings(output="other.json", summary=False))
    >>> with nutrace.span("work"):
    ...     total = sum(range(1000))
    >>> nutrace.uninstrument().name
    'other.json'
    >>> nutrace.uninstrument() is None  # nothing is traced now
    True
    """
    global _session
    with _lock:
        session, _session = _session, None
        if session is None:
            return None
        session.uninstall()
        session.finish()
        context.release()
        process_state.forget_recorder()
        return session.path


def cancel() -> None:
    """End tracing silently and without a file, as nutrace's own commands do."""
    global _session
    with _lock:
        session, _session = _session, None
        if session is not None:
            session.uninstall()
            session.finished = True
            atexit.unregister(session.finish)
            session.recorder.background.stop()
            if session.sampling is not None:
                session.sampling.cancel()
            session.file.discard()
            process_state.forget_recorder()
