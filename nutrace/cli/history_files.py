"""Find the run files of a history, and reduce them one by one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from nutrace.cli.progress import progress_bar
from nutrace.cli.run_files import loaded_as, runs_in
from nutrace.comparison import measure
from nutrace.comparison.history import HistoryRun, history_run
from nutrace.errors import InputError
from nutrace.trace import Trace, load
from nutrace.trace.opening import STDIN
from nutrace.trace.parquet_format import exported_runs
from nutrace.trace.runfiles import PARTIAL

Keep = Callable[[HistoryRun], bool]
Use = Callable[[Trace, HistoryRun], None]


@dataclass
class Reading:
    """What was read.

    Attributes
    ----------
    runs:
        The runs of the history.
    left_out:
        Run files that are not in it, with the reason.
    others:
        How many runs were kept out by the user's choice of host, command or branch.
    seen:
        All hosts, commands and branches, for messages.
    """

    runs: List[HistoryRun] = field(default_factory=list)
    left_out: List[Tuple[str, str]] = field(default_factory=list)
    others: int = 0
    seen: Dict[str, Set[str]] = field(default_factory=dict)


def read_runs(names: Sequence[str], keep: Keep, use: Use, *, unfinished: bool, raw: bool = False) -> Reading:
    """Read all run files below some folders; one trace is in memory at a time.

    Parameters
    ----------
    names:
        Folders and run files, as the user typed them.
    keep:
        Whether a run is of the history.
    use:
        Called with each trace that is.
    unfinished:
        Keep runs that were cut short or go on.
    raw:
        Leave times as they were recorded.

    Raises
    ------
    InputError
        If a name does not exist, or there is no run file.
    """
    files = list(dict.fromkeys(file for name in names for file in _files(name)))
    if not files:
        raise InputError(
            f"{', '.join(names)}: no run file in it; make some with "
            "NUTRACE=1 NUTRACE_OUTPUT=FOLDER/run.json python ..."
        )
    reading, ids = Reading(), {}  # type: Reading, Dict[str, str]
    with progress_bar("run files") as progress:
        for number, file in enumerate(files):
            if progress is not None:
                progress(number, len(files))
            reason = _read(file, reading, ids, keep, use, unfinished, raw)
            if reason:
                reading.left_out.append((file, reason))
    return reading


def _read(
    file: str, reading: Reading, ids: Dict[str, str], keep: Keep, use: Use, unfinished: bool, raw: bool
) -> Optional[str]:
    """Read one file; say why it is left out, if it is."""
    try:
        trace = load(file, raw=raw)
    except InputError as error:
        return _without_name(str(error), file)
    diagnostics = trace.diagnostics
    if not diagnostics.complete and not unfinished:
        state = "is still going on" if diagnostics.running else "was cut short"
        return f"the run {state}: --unfinished shows it"
    run = history_run(measure(trace))
    if not run.steps:
        return "it has no finished step"
    earlier = ids.setdefault(run.run_id or os.path.realpath(file), file)
    if earlier != file:
        return f"the same run as {earlier}"
    told = run.circumstances
    for what, value in (("host", told.host), ("command", told.command), ("branch", run.branch)):
        reading.seen.setdefault(what, set()).add(value)
    if not keep(run):
        reading.others += 1
        return None
    reading.runs.append(run)
    use(trace, run)
    return None


def _without_name(message: str, file: str) -> str:
    """An error's message beside the file's name."""
    return re.sub(rf"\A{re.escape(file)}(: | )?", "", message)


def _files(name: str) -> Iterator[str]:
    """Run files below a folder, by name; of a run's files the one by which it is loaded."""
    if name == STDIN:
        raise InputError("- is standard input: name the folder with the run files")
    if not os.path.isdir(name):
        if not os.path.exists(name) and not os.path.exists(name + PARTIAL):
            raise InputError(f"{name} does not exist: name the folder with the run files")
        yield loaded_as(name)
        return
    for folder, folders, _ in os.walk(name):
        folders.sort()
        yield from runs_in(folder)
        if exported_runs(folder):
            folders.clear()  # tables, which are not read one by one
