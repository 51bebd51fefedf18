"""Join the samples that a run file has, or that a user gives as files, to a trace."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

from nutrace import semconv
from nutrace.sampling.collapsed import read_stacks
from nutrace.sampling.join import NOT_TRACED, Given, join
from nutrace.sampling.stacks import parse
from nutrace.trace.trace import Trace


def with_samples(trace: Trace, files: Sequence[str] = ()) -> Trace:
    """The trace with its samples; the very same trace if it has none.

    Parameters
    ----------
    files:
        Collapsed stacks, as :func:`nutrace.sampling.collapsed.read_stacks` reads them. They take the place
        of the samples in the run file.

    Raises
    ------
    InputError
        If a file cannot be read, or holds no stacks. Damaged samples in the run file are only noted.
    """
    notes: List[str] = []
    stacks = _of_files(trace, files) if files else _of_run(trace, notes)
    return join(trace, stacks, notes) if stacks or notes else trace


def _of_run(trace: Trace, notes: List[str]) -> List[Given]:
    found: List[Given] = []
    for number, resource in enumerate(trace.resources):
        text = resource.attributes.get(semconv.SAMPLES)
        if text is None:
            continue
        try:
            found.append((parse(text), number))
        except (ValueError, TypeError, RecursionError) as error:
            notes.append(f"the samples of process {resource.pid} are left out: {error}")
    return found


def _of_files(trace: Trace, files: Sequence[str]) -> List[Given]:
    by_pid: Dict[int, Optional[int]] = {}
    for number, resource in enumerate(trace.resources):
        if resource.pid is not None:
            # Two hosts may use the same id: then its stacks may be of either.
            by_pid[resource.pid] = None if resource.pid in by_pid else number
    return [(stacks, _process(by_pid, pid)) for file in files for stacks, pid in read_stacks(file)]


def _process(by_pid: Dict[int, Optional[int]], pid: Optional[int]) -> Optional[int]:
    return None if pid is None or not by_pid else by_pid.get(pid, NOT_TRACED)
