"""The real devkit with and without speedups: equal outputs, and as many queries fewer as the figures say.

Compared as ``nutrace verify`` does. What always runs covers each set-up, log and worker, tracing on and
off; NUTRACE_DEVKIT_MATRIX=1 runs all of them with each speedup alone and with all: some 20 s a run.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from devkit import MARKS, SETUPS, STEPS, devkit_environment, run_python, simulate
from fakes.noted import Noted, compared

from nutrace.analysis.database import Database, database
from nutrace.analysis.installed_speedups import InstalledSpeedup, installed_speedups
from nutrace.speedups.registry import SPEEDUPS, chosen
from nutrace.synthetic import LogSpec, write_log
from nutrace.trace import load

pytestmark = [*MARKS, pytest.mark.timeout(900), pytest.mark.xdist_group("devkit-speedups")]

LIGHTS = "traffic_light_cache"
POOL = "connection_pool"
ROWS = "row_cache"
PREFETCH = "scenario_prefetch"
MAPS = "map_cache"
PROPAGATION = "propagation"
BOTH = f"{LIGHTS},{POOL}"
LOGS = ("indexed", "unindexed")
WORKERS = ("sequential", "single_machine_thread_pool")
WITH = (*(row.name for row in SPEEDUPS), "all")
MATRIX = os.environ.get("NUTRACE_DEVKIT_MATRIX", "0") not in ("", "0")
#: Two at a time, so that threads meet in the speedups.
_TWO = "scenario_filter.scenario_types=[following_lane_with_lead,medium_magnitude_speed]"
_TESTS = Path(__file__).parents[1]
#: As if this checkout's start-up file were the installed one.
RUNNER = f"""
import runpy, sys
exec(open({str(_TESTS.parent / "nutrace_autostart.pth")!r}).read())
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Cell:
    """What is simulated, on which log, how."""

    setup: str
    log: str = "indexed"
    worker: str = "sequential"
    scenarios: int = 1

    @property
    def words(self) -> List[str]:
        """For the command line."""
        return [f"worker={self.worker}", *([_TWO] if self.scenarios == 2 else [])]


@dataclass
class Run:
    """A simulation, and what it left."""

    top: Path
    noted: Noted
    stderr: str

    @property
    def traced(self) -> Traced:
        """What its trace says."""
        trace = load(self.top / "run.json")
        by_name = {each.name: each for each in installed_speedups(trace).speedups}
        return Traced(database(trace), by_name)


@dataclass
class Traced:
    """Of a run: its statements, and its speedups' figures."""

    database: Database
    speedups: Dict[str, InstalledSpeedup]

    @property
    def light_queries(self) -> int:
        """How often SQLite was asked for traffic lights."""
        return sum(each.all.count for each in self.database.statements if "traffic_light_status" in each.text)


Runs = Callable[..., Run]


