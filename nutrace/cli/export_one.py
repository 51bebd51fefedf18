"""Convert one run, in a process that does nothing else: its memory goes back when it ends."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import List

from nutrace.errors import NutraceError
from nutrace.loading import load
from nutrace_exporters.output import remove_leftovers, whole_file
from nutrace_exporters.registry import TABLES, find

TOO_LITTLE_MEMORY = "there is too little memory for it: try --jobs 1"


@dataclass(frozen=True)
class Conversion:
    """One run that is to be converted.

    Parameters
    ----------
    file:
        What is loaded.
    run:
        What the run is called in `folder`.
    format:
        A name in :data:`nutrace_exporters.registry.TABLES` or ``FORMATS``.
    """

    file: str
    run: str
    folder: str
    format: str

    def place(self) -> str:
        """What is there if the run was converted: of tables the folder of its spans."""
        if self.is_tables():
            return os.path.join(self.folder, "spans", f"run={self.run}")
        return os.path.join(self.folder, self.run + find(self.format).suffix)

    def clean(self) -> None:
        """Remove what a process that was killed has left."""
        remove_leftovers(self.folder)

    def is_tables(self) -> bool:
        """Whether the format is one of tables."""
        return any(row.name == self.format for row in TABLES)


@dataclass(frozen=True)
class Outcome:
    """How a conversion ended.

    Attributes
    ----------
    spans, steps:
        Of the run, 0 if it failed.
    cut_short:
        Why the run is not whole; "" if it is.
    error, exit_code:
        What went wrong, and the exit code of its kind; "" and 0 if nothing did.
    """

    spans: int = 0
    steps: int = 0
    cut_short: str = ""
    error: str = ""
    exit_code: int = 0


def convert(one: Conversion) -> Outcome:
    """Load the run and write it; what a user can cause is in the outcome."""
    try:
        trace = load(one.file)
        tables = next((row for row in TABLES if row.name == one.format), None)
        if tables is not None:
            tables.load().export(trace, Path(one.folder), one.run)
        else:
            module = find(one.format).load()
            with whole_file(one.place()) as out:
                module.export(trace, out, module.Options())
    except NutraceError as error:
        return Outcome(error=str(error), exit_code=error.exit_code)
    except MemoryError:
        return Outcome(error=TOO_LITTLE_MEMORY, exit_code=NutraceError.exit_code)
    return Outcome(len(trace), len(trace.step_indices), trace.diagnostics.cut_short)


def serve(answers: int, words: List[str]) -> None:
    """Convert what the words say, and write the :class:`Outcome` to a descriptor as JSON."""
    outcome = convert(Conversion(*words))
    with open(answers, "w", encoding="ascii") as out:
        json.dump(asdict(outcome), out)
