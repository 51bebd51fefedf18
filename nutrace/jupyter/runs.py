"""Many runs at once: tables with a row's run in its label, of which one run is in memory at a time."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING, Callable, Dict, Iterator, Mapping, Sequence, Union

from nutrace.errors import InputError
from nutrace.jupyter.pandas_import import import_pandas
from nutrace.trace import Trace

if TYPE_CHECKING:
    from pandas import DataFrame

Path = Union[str, "os.PathLike[str]"]
_PATTERN = "*?["


class Runs(Mapping[str, Trace]):
    """Runs by their names; a run is read each time that it is asked for.

    >>> runs = nutrace.load_many("runs/*.json")
    >>> list(runs)
    ['base', 'new']
    >>> runs["new"]
    <Trace 'runs/new.json': 31 spans, 5 steps>
    >>> runs.steps().duration_ms.groupby("run").max().round(3).to_dict()
    {'base': 0.064, 'new': 0.064}

    Every table has the columns of the table of a single run, and one more label, ``run``, before its others.

    Parameters
    ----------
    files:
        The name of each run, and what loads it.
    load:
        What reads a run.
    """

    def __init__(self, files: Mapping[str, str], load: Callable[[str], Trace]) -> None:
        #: What loads each run, by its name.
        self.files: Dict[str, str] = dict(files)
        self._load = load

    def __getitem__(self, name: str) -> Trace:
        return self._load(self.files[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        return f"<{len(self):,} runs: {', '.join(list(self)[:5])}{', ...' if len(self) > 5 else ''}>"

    def steps(self) -> DataFrame:
        """The steps of all runs: see :meth:`nutrace.Trace.steps`."""
        return self._together(Trace.steps)

    def scenarios(self) -> DataFrame:
        """The scenarios of all runs: see :meth:`nutrace.Trace.scenarios`."""
        return self._together(Trace.scenarios)

    def components(self, each_step: bool = False) -> DataFrame:
        """What components cost in each run: see :meth:`nutrace.Trace.components`."""
        return self._together(lambda trace: trace.components(each_step))

    def costs(self) -> DataFrame:
        """What each kind of span costs in each run: see :meth:`nutrace.Trace.costs`."""
        return self._together(Trace.costs)

    def statements(self) -> DataFrame:
        """The statements of all runs: see :meth:`nutrace.Trace.statements`."""
        return self._together(Trace.statements)

    def deepcopies(self) -> DataFrame:
        """Who makes deep copies in each run: see :meth:`nutrace.Trace.deepcopies`."""
        return self._together(Trace.deepcopies)

    def samples(self) -> DataFrame:
        """What sampled spans spend their time in, in each run: see :meth:`nutrace.Trace.samples`."""
        return self._together(Trace.samples)

    def spans(self, attributes: Sequence[str] = ()) -> DataFrame:
        """The spans of all runs: see :meth:`nutrace.Trace.spans`."""
        return self._together(lambda trace: trace.spans(attributes))

    def _together(self, table: Callable[[Trace], DataFrame]) -> DataFrame:
        pandas = import_pandas()
        tables = {name: table(trace) for name, trace in self.items()}
        if len(tables) > 1:  # what is empty would change the kinds of the others' columns
            tables = {name: each for name, each in tables.items() if len(each)} or tables
        frame: DataFrame = pandas.concat(tables, names=["run"])
        return frame


def found(paths: Sequence[Path]) -> Dict[str, str]:
    """The runs that a user names, by files, folders, and patterns such as ``runs/*.json``.

    Raises
    ------
    InputError
        If there is no such file, or a folder has no runs.
    """
    from nutrace.cli.export_names import named  # a run is called the same wherever it is one of many
    from nutrace.cli.run_files import run_files

    files = []
    for path in (os.fspath(each) for each in paths):
        matching = sorted(glob.glob(path)) if any(sign in path for sign in _PATTERN) else [path]
        if not matching:
            raise InputError(f"{path}: there is no such file")
        files += run_files(matching)
    return {name: file for file, name in named(files).items()}
