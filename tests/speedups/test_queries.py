"""Several speedups where queries connect: who is asked first, and what is left when they go."""

from __future__ import annotations

import itertools
import sqlite3
import sys
import threading
import types
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

import pytest
from asking import settle

from nutrace.demo.miniature import query_session
from nutrace.probes.switch import Switch
from nutrace.speedups import active, chosen
from nutrace.speedups.active import speedups
from nutrace.speedups.installation import Installation
from nutrace.speedups.scenario_prefetch import PLACES, Options, Part
from nutrace.speedups.speedup import Misfit

NAMES = ("connection_pool", "row_cache", "scenario_prefetch")
ORDERS = list(itertools.permutations(NAMES))
QUERY = "SELECT timestamp FROM lidar_pc WHERE token = ?"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = str(tmp_path_factory.mktemp("log") / "log.db")
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE lidar_pc (token BLOB PRIMARY KEY, timestamp INTEGER)")
    frames = [(b"%08d" % number, number * 50_000) for number in range(400)]
    connection.executemany("INSERT INTO lidar_pc VALUES (?, ?)", frames)
    connection.commit()
    connection.close()
    settle(file)
    return file


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    active.switch_off()
    assert query_session.sqlite3 is sqlite3


def ask(log: str, numbers: Sequence[int]) -> None:
    for number in numbers:
        row = query_session.execute_one(QUERY, (b"%08d" % number,), log)
        assert row is not None
        assert row["timestamp"] == number * 50_000


def figures() -> Dict[str, Any]:
    return {each.name: each.part.stats() for each in active._installations}


@pytest.mark.parametrize("names", ORDERS)
def test_the_order_of_switching_on_is_not_that_of_asking(log: str, names: Sequence[str]) -> None:
    for name in names:
        active.switch_on(chosen(name))
    (prefetch,) = (each.part.prefetch for each in active._installations if each.name == NAMES[2])
    prefetch.begin(log, [b"%08d" % number for number in range(20)])
    ask(log, [1, 2, 3, 4, 350, 350, 351])
    found = figures()
    assert (found["scenario_prefetch"]["hits"], found["scenario_prefetch"]["misses"]) == (3, 1)
    # What the prefetch reads is nobody's question: the cache was asked for 1, 350, 350 and 351.
    assert (found["row_cache"]["hits"], found["row_cache"]["misses"]) == (1, 3)
    assert found["connection_pool"]["checkouts"] == 4


@pytest.mark.parametrize("names", ORDERS)
def test_whoever_leaves_first(log: str, names: Sequence[str]) -> None:
    installations: List[Installation] = [Installation(each) for each in chosen(",".join(NAMES))]
    for each in installations:
        each.install()
    by_name = {each.name: each for each in installations}
    for name in names:
        assert query_session.sqlite3 is not sqlite3
        ask(log, [7])
        by_name[name].uninstall()
    assert query_session.sqlite3 is sqlite3
    ask(log, [7])


def test_each_by_itself_leaves_the_functions_as_they_are(log: str) -> None:
    before = query_session.execute_many, query_session.execute_one
    for name in NAMES:
        with speedups(name):
            ask(log, [1, 1])
            assert (query_session.execute_many, query_session.execute_one) == before
            assert query_session.sqlite3.connect is not sqlite3.connect
            with closing(query_session.sqlite3.connect(":memory:")) as memory:
                assert memory.execute("SELECT 1").fetchone() == (1,)
        assert query_session.sqlite3 is sqlite3


class Recorded:
    """A simulation of the shape that the prefetch knows."""

    def __init__(self, scenario: Any) -> None:
        self.scenario = scenario
        self.begun = 0

    def initialize(self) -> int:
        self.begun += 1
        return self.begun


def test_a_simulation_begins_whatever_its_scenario_is_like(log: str, capsys: Any) -> None:
    part, switch = Part(Options()), Switch()
    switch.on()
    initialize = part._around(PLACES[1], Recorded.initialize, switch)
    frames = [b"%08d" % number for number in range(20)]
    scenario = types.SimpleNamespace(log_file=log, _tokens=frames)
    assert initialize(Recorded(scenario)) == 1
    assert part.prefetch._scenarios.keys() == {threading.get_ident()}
    # Not of a log; without tokens; with tokens that are none; no scenario at all.
    assert initialize(Recorded(types.SimpleNamespace())) == 1
    assert not part.prefetch._scenarios
    assert capsys.readouterr().err == ""
    for odd in (types.SimpleNamespace(log_file=log), types.SimpleNamespace(log_file=log, _tokens=["xyz"])):
        assert initialize(Recorded(odd)) == 1
        assert not part.prefetch._scenarios
    assert "beginning to prefetch a scenario" in capsys.readouterr().err
    switch.off()
    assert initialize(Recorded(scenario)) == 1
    assert not part.prefetch._scenarios


def test_a_simulation_of_another_shape_is_refused() -> None:
    with pytest.raises(Misfit, match="takes other arguments than"):
        Part(Options())._around(PLACES[1], lambda self, seed: None, Switch())


def test_a_devkit_without_such_a_simulation(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    folder = tmp_path / "nuplan" / "planning" / "simulation"
    folder.mkdir(parents=True)
    (folder / "simulation.py").write_text("class Simulation:\n    def start(self): ...\n", encoding="utf-8")
    for each in (folder, folder.parent, folder.parent.parent):
        (each / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with speedups("row_cache,scenario_prefetch") as (rows, prefetch):
        import nuplan.planning.simulation.simulation  # noqa: F401

        assert (rows.refused, prefetch.refused) == ("", "Simulation has no initialize")
        assert query_session.sqlite3 is not sqlite3
    for name in [name for name in sys.modules if name.partition(".")[0] == "nuplan"]:
        del sys.modules[name]  # for good: monkeypatch would put it back
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("nutrace: scenario_prefetch does not fit this program: ")
    assert line.endswith("Simulation has no initialize; it runs as stock")
