"""The real devkit with and without each component: equal outputs, and as many questions fewer as said.

Traced, as users compare; that tracing changes no output is another test's business. And once untraced.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from devkit import MARKS, SETUPS, devkit_environment, run_python, simulate

from nutrace.analysis.database import Database, database
from nutrace.analysis.installed_components import InstalledComponent, installed_components
from nutrace.trace import load

pytestmark = [*MARKS, pytest.mark.timeout(900), pytest.mark.xdist_group("devkit-components")]

LIGHTS = "traffic_light_cache"
POOL = "connection_pool"
ROWS = "row_cache"
PREFETCH = "scenario_prefetch"
MEMORY = f"{ROWS},{PREFETCH}"
MAPS = "map_cache"
_TESTS = Path(__file__).parents[1]
#: As if this checkout's start-up file were the installed one.
_RUNNER = f"""
import runpy, sys
exec(open({str(_TESTS.parent / "nutrace_autostart.pth")!r}).read())
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass
class Run:
    """A simulation, and what it left."""

    outputs: Any
    database: Database
    components: Dict[str, InstalledComponent]
    stderr: str

    @property
    def light_queries(self) -> int:
        """How often SQLite was asked for traffic lights."""
        return sum(each.all.count for each in self.database.statements if "traffic_light_status" in each.text)


Runs = Callable[[str, str], Run]


