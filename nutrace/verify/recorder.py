"""Records every step's results in a program that ``nutrace verify`` starts.

It wraps the simulation's own methods, so it works with every worker and every configuration, with or without
a simulation log. It reads attributes and changes nothing. If something fails here, the record says so and the
program goes on.
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

from nutrace import semconv
from nutrace.patching import Patches, Replacement, Switch
from nutrace.recording.faults import one_line, say
from nutrace.recording.resource import contributed
from nutrace.verify.record import BEFORE, SUFFIX, WITHOUT_RUNNER, Record
from nutrace.verify.shapes import SHAPES, Shape

VARIABLE = "NUTRACE_VERIFY"
PROCESS = "process-"  # begins the names of files about a process

_recorder: Optional[StepRecorder] = None
_number = itertools.count()


class StepRecorder:
    """Writes a record of each simulation of this process.

    Parameters
    ----------
    folder:
        Where the records are written. The outputs of a run that is told where to put them are below the
        folder's parent.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._records: weakref.WeakKeyDictionary[Any, Record] = weakref.WeakKeyDictionary()
        self._outputs: List[str] = []
        self._faults: List[str] = []  # those that are no single record's
        self._said = False
        replacements = [each for shape in SHAPES for each in self._replacements(shape)]
        self._patches = Patches(replacements, self._patching_failed)
        self._switch = self._patches.switch

    def install(self) -> None:
        """Begin to record; records that are open when the process ends are ended then."""
        self._patches.install()
        self._switch.on()
        atexit.register(self._end_all)

    def uninstall(self) -> None:
        """Leave everything as it was."""
        self._patches.undo()
        self._end_all()
        atexit.unregister(self._end_all)

    def _replacements(self, shape: Shape) -> Iterator[Replacement]:
        wrappers: Tuple[Tuple[str, Any], ...] = (
            (shape.runner, self._run),
            (f"{shape.simulation}.initialize", self._initialize),
            (f"{shape.simulation}.get_planner_input", self._planner_input),
            (f"{shape.simulation}.propagate", self._propagate),
            (shape.outputs, self._place),
        )
        for target, wrap in wrappers:
            make = functools.partial(_wrapped, wrap, shape)
            yield Replacement(target, make, distribution=shape.distribution)

    # -- wrappers of the program's functions -------------------------------------------------

    def _run(self, shape: Shape, original: Any) -> Any:
        def run(runner: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._switch:
                return original(runner, *args, **kwargs)
            record = self._safely(None, lambda: self._begin(runner.simulation, runner.planner))
            how = "finished"
            try:
                return original(runner, *args, **kwargs)
            except BaseException as error:
                how = one_line(error)
                raise
            finally:
                self._safely(record, lambda: self._end(runner.simulation, shape, how))

        return run

    def _initialize(self, shape: Shape, original: Any) -> Any:
        def initialize(simulation: Any, *args: Any, **kwargs: Any) -> Any:
            record = self._records.get(simulation)
            if record is not None and record.steps:  # a loop without a runner simulates once more
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
            if self._switch:
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
        """End the records of simulations without a runner, which end with the process."""
        for simulation, record in list(self._records.items()):
            if record.pid == os.getpid():
                self._safely(record, record.end, [], WITHOUT_RUNNER, _speedups())
                self._records.pop(simulation, None)

    def _note_beginning(self, record: Record, result: Any) -> None:
        for name, value in vars(result).items() if result is not None else ():
            record.part(BEFORE, f"initialization.{name}", value)

    def _note_input(self, record: Record, result: Any) -> None:
        for name, value in vars(result).items():
            # After the first input, what the history gains is recorded as a sample.
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
            "missing": self._patches.missing,
            "faults": self._faults,
        }
        path = os.path.join(self.folder, f"{PROCESS}{os.getpid()}.json")
        passing = f"{path}.{threading.get_ident()}"
        with open(passing, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.replace(passing, path)

    # -- faults, which never reach the program -----------------------------------------------

    def _noted(self, simulation: Any, note: Callable[..., None], *more: Any) -> None:
        if not self._switch:
            return
        record = self._records.get(simulation)
        if record is None or record.pid != os.getpid():
            record = self._safely(None, self._begin, simulation)
        if record is not None:
            self._safely(record, note, record, *more)

    def _safely(self, record: Optional[Record], what: Callable[..., Any], *args: Any) -> Any:
        """Call; an error costs the verdict, and the program goes on."""
        try:
            return what(*args)
        except Exception as error:
            self._failed(record, error)
            return None

    def _patching_failed(self, where: str) -> None:
        error = sys.exc_info()[1]
        assert error is not None
        self._failed(None, error)

    def _failed(self, record: Optional[Record], error: BaseException) -> None:
        reason = one_line(error)
        if record is not None:
            record.faults.append(reason)
        else:
            self._faults.append(reason)
            with contextlib.suppress(OSError):
                self._say_process()
        if not self._said:
            self._said = True
            say(f"cannot note what is simulated: {reason}; the program goes on")


def _wrapped(wrap: Callable[[Shape, Any], Any], shape: Shape, original: Any, switch: Switch) -> Any:
    return functools.wraps(original)(wrap(shape, original))


def _sample(sample: Any) -> Tuple[int, Mapping[str, Any]]:
    return sample.iteration.index, vars(sample)


def _speedups() -> Dict[str, Any]:
    """Figures of the speedups that are on in this process."""
    figures: Dict[str, Any] = json.loads(contributed().get(semconv.SPEEDUP_FIGURES, "{}"))
    return figures


def start(folder: str) -> None:
    """Begin to record what this process simulates."""
    global _recorder
    if _recorder is None:
        _recorder = StepRecorder(folder)
        _recorder.install()


def stop() -> None:
    """Stop recording."""
    global _recorder
    if _recorder is not None:
        _recorder.uninstall()
        _recorder = None
