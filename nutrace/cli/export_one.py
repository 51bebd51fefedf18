"""Convert one run, in a process that does nothing else: its memory goes back when it ends."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from nutrace.cli.flamegraph import check_output
from nutrace.errors import NutraceError
from nutrace.loading import load
from nutrace.trace.parquet_format import SPANS
from nutrace_exporters import output, parquetfolder
from nutrace_exporters.parquetfolder import partition
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
    replace:
        Replace what has the name in the folder.
    """

    file: str
    run: str
    folder: str
    format: str
    replace: bool = False

    def place(self) -> str:
        """What is there once the run is converted; of tables the folder of its spans, which comes last."""
        if self.is_tables():
            return os.path.join(self.folder, SPANS, partition(self.run))
        return os.path.join(self.folder, self.run + find(self.format).suffix)

    def is_tables(self) -> bool:
        """Whether the format is one of tables."""
        return any(row.name == self.format for row in TABLES)

    def clean(self) -> None:
        """Remove what a process that was killed has left."""
        if self.is_tables():
            parquetfolder.remove_leftovers(Path(self.folder))
        else:
            output.remove_leftovers(self.folder)


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
            tables.load().export(trace, Path(one.folder), one.run, replace=one.replace)
        else:
            module = find(one.format).load()
            check_output(one.place(), one.file)
            with output.whole_file(one.place()) as out:
                module.export(trace, out, module.Options())
    except NutraceError as error:
        return Outcome(error=str(error), exit_code=error.exit_code)
    except MemoryError:
        return Outcome(error=TOO_LITTLE_MEMORY, exit_code=NutraceError.exit_code)
    return Outcome(len(trace), len(trace.step_indices), trace.diagnostics.cut_short)


def serve(answers: int, text: str) -> None:
    """Convert one run, and write the :class:`Outcome` to a descriptor.

    Parameters
    ----------
    text:
        The :class:`Conversion` as JSON.
    """
    outcome = convert(Conversion(**json.loads(text)))
    # If the process that asked was killed, the run is converted all the same.
    with contextlib.suppress(BrokenPipeError), open(answers, "w", encoding="ascii") as out:
        json.dump(asdict(outcome), out)