@pytest.fixture(scope="module")
def runs(devkit_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    done: Dict[Any, Run] = {}
    runner = tmp_path_factory.mktemp("runner") / "runner.py"
    runner.write_text(_RUNNER, encoding="utf-8")

    def run(setup: str, names: str) -> Run:
        if (setup, names) not in done:
            top = tmp_path_factory.mktemp("run")
            more = {"NUTRACE_COMPONENTS": names} if names else {}
            more.update(NUTRACE="1", NUTRACE_OUTPUT=str(top / "run.json"))
            stderr, outputs = simulated(devkit_data, top, setup, runner, more)
            trace = load(top / "run.json")
            found = {each.name: each for each in installed_components(trace).components}
            done[setup, names] = Run(outputs, database(trace), found, stderr)
        return done[setup, names]

    return run


def simulated(data: Path, top: Path, setup: str, runner: Path, more: Dict[str, str]) -> Any:
    done = simulate(data, top / "out", setup, runner=[str(runner)], **more)
    assert done.returncode == 0, done.stderr[-2000:]
    read = run_python([str(_TESTS / "devkit_outputs.py"), str(top / "out")], devkit_environment())
    assert read.returncode == 0, read.stderr[-2000:]
    return done.stderr, json.loads(read.stdout)


# A run takes a quarter of a minute: each component alone in the closed loop, which asks for more.
@pytest.mark.parametrize(
    ("setup", "names"),
    [("simple", "all"), ("idm", LIGHTS), ("idm", POOL), ("idm", MEMORY), ("idm", "all")],
)
def test_outputs_are_equal(runs: Runs, setup: str, names: str) -> None:
    stock, changed = runs(setup, ""), runs(setup, names)
    (expected,), (found,) = stock.outputs["simulations"], changed.outputs["simulations"]
    assert len(expected["traffic_light_status"]) == 149
    assert len(expected["traffic_light_status"][0]) > 1
    for part, values in expected.items():
        assert found[part] == values, part
    assert changed.outputs == stock.outputs


def test_outputs_are_equal_without_tracing(runs: Runs, devkit_data: Path, tmp_path: Path) -> None:
    runner = tmp_path / "runner.py"
    runner.write_text(
        _RUNNER
        + "from nutrace.components import active\n"
        + "print('figures', active.figures(), 'nutrace.session' in sys.modules, file=sys.stderr)\n",
        encoding="utf-8",
    )
    stderr, outputs = simulated(devkit_data, tmp_path, "simple", runner, {"NUTRACE_COMPONENTS": "all"})
    assert outputs == runs("simple", "").outputs
    (line,) = [line for line in stderr.splitlines() if line.startswith("figures ")]
    said, _, traced = line.partition(" ")[2].rpartition(" ")
    assert traced == "False"
    figures = {name: each["figures"] for name, each in json.loads(said).items()}
    assert figures[LIGHTS]["hits"] == 149
    assert figures[PREFETCH]["hits"] > 900
    assert 0 < figures[ROWS]["misses"] < 50
    assert figures[POOL]["connections"] <= 5


@pytest.mark.parametrize("setup", ["idm"])
def test_the_cache_saves_what_it_says(runs: Runs, setup: str) -> None:
    stock, changed = runs(setup, ""), runs(setup, LIGHTS)
    figures = changed.components[LIGHTS].figures
    assert changed.components.keys() == {LIGHTS}
    assert figures["hits"] >= 149
    assert changed.database.all.count == stock.database.all.count - figures["hits"]
    assert changed.light_queries == stock.light_queries - figures["hits"] == figures["misses"]
    assert figures["misses"] == figures["entries"] + figures["evictions"] <= 150
    # The connections that such a run saves are the queries that it saves, and no others.
    assert changed.database.connections.opened == changed.database.all.count


@pytest.mark.parametrize("setup", ["idm"])
def test_the_pool_saves_connections_and_no_statement(runs: Runs, setup: str) -> None:
    stock, changed = runs(setup, ""), runs(setup, POOL)
    figures = changed.components[POOL].figures
    assert changed.database.all.count == stock.database.all.count == figures["checkouts"]
    assert changed.database.all.rows == stock.database.all.rows
    assert stock.database.connections.opened == stock.database.all.count
    assert changed.database.connections.opened == figures["connections"] <= 5
    assert changed.database.connections.opened_in_steps <= 1
    assert (figures["waits"], figures["exhausted"], figures["replaced"]) == (0, 0, 0)
    named = {where.function for each in changed.database.statements for where, _ in each.callers}
    assert not [name for name in named if name.startswith(("nutrace", "sqlalchemy"))]


@pytest.mark.parametrize(("setup", "names"), [("idm", MEMORY), ("simple", "all"), ("idm", "all")])
def test_memory_saves_what_it_says(runs: Runs, setup: str, names: str) -> None:
    stock, changed = runs(setup, ""), runs(setup, names)
    figures = {name: each.figures for name, each in changed.components.items()}
    saved = sum(figures[name]["hits"] for name in (LIGHTS, ROWS, PREFETCH) if name in figures)
    read = figures[PREFETCH]
    assert changed.database.all.count == stock.database.all.count - saved + read["statements"]
    assert changed.database.in_steps.count < 0.5 * changed.database.steps
    assert (read["refused"], read["evictions"], figures[ROWS]["evictions"]) == (0, 0, 0)
    assert changed.database.connections.opened < stock.database.connections.opened / 10


def test_the_map_cache_answers_what_the_metrics_ask(runs: Runs) -> None:
    cache = runs("idm", "all").components[MAPS]
    figures = cache.figures
    assert (cache.at_work, cache.refused) == (1, ())
    assert figures["hits"] > 1000 > figures["misses"] >= figures["builds"] > 0
    assert (figures["evictions"], figures["disagreements"], figures["faults"]) == (0, 0, 0)


@pytest.mark.parametrize("setup", sorted(SETUPS))
def test_nothing_is_said(runs: Runs, setup: str) -> None:
    said = [line for line in runs(setup, "all").stderr.splitlines() if "nutrace" in line]
    assert said[0].startswith("nutrace: wrote ")
    assert "fault" not in " ".join(said)


_SESSIONS = """
import os, shutil, sqlite3, sys
from nutrace.components.active import components

log, other = sys.argv[1:]
opened = []

def creator():
    opened.append(sqlite3.connect(f"file:{log}?mode=ro", uri=True, check_same_thread=False))
    return opened[-1]

def names(manager):
    return [row[0] for row in manager.session.execute("SELECT name FROM numbers")]

with components("connection_pool") as (installation,):
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
