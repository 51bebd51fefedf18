"""Write a simulation's results while it runs: a line of JSON for each part of each step.

The first line says what is simulated, the last one how it ended; a record without a last line is cut
short. Two equal simulations write equal bytes, apart from the time in the first line.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from typing import Any, Dict, List, Mapping, Tuple

from nutrace.verify.canonical import Canonical

BEFORE = -1  # the step of results from before the first step
SUFFIX = ".jsonl.gz"
#: How a simulation ends that a program steps through in a loop of its own.
WITHOUT_RUNNER = "without a runner"
#: Follows the name of a part that has changed since its step.
LATER = " in the end"


class Record:
    """The record of one simulation, written by one thread.

    Parameters
    ----------
    path:
        A file that does not exist yet.
    identity:
        What distinguishes the simulation from the others of the run.
    folder:
        The run's own folder, see :class:`~nutrace.verify.canonical.Canonical`.
    """

    def __init__(self, path: str, identity: Mapping[str, str], folder: str) -> None:
        self.pid = os.getpid()
        self.steps = 0
        self._values = 0
        self.seen_input = False
        self.faults: List[str] = []
        self._canonical = Canonical(folder)
        self._digests: List[Dict[str, bytes]] = []  # for each step's sample, by part
        self._file = gzip.open(path, "wb", compresslevel=1)  # noqa: SIM115
        self._line({"simulation": dict(identity), "began_ns": time.time_ns()})

    def part(self, step: int, name: str, value: Any) -> None:
        """Write one result of a step."""
        self._write(step, name, *self._canonical.text(value))

    def sample(self, step: int, parts: Mapping[str, Any]) -> None:
        """Write what the history holds about a step, by part."""
        digests = {}
        for name, value in parts.items():
            text, values = self._canonical.text(value)
            self._write(step, name, text, values)
            digests[name] = _digest(text)
        self._digests.append(digests)
        self.steps += 1

    def end(self, samples: List[Tuple[int, Mapping[str, Any]]], how: str, speedups: Any) -> None:
        """Write which parts of the history have changed since their step, and how the simulation ended.

        Parameters
        ----------
        samples:
            The whole history: for each sample the step and its parts.
        how:
            ``finished``, the error, or :data:`WITHOUT_RUNNER`.
        speedups:
            Figures of the speedups that were switched on.
        """
        for (step, parts), digests in zip(samples, self._digests):
            for name, value in parts.items():
                text, values = self._canonical.text(value)
                if digests.get(name) != _digest(text):
                    self._write(step, f"{name}{LATER}", text, values)
        self._line(
            {
                "end": how,
                "steps": self.steps,
                "values": self._values,
                "opaque": dict(self._canonical.opaque),
                "faults": self.faults,
                "speedups": speedups,
            }
        )
        self._file.close()

    def _write(self, step: int, name: str, text: str, values: int) -> None:
        head = f'{{"step":{step},"part":{json.dumps(name)},"values":{values},"value":'
        self._values += values
        self._file.write(f"{head}{text}}}\n".encode("ascii"))

    def _line(self, content: Mapping[str, Any]) -> None:
        self._file.write(f"{json.dumps(content)}\n".encode("ascii"))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).digest()
