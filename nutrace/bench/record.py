"""What a benchmark writes to ``bench.json``: what is run, in which order, and what came of each run."""

from __future__ import annotations

import json
import os
import random
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, TypedDict

import msgspec

from nutrace.bench.folder import NAME
from nutrace.bench.variants import Variant
from nutrace.errors import InputError, OutputError, UsageError
from nutrace.recording.command_line import without_secrets
from nutrace.text_file import read_text
from nutrace_exporters.output import whole_file

_FORMAT = 1


@dataclass(frozen=True)
class Ran:
    """One run that has ended.

    Attributes
    ----------
    round, place:
        Rounds count from 1 and run each variant once; round 0 is the warm-up. `place` counts all runs.
    file:
        Its run file, relative to the folder of the benchmark; "" if it left none.
    seconds:
        From its start to its end.
    machine:
        The state of the machine before it began: see :func:`nutrace.bench.machine.moment`.
    problem:
        Why it does not count; empty if it does.
    """

    place: int
    round: int
    variant: str
    file: str
    seconds: float
    machine: Mapping[str, Any]
    problem: str = ""


class _Facts(TypedDict):
    """What is needed of :func:`nutrace.bench.machine.machine`."""

    host: str
    processors: int
    governor: Optional[str]


class _Moment(TypedDict):
    """What is needed of :func:`nutrace.bench.machine.moment`."""

    load: Optional[float]
    page_cache_mb: Optional[int]


@dataclass
class _Written:
    """The document in a record."""

    command: List[str]
    variants: List[Dict[str, Any]]
    seed: int
    machine: Dict[str, Any]
    runs: List[Ran]


@dataclass
class Record:
    """A benchmark in a folder."""

    folder: Path
    command: List[str]
    variants: Sequence[Variant]
    seed: int
    machine: Dict[str, Any]
    ran: List[Ran] = field(default_factory=list)

    def order(self, round: int) -> List[Variant]:
        """The variants in the order in which a round runs them: shuffled, and the same for the same seed.

        Variants that ran one after the other in each round would differ by whatever drifts meanwhile.
        """
        order = list(self.variants)
        if round:
            random.Random(f"{self.seed} {round}").shuffle(order)
        return order

    def counted(self, variant: Variant) -> List[Ran]:
        """The runs of a variant that count, in the order of their rounds."""
        runs = [run for run in self.ran if run.variant == variant.name and run.round and not run.problem]
        return sorted(runs, key=lambda run: run.round)

    def done(self, variant: Variant, round: int) -> bool:
        """Whether a variant has run in a round, and without a problem."""
        return any(run.variant == variant.name and run.round == round and not run.problem for run in self.ran)

    def failures(self, variant: Variant) -> int:
        """The number of runs of a variant that do not count, because they failed."""
        return sum(run.variant == variant.name and bool(run.problem) for run in self.ran)

    def path(self, run: Ran) -> str:
        """Its run file."""
        return str(self.folder / run.file)

    def add(self, run: Ran) -> None:
        """Add a run, and write the record.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        self.ran.append(run)
        self.write()

    def write(self) -> None:
        """Write the record to its folder, whole or not at all."""
        document = {
            "format": _FORMAT,
            **_plan(self.command, self.variants),
            "seed": self.seed,
            "machine": self.machine,
            "runs": [asdict(run) for run in self.ran],
        }
        with whole_file(str(self.folder / NAME)) as out:
            out.write((json.dumps(document, indent=1) + "\n").encode())


def begin(
    folder: Path,
    command: Sequence[str],
    variants: Sequence[Variant],
    machine: Dict[str, Any],
    seed: Optional[int],
) -> Record:
    """Make a folder for a new benchmark.

    Raises
    ------
    OutputError
        If it cannot be made, or has files in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.listdir(folder)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}; name another with -o") from error
    if NAME in held:
        raise OutputError(f"{folder} has a benchmark: continue it with --resume, or name another with -o")
    if held:
        raise OutputError(f"{folder} is not empty: name a new folder with -o")
    chosen = random.SystemRandom().randrange(10**6) if seed is None else seed
    record = Record(folder, list(command), list(variants), chosen, machine)
    record.write()
    return record


def resume(folder: Path, command: Sequence[str], variants: Sequence[Variant]) -> Record:
    """Read the record of a benchmark that was interrupted; runs whose files are gone do not count.

    Raises
    ------
    InputError
        If there is none, or it cannot be read.
    UsageError
        If it is the record of another command, or of other variants.
    """
    path = folder / NAME
    try:
        written = _read(folder)
    except OSError as error:
        raise InputError(f"cannot resume: {path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"cannot resume: {path} is no record of a benchmark: {error}") from None
    if {"command": written.command, "variants": written.variants} != _plan(command, variants):
        raise UsageError(f"{path} is of another command or of other variants: give those, or another -o")
    record = Record(folder, list(command), list(variants), written.seed, written.machine)
    record.ran = [run for run in written.runs if run.problem or os.path.exists(record.path(run))]
    return record


def loads(folder: Path) -> Dict[str, float]:
    """The load of the machine before each run of a benchmark, by the real path of the run file.

    It is empty if the folder has no record, or none that can be read.
    """
    try:
        written = _read(folder)
    except (OSError, ValueError):
        return {}
    shares = {run.file: load_share(run, written.machine) for run in written.runs if run.file}
    return {os.path.realpath(folder / file): share for file, share in shares.items() if share is not None}


def _read(folder: Path) -> _Written:
    """Read a record; raises ValueError if it is none."""
    document = json.loads(read_text(folder / NAME))
    try:
        written = msgspec.convert(document, _Written)
        msgspec.convert(written.machine, _Facts)
        for run in written.runs:
            msgspec.convert(run.machine, _Moment)
    except msgspec.ValidationError as error:  # a ValueError in later versions only
        raise ValueError(str(error)) from None
    return written


def load_share(run: Ran, machine: Mapping[str, Any]) -> Optional[float]:
    """The load average before a run, for each processor; None if it is not known.

    The program that ran just before, of the same benchmark, counts for one.
    """
    load = run.machine.get("load")
    if load is None:
        return None
    own = 1.0 if run.place > 1 else 0.0
    return float(max(load - own, 0.0) / max(machine["processors"], 1))


def _plan(command: Sequence[str], variants: Sequence[Variant]) -> Dict[str, Any]:
    """What is run, without what looks like a secret."""
    return {
        "command": without_secrets(command),
        "variants": [
            {
                "name": variant.name,
                "speedups": variant.speedups,
                "environment": without_secrets(
                    f"{name}={value}" for name, value in variant.environment.items()
                ),
                "command": without_secrets(variant.command),
            }
            for variant in variants
        ],
    }
