"""The miniature simulation with each speedup and with all: equal outputs, fewer questions."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Callable, Dict

import pytest
from fakes.noted import Noted, compared
from fakes.programs import finish, start
from test_switching_on import BEGIN

from nutrace import semconv
from nutrace.analysis.database import Database, database
from nutrace.analysis.installed_speedups import InstalledSpeedup, installed_speedups
from nutrace.speedups.registry import SPEEDUPS, chosen
from nutrace.synthetic import LogSpec, write_log
from nutrace.trace import Trace, load
from nutrace.verify import files

pytestmark = pytest.mark.slow

STEPS = 20
LIGHTS = "traffic_light_cache"
POOL = "connection_pool"
ROWS = "row_cache"
PREFETCH = "scenario_prefetch"
SMALL = (f"{POOL}:pool_size=0", f"{LIGHTS}:entries=1", f"{ROWS}:entries=1,{PREFETCH}:frames=3")
WITH = (*(row.name for row in SPEEDUPS), "all", *SMALL)

BROKEN = """
import dataclasses, itertools
from nutrace.speedups.traffic_lights import TrafficLightCache

kept, hits = TrafficLightCache._get, itertools.count()

def wrong(self, key):
    found = kept(self, key)
    if found is not None and next(hits) == 7:
        found[3] = dataclasses.replace(found[3], status="purple")
    return found

TrafficLightCache._get = wrong
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("log") / "log.db")
    write_log(path, LogSpec(seconds=27, agents=20, traffic_lights=23))
    return path


def demo_program(folder: Path, first: str = "") -> Path:
    program = folder / "program.py"
    program.write_text(
        f"{BEGIN}{first}import sys\nfrom nutrace.demo.__main__ import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    return program


def simulate(folder: Path, log: str, names: str, *, traced: bool, first: str = "") -> Noted:
    noted = Noted(folder)
    program = demo_program(folder, first)
    variables = {"NUTRACE_SPEEDUPS": names or None, "NUTRACE_SUMMARY": "0" if traced else None}
    arguments = [program.name, log, str(noted.output), f"scenario.frames={STEPS + 1}"]
    variables.update(noted.variables)
    ended = finish(folder, start(folder, arguments, traced=traced, variables=variables))
    assert (ended.code, ended.err) == (0, "")
    assert files.main(noted.reading) == 0
    return noted


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, log: str) -> Noted:
    return simulate(tmp_path_factory.mktemp("stock") / "run", log, "", traced=False)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("names", WITH)
def test_outputs_are_equal(tmp_path: Path, log: str, stock: Noted, names: str, traced: bool) -> None:
    changed = simulate(tmp_path / "run", log, names, traced=traced)
    found = compared(stock, changed)
    assert found.differences == []
    assert (found.scenarios, found.steps, found.files, found.failed) == (1, STEPS, 1, 0)
    assert found.values > 600 * STEPS
    assert found.opaque == {}
    speedups = changed.speedups()
    assert list(speedups) == [each.speedup.name for each in chosen(names)]
    assert {name: each["refused"] for name, each in speedups.items() if each["refused"]} == {}


def test_a_wrong_light_is_found(tmp_path: Path, log: str, stock: Noted) -> None:
    changed = simulate(tmp_path / "run", log, LIGHTS, traced=False, first=BROKEN)
    (found,) = compared(stock, changed).differences
    # The first query of each step misses: it is the planner's. The second one, the history's, hits.
    assert (found.step, found.part, found.field) == (7, "traffic_lights", "[3].status")
    assert (found.stock, found.changed) == ('"green"', '"purple"')


@pytest.mark.parametrize("damage", ["pages", "missing", "no database"])
def test_a_bad_log_fails_as_it_does_without(tmp_path: Path, log: str, damage: str) -> None:
    bad = tmp_path / "bad.db"
    if damage == "no database":
        bad.write_text("no database, but text")
    elif damage != "missing":
        shutil.copyfile(log, bad)
    if damage == "pages":  # of one table: the run begins well
        connection = sqlite3.connect(bad)
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'traffic_light_status'"
        (page,) = connection.execute(query).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        with open(bad, "r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
        connection.close()
    found = []
    for names in ("", f"{LIGHTS},{POOL}"):
        folder = tmp_path / (names or "stock")
        folder.mkdir()
        program = demo_program(folder)
        variables = {"NUTRACE_SPEEDUPS": names or None}
        arguments = [program.name, str(bad), "out", "scenario.frames=6"]
        ended = finish(folder, start(folder, arguments, traced=False, variables=variables))
        # What was raised; frames of ours may lie between.
        raised = [line for line in ended.err.splitlines() if not line.startswith((" ", "Traceback", "The "))]
        found.append((ended.code, [line for line in raised if line]))
    assert found[0] == found[1]
    assert found[0][0] == 1
    expected = {"pages": "malformed", "missing": "no such table", "no database": "not a database"}
    assert expected[damage] in " ".join(found[0][1])


class Traced:
    """A traced run, and what it says."""

    def __init__(self, folder: Path, log: str, names: str) -> None:
        simulate(folder, log, names, traced=True)
        self.trace: Trace = load(folder / "run.json")
        self.database: Database = database(self.trace)
        speedups = installed_speedups(self.trace)
        assert speedups.unsaid == 0
        self.speedups: Dict[str, InstalledSpeedup] = {each.name: each for each in speedups.speedups}
        lights = [each for each in self.database.statements if "traffic_light_status" in each.text]
        self.light_queries = sum(each.all.count for each in lights)


Runs = Callable[[str], Traced]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, log: str) -> Runs:
    """Traced runs by what is switched on, each made once."""
    done: Dict[str, Traced] = {}

    def run(names: str) -> Traced:
        if names not in done:
            done[names] = Traced(tmp_path_factory.mktemp("traced") / "run", log, names)
        return done[names]

    return run


