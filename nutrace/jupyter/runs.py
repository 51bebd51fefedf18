"""Many runs at once: tables with a row's run in its label, of which one run is in memory at a time."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, Mapping, Sequence, Union

from nutrace.errors import InputError
from nutrace.jupyter.pandas_import import import_pandas
from nutrace.trace import Trace
from nutrace.trace.runfiles import exists

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
    <Trace 'runs/new.json': 850 spans, 40 steps>
    >>> runs.steps().duration_ms.groupby("run").max().round(1).to_dict()
    {'base': 71.7, 'new': 103.2}

    Every table has the columns of the table of a single run, and one more label, ``run``, before its others.

    Parameters
    ----------
    files:
        The name of each run, and the path to load it from.
    load:
        What reads a run.
    """

    def __init__(self, files: Mapping[str, str], load: Callable[[str], Trace]) -> None:
        #: The path of each run, by its name.
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

    def _repr_html_(self) -> str:
        from nutrace.jupyter.compared_html import runs_html

        return runs_html(self.files)

    def steps(self) -> DataFrame:
        """The steps of all runs: see :meth:`nutrace.Trace.steps`.

        A component takes 0 ms in the steps of a run that does not have it.

        >>> nutrace.load_many("runs").steps().duration_ms.groupby("run").mean().round(1).to_dict()
        {'base': 42.3, 'new': 52.1}
        """
        frame = self._together(Trace.steps)
        # Were they missing, a component's mean would be that of the runs which have it.
        return frame.fillna({column: 0.0 for column in frame if str(column).endswith("_self_ms")})

    def scenarios(self) -> DataFrame:
        """The scenarios of all runs: see :meth:`nutrace.Trace.scenarios`.

        >>> nutrace.load_many("runs").scenarios().loc["new"].step_p95_ms.round(1).tolist()
        [103.2, 42.2, 80.6, 51.8]
        """
        return self._together(Trace.scenarios)

    def workers(self) -> DataFrame:
        """What each worker did in each run: see :meth:`nutrace.Trace.workers`.

        >>> nutrace.load_many("runs").workers().busy_s.groupby("run").sum().round(1).to_dict()
        {'base': 6.7, 'new': 7.4}
        """
        return self._together(Trace.workers)

    def components(self, each_step: bool = False) -> DataFrame:
        """What components cost in each run: see :meth:`nutrace.Trace.components`.

        >>> table = nutrace.load_many("runs").components().loc[(slice(None), "in steps"), :]
        >>> table.self_ms.unstack("run").round(1).loc[("in steps", "planner")].to_dict()
        {'base': 367.2, 'new': 560.6}
        """
        return self._together(lambda trace: trace.components(each_step))

    def costs(self) -> DataFrame:
        """What each kind of span costs in each run: see :meth:`nutrace.Trace.costs`.

        >>> nutrace.load_many("runs").costs().loc["new"].calls.loc["sqlite3.statement"].tolist()
        [235]
        """
        return self._together(Trace.costs)

    def statements(self) -> DataFrame:
        """The statements of all runs: see :meth:`nutrace.Trace.statements`.

        >>> nutrace.load_many("runs").statements().executions_in_steps.groupby("run").sum().to_dict()
        {'base': 160, 'new': 195}
        """
        return self._together(Trace.statements)

    def deepcopies(self) -> DataFrame:
        """Who makes deep copies in each run: see :meth:`nutrace.Trace.deepcopies`.

        >>> nutrace.load_many("runs").deepcopies().root_calls_in_steps.groupby("run").sum().to_dict()
        {'base': 14, 'new': 15}
        """
        return self._together(Trace.deepcopies)

    def samples(self) -> DataFrame:
        """What sampled spans spend their time in, in each run: see :meth:`nutrace.Trace.samples`.

        >>> nutrace.load_many("runs").samples().empty  # these runs were not sampled
        True
        """
        return self._together(Trace.samples)

    def spans(self, attributes: Sequence[str] = ()) -> DataFrame:
        """The spans of all runs: see :meth:`nutrace.Trace.spans`.

        >>> nutrace.load_many("runs").spans().groupby("run").size().to_dict()
        {'base': 727, 'new': 850}
        """
        return self._together(lambda trace: trace.spans(attributes))

    def _together(self, table: Callable[[Trace], DataFrame]) -> DataFrame:
        pandas = import_pandas()
        # A variable for the run would keep it in memory while the next is read.
        tables = {name: table(self[name]) for name in self}
        if len(tables) > 1:  # what is empty would change the kinds of the others' columns
            tables = {name: each for name, each in tables.items() if len(each)} or tables
            _unite_categories(list(tables.values()))
        frame: DataFrame = pandas.concat(tables, names=["run"])
        return frame


def _unite_categories(tables: Sequence[DataFrame]) -> None:
    """Give columns the categories of all tables: where they differ, pandas joins them as plain values."""
    import_pandas()
    from pandas import CategoricalDtype

    kinds: Dict[str, List[CategoricalDtype]] = {}
    for table in tables:
        for column, kind in table.dtypes.items():
            if isinstance(kind, CategoricalDtype):
                kinds.setdefault(str(column), []).append(kind)
    for column, each in kinds.items():
        united = CategoricalDtype(sorted({value for kind in each for value in kind.categories}))
        for table in tables if len(set(each)) > 1 else ():
            table[column] = table[column].astype(united)


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
        is_pattern = any(sign in path for sign in _PATTERN) and not exists(path)
        matching = sorted(glob.glob(path)) if is_pattern else [path]
        if not matching:
            raise InputError(f"{path}: there is no such file")
        files += run_files(matching)
    return {name: file for file, name in named(files).items()}
