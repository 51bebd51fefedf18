"""The runs of the two sides of a comparison, measured one after the other."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, List, Sequence, Set, Tuple

from nutrace import semconv
from nutrace.bench.record import loads
from nutrace.cli.options import LOADING, load_with
from nutrace.cli.progress import phases
from nutrace.comparison import RunFigures, measure
from nutrace.errors import UsageError
from nutrace.printable import LINE, printable
from nutrace.trace import Trace


@dataclass
class Sides:
    """Measures run files one at a time, as they were recorded if they are to be `raw`.

    A run that was given before is refused.
    """

    raw: bool = False
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
            with phases(LOADING, f"{side} {number} of {len(files)}, {shown}") as told:
                trace = load_with(told, file, raw=self.raw)
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
    ids = [resource.attributes.get(semconv.RUN_ID) for resource in trace.resources]
    return {run_id for run_id in ids if isinstance(run_id, str) and run_id}
