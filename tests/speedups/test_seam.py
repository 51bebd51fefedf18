"""Several speedups around the query functions: which is asked first, and what is left when they go."""

from __future__ import annotations

import functools
import itertools
import re
import sqlite3
import sys
import textwrap
import threading
import types
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

import pytest
from asking import settle
from fakes.programs import finish, start, write
from test_switching_on import BEGIN

from nutrace.demo.miniature import queries, query_session
from nutrace.probes.switch import Switch
from nutrace.speedups import active, chosen
from nutrace.speedups.active import speedups
from nutrace.speedups.installation import Installation
from nutrace.speedups.queries import seam
from nutrace.speedups.scenario_prefetch import Options
from nutrace.speedups.scenario_prefetch.part import PLACES, PrefetchPart
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


OWN = query_session.execute_many, query_session.execute_one


def functions() -> Any:
    """The query functions where they are defined, and where they were imported."""
    assert (queries.execute_many, queries.execute_one) == (
        query_session.execute_many,
        query_session.execute_one,
    )
    return query_session.execute_many, query_session.execute_one


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    active.switch_off()
    assert functions() == OWN
    assert seam._ranked == []


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
    by_speedup = figures()
    assert (by_speedup["scenario_prefetch"]["hits"], by_speedup["scenario_prefetch"]["misses"]) == (3, 1)
    # The cache was asked for 1, 350, 350 and 351, and not for what the prefetch reads.
    assert (by_speedup["row_cache"]["hits"], by_speedup["row_cache"]["misses"]) == (1, 3)
    # The three that missed; what the prefetch reads, it reads on connections of its own.
    assert by_speedup["connection_pool"]["checkouts"] == 3


@pytest.mark.parametrize("names", ORDERS)
def test_whoever_leaves_first(log: str, names: Sequence[str]) -> None:
    installations: List[Installation] = [Installation(each) for each in chosen(",".join(NAMES))]
    for each in installations:
        each.install()
    by_name = {each.name: each for each in installations}
    for name in names:
        assert not set(functions()) & set(OWN)
        ask(log, [7])
        by_name[name].uninstall()
    assert functions() == OWN
    ask(log, [7])


def test_what_the_program_puts_around_a_replacement_is_its_own(
    log: str, monkeypatch: Any, capsys: Any
) -> None:
    active.switch_on(chosen("row_cache"))
    called: List[Any] = []

    @functools.wraps(query_session.execute_one)
    def noting(*args: Any) -> Any:
        called.append(args)

    module: Any = types.ModuleType("nutrace_noting")
    module.query = noting
    monkeypatch.setitem(sys.modules, module.__name__, module)
    query_session.execute_one = noting
    try:
        active.switch_on(chosen("indexes"))
        query_session.execute_one(QUERY, (b"1",), log)
        assert called
        assert "indexes does not fit this program: execute_one" in capsys.readouterr().err
        active.switch_off()
        assert (module.query, query_session.execute_one) == (noting, noting)
    finally:
        query_session.execute_one = OWN[1]


def frames_of(names: str, log: str, call: Any) -> List[str]:
    """Names of the functions in the traceback of a query that fails."""
    with speedups(names), pytest.raises(sqlite3.OperationalError, match="no such table: missing") as raised:
        call("SELECT * FROM missing WHERE token = ?", (b"1",), log)
    files = [(Path(entry.path).name, entry.name) for entry in raised.traceback]
    return [name for file, name in files if file == "query_session.py"]


@pytest.mark.parametrize("names", ["", *NAMES, "indexes", "all"])
def test_a_query_that_fails_fails_in_the_programs_own_function(log: str, names: str) -> None:
    assert frames_of(names, log, lambda *args: list(query_session.execute_many(*args))) == ["execute_many"]
    assert frames_of(names, log, lambda *args: query_session.execute_one(*args)) == ["execute_one"]


@pytest.mark.parametrize("level", ["coarse", "normal", "fine"])
@pytest.mark.parametrize("names", ["", *NAMES, "indexes", "traffic_light_cache", "all"])
def test_the_traceback_at_every_level(tmp_path: Path, log: str, names: str, level: str) -> None:
    source = f"""
    import traceback
    from nutrace.demo.miniature import queries, scenario, query_session
    for ask in (query_session.execute_one, lambda *args: list(query_session.execute_many(*args))):
        try:
            ask("SELECT * FROM missing WHERE token = ?", (b"1",), {log!r})
        except Exception:
            print(traceback.format_exc().replace(chr(10), "|"))
    try:
        list(queries.get_traffic_light_status({log!r}, b"1"))
    except Exception:
        print(traceback.format_exc().replace(chr(10), "|"))
    """
    variables = {"NUTRACE": "1", "NUTRACE_LEVEL": level, "NUTRACE_SUMMARY": "0", "NUTRACE_SPEEDUPS": names}
    file = write(tmp_path, BEGIN + textwrap.dedent(source))
    ended = finish(tmp_path, start(tmp_path, [file.name], traced=False, variables=variables))
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert len(lines) == 3
    for line, function in zip(lines, ("execute_one", "execute_many", "execute_many")):
        assert re.search(rf'query_session\.py", line \d+, in {function}\|', line)
        assert line.endswith(("no such table: missing|", "no such table: traffic_light_status|"))


class Recorded:
    """A simulation of the shape that the prefetch knows."""

    def __init__(self, scenario: Any) -> None:
        self.scenario = scenario
        self.begun = 0

    def initialize(self) -> int:
        self.begun += 1
        return self.begun


def test_a_simulation_begins_whatever_its_scenario_is_like(log: str, capsys: Any) -> None:
    part, switch = PrefetchPart(Options()), Switch()
    switch.on()
    initialize = part._replace(PLACES[1], Recorded.initialize, switch)
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
        PrefetchPart(Options())._replace(PLACES[1], lambda self, seed: None, Switch())


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
        assert not set(functions()) & set(OWN)
        assert seam._chain.answers == (rows.part.cache.answer,)
    for name in [name for name in sys.modules if name.partition(".")[0] == "nuplan"]:
        del sys.modules[name]  # for good: monkeypatch would put it back
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("nutrace: scenario_prefetch does not fit this program: ")
    assert line.endswith("Simulation has no initialize; it runs as stock")
