"""What ``nutrace verify`` has in the program that it starts: notes every step's results.

It stands around the simulation's own methods, so it works for every worker and every configuration,
with a simulation log or without. It reads attributes and changes nothing; what it cannot do it says
in the record, and the program goes on.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import inspect
import itertools
import json
import os
import sys
import threading
import weakref
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from nutrace.probes.engine import Engine
from nutrace.probes.probe import Probe
from nutrace.probes.switch import Switch
from nutrace.recording.faults import say
from nutrace.verify.record import BEFORE, SUFFIX, WITHOUT_RUNNER, Record
from nutrace.verify.shapes import SHAPES, Shape

VARIABLE = "NUTRACE_VERIFY"
PROCESS = "process-"  # begins the names of files about a process

_recorder: Optional[Recorder] = None
_number = itertools.count()


class Recorder(Engine):
    """Stands in the program.

    Parameters
    ----------
    folder:
        Where records go. The run's own outputs, if it is told where to put them, go below the
        folder's parent.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._records: weakref.WeakKeyDictionary[Any, Record] = weakref.WeakKeyDictionary()
        self._outputs: List[str] = []
        self._faults: List[str] = []  # those that no record can hold
        self._said = False
        super().__init__([probe for shape in SHAPES for probe in self._probes(shape)])

    def install(self) -> None:
        """Begin; what a process left open is ended when it ends."""
        super().install()
        self.switch.on()
        atexit.register(self._end_all)

    def uninstall(self) -> None:
        """Leave everything as it was."""
        super().uninstall()
        self._end_all()
        atexit.unregister(self._end_all)

    def _probes(self, shape: Shape) -> Iterator[Probe]:
        around: Tuple[Tuple[str, Any], ...] = (
            (shape.runner, self._run),
            (f"{shape.simulation}.initialize", self._initialize),
            (f"{shape.simulation}.get_planner_input", self._planner_input),
            (f"{shape.simulation}.propagate", self._propagate),
            (shape.outputs, self._place),
        )
        for target, make in around:
            yield Probe(
                target, stand_in=functools.partial(_stand_in, make, shape), distribution=shape.distribution
            )

    # -- around the program's own ------------------------------------------------------------

    def _run(self, shape: Shape, original: Any) -> Any:
        def run(runner: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.switch:
                return original(runner, *args, **kwargs)
            record = self._safely(None, lambda: self._begin(runner.simulation, runner.planner))
            how = "finished"
            try:
                return original(runner, *args, **kwargs)
            except BaseException as error:
                how = f"{type(error).__name__}: {error}"
                raise
            finally:
                self._safely(record, lambda: self._end(runner.simulation, shape, how))

        return run

    def _initialize(self, shape: Shape, original: Any) -> Any:
        def initialize(simulation: Any, *args: Any, **kwargs: Any) -> Any:
            record = self._records.get(simulation)
            if record is not None and record.steps:  # in a loop of somebody's own, once more
                self._safely(record, self._end, simulation, shape, WITHOUT_RUNNER)
            result = original(simulation, *args, **kwargs)
            self._noted(simulation, self._note_beginning, result)
            return result

        return initialize

    def _planner_input(self, shape: Shape, original: Any) -> Any:
        def get_planner_input(simulation: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(simulation, *args, **kwargs)
            self._noted(simulation, self._note_input, result)
            return result

        return get_planner_input

    def _propagate(self, shape: Shape, original: Any) -> Any:
        def propagate(simulation: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return original(simulation, *args, **kwargs)
            finally:
                self._noted(simulation, self._note_sample, simulation, shape)

        return propagate

    def _place(self, shape: Shape, original: Any) -> Any:
        signature = inspect.signature(original)

        def place(*args: Any, **kwargs: Any) -> Any:
            if self.switch:
                self._safely(None, self._note_outputs, shape, signature, args, kwargs)
            return original(*args, **kwargs)

        return place

    # -- what is noted -----------------------------------------------------------------------

    def _begin(self, simulation: Any, planner: Any = None) -> Record:
        scenario = simulation.scenario
        identity = {
            "log": str(scenario.log_name),
            "type": str(scenario.scenario_type),
            "scenario": str(scenario.token),
            "planner": str(planner.name()) if planner is not None else "",
        }
        path = os.path.join(self.folder, f"{os.getpid()}-{next(_number)}{SUFFIX}")
        record = Record(path, identity, os.path.dirname(self.folder))
        self._records[simulation] = record
        self._say_process()
        return record

    def _end(self, simulation: Any, shape: Shape, how: str) -> None:
        record = self._records.pop(simulation, None)
        if record is not None and record.pid == os.getpid():
            samples = [_sample(each) for each in getattr(simulation.history, shape.samples)]
            record.end(samples, how, _speedups())

    def _end_all(self) -> None:
        """Simulations that somebody steps through in a loop of their own end with the process."""
        for simulation, record in list(self._records.items()):
            if record.pid == os.getpid():
                self._safely(record, record.end, [], WITHOUT_RUNNER, _speedups())
                self._records.pop(simulation, None)

    def _note_beginning(self, record: Record, result: Any) -> None:
        for name, value in vars(result).items() if result is not None else ():
            record.part(BEFORE, f"initialization.{name}", value)

    def _note_input(self, record: Record, result: Any) -> None:
        for name, value in vars(result).items():
            # Later on, what comes into the history is a sample first.
            if name != "history" or not record.seen_input:
                record.part(record.steps, f"planner_input.{name}", value)
        record.seen_input = True

    def _note_sample(self, record: Record, simulation: Any, shape: Shape) -> None:
        samples = getattr(simulation.history, shape.samples)
        if len(samples) > record.steps:
            record.sample(*_sample(samples[-1]))

    def _note_outputs(self, shape: Shape, signature: inspect.Signature, args: Any, kwargs: Any) -> None:
        folder = os.path.abspath(str(shape.folder(signature.bind(*args, **kwargs).arguments)))
        if folder not in self._outputs:
            self._outputs.append(folder)
        self._say_process()

    def _say_process(self) -> None:
        content = {
            "executable": sys.executable,
            "outputs": self._outputs,
            "missing": self.missing,
            "faults": self._faults,
        }
        path = os.path.join(self.folder, f"{PROCESS}{os.getpid()}.json")
        passing = f"{path}.{threading.get_ident()}"
        with open(passing, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.replace(passing, path)

    # -- never the program's concern ---------------------------------------------------------

    def _noted(self, simulation: Any, note: Callable[..., None], *more: Any) -> None:
        if not self.switch:
            return
        record = self._records.get(simulation)
        if record is None or record.pid != os.getpid():
            record = self._safely(None, self._begin, simulation)
        if record is not None:
            self._safely(record, note, record, *more)

    def _safely(self, record: Optional[Record], what: Callable[..., Any], *args: Any) -> Any:
        """Law 1: a fault of the recorder is said, and costs the verdict, not the run."""
        try:
            return what(*args)
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            if record is not None:
                record.faults.append(reason)
            else:
                self._faults.append(reason)
                with contextlib.suppress(OSError):
                    self._say_process()
            if not self._said:
                self._said = True
                say(f"cannot note what is simulated: {reason}; the program goes on")
            return None


def _stand_in(make: Callable[[Shape, Any], Any], shape: Shape, original: Any, switch: Switch) -> Any:
    return functools.wraps(original)(make(shape, original))


def _sample(sample: Any) -> Tuple[int, Mapping[str, Any]]:
    return sample.iteration.index, vars(sample)


def _speedups() -> Dict[str, Any]:
    """What the speedups that are switched on in this process say of themselves."""
    active = sys.modules.get("nutrace.speedups.active")
    found: Dict[str, Any] = json.loads((active.figures() if active else "") or "{}")
    return found


def start(folder: str) -> None:
    """Note what this process simulates from now on."""
    global _recorder
    if _recorder is None:
        _recorder = Recorder(folder)
        _recorder.install()


def stop() -> None:
    """Note no more."""
    global _recorder
    if _recorder is not None:
        _recorder.uninstall()
        _recorder = None
