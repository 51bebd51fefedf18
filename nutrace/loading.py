"""``nutrace.load``: read a trace, and know how to show it."""

from __future__ import annotations

import os
from typing import Optional, Union

from nutrace.analysis.tables import analyse
from nutrace.jupyter import VIEWS
from nutrace.jupyter.runs import Runs, found
from nutrace.sampling.attached import with_samples
from nutrace.trace import analysed, reader, views
from nutrace.trace.trace import Trace


def load(
    path: Union[str, os.PathLike[str]],
    *,
    raw: bool = False,
    progress: Optional[reader.Progress] = None,
    phase: Optional[reader.Phase] = None,
) -> Trace:
    """Read a trace; as the last line of a notebook's cell it shows itself.

    ``trace.steps()`` and ``trace.spans()`` are pandas tables, ``trace.flamegraph()`` is the
    flamegraph. If the run was sampled, ``trace.samples()`` says what the spans spend their self time in.
    Parameters and errors are those of :func:`nutrace.trace.load`.
    """
    views.register(VIEWS)
    analysed.register(analyse)
    return with_samples(reader.load(path, raw=raw, progress=progress, phase=phase))


def load_many(*paths: Union[str, os.PathLike[str]], raw: bool = False) -> Runs:
    """Many runs, for tables of all of them: ``nutrace.load_many("runs/*.json").steps()``.

    Runs are read when they are needed, one at a time.

    Parameters
    ----------
    paths:
        Run files, folders of them, folders that ``nutrace export`` has written, or patterns.
    raw:
        As in :func:`load`.

    Raises
    ------
    InputError
        If there is no such file, or a folder has no runs. What is wrong with a run is said when it is read.
    """
    return Runs(found(paths), lambda path: load(path, raw=raw))
