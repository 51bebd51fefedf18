"""``nutrace.load``: read a trace, and know how to show it."""

from __future__ import annotations

import os
from typing import List, Optional, Sequence, Union

from nutrace.analysis.tables import analyse
from nutrace.errors import UsageError
from nutrace.jupyter import VIEWS
from nutrace.jupyter.compared import Compared
from nutrace.jupyter.runs import Runs, found
from nutrace.sampling.attached import with_samples
from nutrace.trace import analysed, reader, views
from nutrace.trace.trace import Trace

#: Files, folders or patterns.
Paths = Union[str, "os.PathLike[str]", Sequence[Union[str, "os.PathLike[str]"]]]


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

    >>> trace = nutrace.load("run.json")
    >>> trace
    <Trace 'run.json': 743 spans, 35 steps>
    >>> nutrace.load("run.json", raw=True).correction.state  # times as recorded, nothing is taken out
    'raw'

    Parameters
    ----------
    path:
        The run file, ``.json``, ``.jsonl`` or ``.json.gz``, of any OpenTelemetry program; ``run.json`` also
        of a run that was cut short or that goes on. Or what ``nutrace export`` has written: the folder with
        one run, or of several ``OUT/spans/run=NAME``. ``-`` is standard input.
    raw:
        Leave times as they were recorded. By default nutrace's own time is taken out of them as far as the
        file says what it was, and the clocks of a run's hosts are aligned where they cannot agree.
    progress:
        Called now and then with (bytes read, bytes in all), of the file as it is on disk.
    phase:
        Called with the name of each phase that follows the reading, when it begins.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, binary, truncated or not OTLP/JSON.
    EmptyTraceError
        If it holds no span.
    MissingDependencyError
        If it is an export, and pyarrow is not installed.
    """
    views.register(VIEWS)
    analysed.register(analyse)
    return with_samples(reader.load(path, raw=raw, progress=progress, phase=phase))


def load_many(*paths: Union[str, os.PathLike[str]], raw: bool = False) -> Runs:
    """Many runs, for tables of all of them: ``nutrace.load_many("runs/*.json").steps()``.

    Runs are read when they are needed, one at a time.

    >>> runs = nutrace.load_many("runs/*.json")
    >>> runs
    <2 runs: base, new>
    >>> runs.scenarios().step_mean_ms.groupby("run").max().round(1).to_dict()
    {'base': 65.2, 'new': 75.9}

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


def compare(
    base: Union[Paths, Runs], new: Union[Paths, Runs], *, raw: bool = False, anyway: bool = False
) -> Compared:
    """Compare two sets of runs, as ``nutrace compare`` does.

    Counts are compared exactly; of times it is said how much may be chance, for which each side needs several
    runs. ``nutrace.compare("bench/base", "bench/cache").verdicts()`` is a table.

    >>> nutrace.compare("bench/base", "bench/cache").verdicts().verdict["steps.p95_ms"]
    'faster'
    >>> base, cache = nutrace.load_many("bench/base"), nutrace.load_many("bench/cache")
    >>> nutrace.compare(base, cache).verdicts().change.round(2)["components.planner.self_ms_per_step"].item()
    -0.16

    Parameters
    ----------
    base, new:
        The runs of each side: run files, folders of them, patterns, or what :func:`load_many` gave.
    raw:
        As in :func:`load`.
    anyway:
        Compare runs that did not finish, were configured differently, or have nothing in common.

    Raises
    ------
    InputError
        If a file cannot be read.
    UsageError
        If a run is given twice, or the runs should not be compared.
    MissingDependencyError
        If numpy or scipy is not installed.
    """
    from nutrace.cli.compare_sides import Sides
    from nutrace.comparison import compare as compared
    from nutrace.comparison.numeric import numeric

    numeric()
    sides = Sides(raw)
    measured = [sides.measured(_files(runs), side) for runs, side in ((base, "base"), (new, "new"))]
    comparison = compared(measured[0], measured[1])
    if comparison.refusals and not anyway:
        raise UsageError(f"{'; '.join(comparison.refusals)}: anyway=True compares them nevertheless")
    return Compared(comparison)


def _files(runs: Union[Paths, Runs]) -> List[str]:
    if isinstance(runs, Runs):
        return list(runs.files.values())
    paths = [runs] if isinstance(runs, (str, os.PathLike)) else list(runs)
    return list(found(paths).values())