@pytest.fixture(scope="module")
def runs(devkit_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    done: Dict[Any, Run] = {}
    runner = tmp_path_factory.mktemp("runner") / "runner.py"
    runner.write_text(RUNNER, encoding="utf-8")

    def run(cell: Cell, names: str = "", *, traced: bool = False) -> Run:
        key = (cell, names, traced)
        if key not in done:
            top = tmp_path_factory.mktemp("run")
            done[key] = simulated(data_of(cell, devkit_data, top), top, cell, names, runner, traced)
        return done[key]

    return run


def data_of(cell: Cell, data: Path, top: Path) -> Path:
    """The data set; where the log has no index, one of the run's own: it may be given some."""
    if cell.log == "indexed":
        return data
    copy = Path(shutil.copytree(data, top / "data"))
    (log,) = copy.rglob("*.db")
    log.unlink()
    write_log(str(log), LogSpec(seconds=27, indexes=False))
    return copy


def simulated(data: Path, top: Path, cell: Cell, names: str, runner: Path, traced: bool) -> Run:
    noted = Noted(top)
    more = {**noted.variables, "XDG_CACHE_HOME": str(top / "cache")}  # for copies with indexes
    if names:
        more["NUTRACE_SPEEDUPS"] = names
    if traced:
        more.update(NUTRACE="1", NUTRACE_OUTPUT=str(top / "run.json"))
    done = simulate(data, noted.output, cell.setup, runner=[str(runner)], words=cell.words, **more)
    assert done.returncode == 0, done.stderr[-2000:]
    read = run_python(["-m", "nutrace.verify.files", *noted.reading], devkit_environment())
    assert read.returncode == 0, read.stderr[-2000:]
    return Run(top, noted, done.stderr)


def assert_equal(stock: Run, changed: Run, names: str, scenarios: int) -> None:
    comparison = compared(stock.noted, changed.noted)
    assert comparison.differences == []
    assert (comparison.scenarios, comparison.steps, comparison.failed) == (scenarios, scenarios * STEPS, 0)
    assert comparison.files > 4
    assert comparison.values > 1000 * comparison.steps
    assert comparison.opaque == {}
    assert [name for name in comparison.skipped if name.endswith(".parquet")] == []
    speedups = changed.noted.speedups()
    assert list(speedups) == [each.speedup.name for each in chosen(names)]
    assert {name: each["refused"] for name, each in speedups.items() if not each["at_work"]} == {}
    assert stock.noted.speedups() == {}


# Stock on an indexed log, one simulation after another, and with all speedups without indexes, two
# at a time: what they have in common is everything that counts.
SIMPLE = Cell("simple", scenarios=2)
SIMPLE_OTHERWISE = Cell("simple", "unindexed", "single_machine_thread_pool", scenarios=2)
IDM = Cell("idm")
IDM_OTHERWISE = Cell("idm", "unindexed")


def test_open_loop_in_threads_untraced_without_indexes(runs: Runs) -> None:
    changed = runs(SIMPLE_OTHERWISE, "all")
    assert_equal(runs(SIMPLE), changed, "all", scenarios=2)
    (printed,) = [line for line in changed.stderr.splitlines() if "nutrace" in line]
    assert printed.startswith("nutrace: indexes: ")
    figures = {name: each["figures"] for name, each in changed.noted.speedups().items()}
    assert figures[LIGHTS]["hits"] >= 2 * STEPS
    assert figures[POOL]["connections"] <= 15


@pytest.mark.parametrize(("cell", "names"), [(IDM, BOTH), (IDM_OTHERWISE, "all")])
def test_closed_loop_traced(runs: Runs, cell: Cell, names: str) -> None:
    changed = runs(cell, names, traced=True)
    assert_equal(runs(IDM, traced=True), changed, names, scenarios=1)
    printed = [line for line in changed.stderr.splitlines() if "nutrace" in line]
    copied = [line.startswith("nutrace: indexes: ") for line in printed].count(True)
    assert copied == (names == "all")
    assert printed[copied].startswith("nutrace: wrote ")
    assert "fault" not in " ".join(printed)


def test_the_cache_saves_what_it_says(runs: Runs) -> None:
    stock, changed = runs(IDM, traced=True).traced, runs(IDM, BOTH, traced=True).traced
    figures = changed.speedups[LIGHTS].figures
    assert changed.speedups.keys() == {LIGHTS, POOL}
    assert figures["hits"] >= STEPS
    assert changed.database.all.count == stock.database.all.count - figures["hits"]
    assert changed.light_queries == stock.light_queries - figures["hits"] == figures["misses"]
    assert figures["misses"] == figures["entries"] + figures["evictions"] <= STEPS + 1


def test_the_pool_saves_connections_and_no_statement(runs: Runs) -> None:
    stock, changed = runs(IDM, traced=True).traced, runs(IDM, BOTH, traced=True).traced
    figures = changed.speedups[POOL].figures
    saved = changed.speedups[LIGHTS].figures["hits"]
    assert changed.database.all.count == stock.database.all.count - saved == figures["checkouts"]
    # Each query of the stock has a connection of its own.
    assert stock.database.connections.opened == stock.database.all.count
    assert changed.database.connections.opened == figures["connections"] <= 5
    assert changed.database.connections.opened_in_steps <= 1
    assert (figures["waits"], figures["exhausted"], figures["replaced"]) == (0, 0, 0)
    named = {origin.caller.function for each in changed.database.statements for origin, _ in each.origins}
    assert not [name for name in named if name.startswith(("nutrace", "sqlalchemy"))]


def test_memory_saves_what_it_says(runs: Runs) -> None:
    stock, changed = runs(IDM, traced=True).traced, runs(IDM_OTHERWISE, "all", traced=True).traced
    figures = {name: each.figures for name, each in changed.speedups.items()}
    saved = sum(figures[name]["hits"] for name in (LIGHTS, ROWS, PREFETCH))
    read = figures[PREFETCH]
    assert changed.database.all.count == stock.database.all.count - saved + read["statements"]
    assert changed.database.in_steps.count < 0.5 * changed.database.steps
    assert (read["refused"], read["evictions"], figures[ROWS]["evictions"]) == (0, 0, 0)
    assert changed.database.connections.opened < stock.database.connections.opened / 10


def test_the_map_cache_answers_what_the_metrics_ask(runs: Runs) -> None:
    cache = runs(IDM_OTHERWISE, "all", traced=True).traced.speedups[MAPS]
    figures = cache.figures
    assert (cache.at_work, cache.refused) == (1, ())
    assert figures["hits"] > 300 > figures["misses"] >= figures["builds"] > 0
    assert (figures["evictions"], figures["disagreements"], figures["faults"]) == (0, 0, 0)


def test_what_there_was_is_frozen_while_a_simulation_runs(runs: Runs) -> None:
    propagation = runs(IDM_OTHERWISE, "all", traced=True).traced.speedups[PROPAGATION]
    assert (propagation.at_work, propagation.refused, propagation.figures["freezes"]) == (1, (), 1)
    assert propagation.figures["objects_frozen"] > 100_000


@pytest.mark.skipif(not MATRIX, reason="the whole matrix: NUTRACE_DEVKIT_MATRIX=1")
@pytest.mark.parametrize(
    ("setup", "log", "worker", "names"), list(itertools.product(sorted(SETUPS), LOGS, WORKERS, WITH))
)
def test_the_whole_matrix(runs: Runs, setup: str, log: str, worker: str, names: str) -> None:
    cell = Cell(setup, log, worker, scenarios=1 + (worker != "sequential"))
    assert_equal(runs(cell), runs(cell, names), names, cell.scenarios)


_SESSIONS = """
import os, shutil, sqlite3, sys
from nutrace.speedups.active import speedups

log, other = sys.argv[1:]
opened = []

def creator():
    opened.append(sqlite3.connect(f"file:{log}?mode=ro", uri=True, check_same_thread=False))
    return opened[-1]

def names(manager):
    return [row[0] for row in manager.session.execute("SELECT name FROM numbers")]

with speedups("connection_pool") as (installation,):
    from nuplan.database.common.db import SessionManager
    manager = SessionManager(creator)
    print(type(manager.engine.pool).__name__, manager.engine.pool.size(), manager.engine.pool._max_overflow)
    print(names(manager), names(manager), len(opened))
    os.replace(other, log)
    print(names(manager), names(manager), len(opened))
    print(installation.refused, installation.part.stats()["engines"])
print(type(SessionManager(creator).engine.pool).__name__)
"""


def test_engines_of_the_session_manager(tmp_path: Path) -> None:
    files = [tmp_path / "log.db", tmp_path / "other.db"]
    for file in files:
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE numbers (name TEXT)")
        connection.execute("INSERT INTO numbers VALUES (?)", (file.stem,))
        connection.commit()
        connection.close()
    done = run_python(["-c", _SESSIONS, *map(str, files)], devkit_environment())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "QueuePool 5 10",
        "['log'] ['log'] 1",
        "['other'] ['other'] 2",
        " 1",
        "SingletonThreadPool",
    ]