def test_figures_are_what_the_statements_say(traced: Runs) -> None:
    plain, both = traced(""), traced(f"{LIGHTS},{POOL}")
    assert plain.speedups == {}
    cache, pool = both.speedups[LIGHTS].figures, both.speedups[POOL].figures
    # Twice a step: for the planner, and for the history.
    assert plain.light_queries == 2 * STEPS
    assert (cache["hits"], cache["misses"]) == (STEPS, STEPS)
    assert both.light_queries == cache["misses"] == cache["entries"]
    assert both.database.all.count == plain.database.all.count - cache["hits"]
    # Each query of the stock has a connection of its own; SQLAlchemy, which reads the metadata, one a file.
    queries, metadata = pool["checkouts"], 2
    assert plain.database.connections.opened == queries + cache["hits"] + metadata > 100
    assert both.database.connections.opened == pool["connections"] + metadata == 1 + metadata


def test_spans_say_what_hit(traced: Runs) -> None:
    run = traced(LIGHTS)
    name = "scenario.get_traffic_light_status_at_iteration"
    # The generator's span: the call's, beside it, is over before anything is looked up.
    spans = [
        span for span in range(len(run.trace)) if run.trace.name[span] == name and run.trace.yielded[span]
    ]
    hits = [run.trace.attributes(span)[semconv.CACHE_HIT] for span in spans]
    assert len(spans) == 2 * STEPS
    assert (hits.count(True), hits.count(False)) == (STEPS, STEPS)
    for span, hit in zip(spans, hits):
        assert run.trace.yielded[span] == 23
        inside = run.trace.name[span + 1 : run.trace.subtree_end[span]]
        assert ("database.get_traffic_light_status" in inside) is not hit


def test_evictions_and_connections_of_ones_own(traced: Runs) -> None:
    run = traced(f"{LIGHTS}:entries=1,{POOL}:pool_size=0")
    figures = run.speedups[LIGHTS].figures
    assert figures["evictions"] == figures["misses"] - 1
    assert figures["entries"] == 1
    assert run.speedups[POOL].figures["connections"] == run.speedups[POOL].figures["checkouts"]
    assert run.speedups[POOL].figures["open"] == 0


def test_the_row_cache_saves_what_it_says(traced: Runs) -> None:
    plain, cached = traced(""), traced(ROWS)
    figures = cached.speedups[ROWS].figures
    # Every repeat; but for those of SQLAlchemy, which reads the metadata, and connects twice.
    assert figures["hits"] == plain.database.repeated - cached.database.repeated > 2 * STEPS
    assert cached.database.repeated <= 1
    assert cached.database.all.count == plain.database.all.count - figures["hits"]
    assert figures["misses"] == figures["entries"] == cached.database.connections.opened - 2
    assert figures["avoided_ns"] > 0


def test_the_prefetch_saves_what_it_says(traced: Runs) -> None:
    plain, read = traced(""), traced(PREFETCH)
    figures = read.speedups[PREFETCH].figures
    assert read.database.all.count == plain.database.all.count - figures["hits"] + figures["statements"]
    assert figures["hits"] > 5 * STEPS
    assert (figures["reads"], figures["refused"]) == (3, 0)
    assert figures["statements"] == 3 * figures["reads"] + 2
    # The first steps read for all.
    assert read.database.in_steps.count < STEPS < plain.database.in_steps.count / 5
    # The spans' callers are the program's.
    named = {where.caller.function for each in read.database.statements for where, _ in each.origins}
    assert not [name for name in named if name.startswith("nutrace.speedups")]


def test_all_together(traced: Runs) -> None:
    plain, run = traced(""), traced("all")
    lights, pool, rows, read = (run.speedups[name].figures for name in (LIGHTS, POOL, ROWS, PREFETCH))
    saved = lights["hits"] + read["hits"] + rows["hits"]
    assert run.database.all.count == plain.database.all.count - saved + read["statements"]
    # The prefetch is asked first, the cache what that has not, and a connection what neither has.
    assert rows["misses"] <= pool["checkouts"] < 30
    assert run.database.connections.opened == pool["connections"] + 2 == 3
    assert run.database.in_steps.count < STEPS


def test_spans_say_what_came_from_memory(traced: Runs) -> None:
    run = traced(f"{ROWS},{PREFETCH}")
    hits = [
        run.trace.attributes(span)[semconv.CACHE_HIT]
        for span in range(len(run.trace))
        if semconv.CACHE_HIT in run.trace.attributes(span)
    ]
    figures = [run.speedups[name].figures for name in (ROWS, PREFETCH)]
    assert hits.count(True) == sum(each["hits"] for each in figures) > 5 * STEPS
    assert hits.count(False) == figures[0]["misses"]
