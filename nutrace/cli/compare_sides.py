"""The run files of the two sides of a comparison: found in folders, loaded one after the other."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Set, Tuple

from nutrace import semconv
from nutrace.bench.record import NAME, loads
from nutrace.cli.progress import progress_bar
from nutrace.comparison import RunFigures, measure
from nutrace.errors import InputError, UsageError
from nutrace.printable import LINE, printable
from nutrace.trace import Trace, load
from nutrace_exporters.registry import FORMATS

_RUN_FILE = re.compile(r"(?P<name>.+\.(json|jsonl|ndjson)(\.gz)?)(\.partial)?\Z")
_SHARD = re.compile(r"\.shard-[^/]*\.partial\Z")
_NUMBER = re.compile(r"(\d+)")


def run_files(names: Sequence[str]) -> List[str]:
    """The run files that a user names: files as they are, and those in folders, in the order of their names.

    Raises
    ------
    InputError
        If a folder has no run files, or has several variants of a benchmark.
    """
    return [file for name in names for file in _files(name)]


def _files(name: str) -> Iterator[str]:
    if not os.path.isdir(name):
        yield name
        return
    try:
        entries = os.listdir(name)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from None
    if NAME in entries:
        variants = sorted(entry for entry in entries if os.path.isdir(os.path.join(name, entry)))
        examples = " or ".join(os.path.join(name, entry) for entry in variants[:2])
        raise InputError(
            f"{name} holds the runs of several variants: name the folder of one, such as {examples}"
        )
    found: Dict[str, None] = {}
    for entry in sorted(entries, key=_natural):
        match = None if _SHARD.search(entry) or entry.endswith(_drawings()) else _RUN_FILE.match(entry)
        if match:
            found[os.path.join(name, match["name"])] = None
    if not found:
        raise InputError(f"{name} has no run files: name a folder with files such as run.json")
    yield from found


def _drawings() -> tuple[str, ...]:
    return tuple(row.suffix for row in FORMATS)


def _natural(name: str) -> List[object]:
    """Sort 2.json before 10.json."""
    return [int(part) if index % 2 else part for index, part in enumerate(_NUMBER.split(name))]


@dataclass
class Sides:
    """Measures run files one at a time, and sees to it that none of them counts twice."""

    _seen: Dict[Tuple[str, str], str] = field(default_factory=dict)

    def measured(self, files: Sequence[str], side: str) -> List[RunFigures]:
        """What comparing needs of each run.

        Raises
        ------
        InputError
            If a file cannot be read.
        UsageError
            If a run is given twice, under whatever name.
        """
        for file in files:
            self._once(("file", os.path.realpath(file)), file)
        figures = []
        for number, file in enumerate(files, 1):
            shown = printable(os.path.basename(file), 30)
            with progress_bar(f"bytes of {side} {number} of {len(files)}, {shown}") as progress:
                trace = load(file, progress=progress)
            for run_id in _run_ids(trace):
                self._once(("run", run_id), file)
            figures.append(_with_load(measure(trace), file))
        return figures

    def _once(self, key: Tuple[str, str], file: str) -> None:
        if key in self._seen:
            before, again = printable(self._seen[key], LINE), printable(file, LINE)
            raise UsageError(f"{before} and {again} are the same run: name it once, on one side")
        self._seen[key] = file


def _with_load(figures: RunFigures, file: str) -> RunFigures:
    """Add the load of the machine, which bench has noted."""
    path = Path(os.path.realpath(file))
    load = loads(path.parent.parent).get(str(path))
    return replace(figures, identity=replace(figures.identity, load=load))


def _run_ids(trace: Trace) -> Set[str]:
    ids = {resource.attributes.get(semconv.RUN_ID) for resource in trace.resources}
    return {run_id for run_id in ids if isinstance(run_id, str) and run_id}
