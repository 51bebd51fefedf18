"""The miniature simulation with each component and with all: equal outputs, fewer questions."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import pytest
from fakes.noted import Noted, compared
from fakes.programs import finish, start
from test_switching_on import BEGIN

from nutrace import semconv
from nutrace.analysis.database import Database, database
from nutrace.analysis.installed_components import InstalledComponent, installed_components
from nutrace.components.registry import COMPONENTS, chosen
from nutrace.synthetic import LogSpec, write_log
from nutrace.trace import Trace, load
from nutrace.verify import files

STEPS = 20
LIGHTS = "traffic_light_cache"
POOL = "connection_pool"
WITH = (*(row.name for row in COMPONENTS), "all", f"{POOL}:pool_size=0", f"{LIGHTS}:entries=1")

BROKEN = """
import dataclasses, itertools
from nutrace.components.traffic_lights import TrafficLightCache

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


def simulate(folder: Path, log: str, names: str, *, traced: bool, first: str = "") -> Noted:
    noted = Noted(folder)
    program = folder / "program.py"
    program.write_text(
        f"{BEGIN}{first}import sys\nfrom nutrace.demo.__main__ import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    variables = {"NUTRACE_COMPONENTS": names or None, "NUTRACE_SUMMARY": "0" if traced else None}
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
    components = changed.components()
    assert list(components) == [each.component.name for each in chosen(names)]
    assert {name: each["refused"] for name, each in components.items() if each["refused"]} == {}


def test_a_wrong_light_is_found(tmp_path: Path, log: str, stock: Noted) -> None:
    changed = simulate(tmp_path / "run", log, LIGHTS, traced=False, first=BROKEN)
    (found,) = compared(stock, changed).differences
    # The first query of each step misses: it is the planner's. The second one, the history's, hits.
    assert (found.step, found.part, found.field) == (7, "traffic_lights", "[3].status")
    assert (found.stock, found.changed) == ('"green"', '"purple"')


class Traced:
    """A traced run, and what it says."""

    def __init__(self, folder: Path, log: str, names: str) -> None:
        simulate(folder, log, names, traced=True)
        self.trace: Trace = load(folder / "run.json")
        self.database: Database = database(self.trace)
        components = installed_components(self.trace)
        assert components.unsaid == 0
        self.components: Dict[str, InstalledComponent] = {each.name: each for each in components.components}
        lights = [each for each in self.database.statements if "traffic_light_status" in each.text]
        self.light_queries = sum(each.all.count for each in lights)


def test_figures_are_what_the_statements_say(tmp_path: Path, log: str) -> None:
    plain, both = Traced(tmp_path / "plain", log, ""), Traced(tmp_path / "both", log, "all")
    assert plain.components == {}
    cache, pool = both.components[LIGHTS].figures, both.components[POOL].figures
    # Twice a step: for the planner, and for the history.
    assert plain.light_queries == 2 * STEPS
    assert (cache["hits"], cache["misses"]) == (STEPS, STEPS)
    assert both.light_queries == cache["misses"] == cache["entries"]
    assert both.database.all.count == plain.database.all.count - cache["hits"]
    # Each query of the stock has a connection of its own; SQLAlchemy, which reads the metadata, one a file.
    queries, metadata = pool["checkouts"], 2
    assert plain.database.connections.opened == queries + cache["hits"] + metadata > 100
    assert both.database.connections.opened == pool["connections"] + metadata == 1 + metadata


def test_spans_say_what_hit(tmp_path: Path, log: str) -> None:
    run = Traced(tmp_path / "run", log, LIGHTS)
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


def test_evictions_and_connections_of_ones_own(tmp_path: Path, log: str) -> None:
    run = Traced(tmp_path / "run", log, f"{LIGHTS}:entries=1,{POOL}:pool_size=0")
    figures = run.components[LIGHTS].figures
    assert figures["evictions"] == figures["misses"] - 1
    assert figures["entries"] == 1
    assert run.components[POOL].figures["connections"] == run.components[POOL].figures["checkouts"]
    assert run.components[POOL].figures["open"] == 0
