"""Speedups in processes that multiprocessing starts: results equal, figures of all in the run file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes.programs import finish, start, write
from test_switching_on import BEGIN

from nutrace.analysis.installed_speedups import installed_speedups
from nutrace.synthetic import LogSpec, write_log
from nutrace.trace import load

LIGHTS, POOL = "traffic_light_cache", "connection_pool"
FRAMES = 30
WORK = f"""
import hashlib, multiprocessing, os, pickle, sys

def work(method):
    # As the devkit's workers: modules are imported where the work is done.
    import nutrace
    from nutrace.demo.miniature.scenario import ScenarioBuilder
    digest = hashlib.sha256()
    with nutrace.span("work"):
        options = {{"type": "following_lane_with_lead", "offset_s": -3.0, "subsample": 2, "frames": {FRAMES}}}
        scenario = ScenarioBuilder("log.db").get_scenarios(options)[0]
        for iteration in [*range({FRAMES}), *range({FRAMES})]:
            lights = list(scenario.get_traffic_light_status_at_iteration(iteration))
            digest.update(repr([vars(light) for light in lights]).encode())
    return os.getpid(), digest.hexdigest()

if __name__ == "__main__":
    method = sys.argv[1]
    if method == "none":
        results = [work(method)]
    else:
        if method == "fork":
            work(method)  # a child goes on with what the parent has kept, and counts from zero
        with multiprocessing.get_context(method).Pool(2) as pool:
            results = pool.map(work, [method] * 6, chunksize=1)
            pool.close()
            pool.join()
    print(len({{pid for pid, _ in results}}), {{digest for _, digest in results}})
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("started")
    write_log(str(folder / "log.db"), LogSpec(seconds=27, agents=2, traffic_lights=3))
    return folder / "log.db"


def run(folder: Path, log: Path, method: str, **variables: Any) -> Any:
    folder.mkdir()
    (folder / "log.db").symlink_to(log)
    file = write(folder, BEGIN + WORK)
    # As if the start-up file were this checkout's in every interpreter that is started.
    write(folder, BEGIN, "sitecustomize.py")
    given = {"PYTHONPATH": f"{folder}:{Path(__file__).parents[2]}", "NUTRACE_SUMMARY": None, **variables}
    arguments = ["-W", "ignore", file.name, method]
    ended = finish(folder, start(folder, arguments, traced="NUTRACE_SUMMARY" in variables, variables=given))
    assert (ended.code, ended.err) == (0, "")
    return ended


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, log: Path) -> str:
    return str(run(tmp_path_factory.mktemp("stock") / "run", log, "none").out).partition(" ")[2]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers(tmp_path: Path, log: Path, stock: str, method: str) -> None:
    names = f"{LIGHTS},{POOL}"
    ended = run(tmp_path / "run", log, method, NUTRACE_SPEEDUPS=names, NUTRACE_SUMMARY="0")
    workers, _, digests = ended.out.partition(" ")
    assert digests == stock
    installed = installed_speedups(load(tmp_path / "run" / "run.json"))
    assert installed.unsaid == 0
    speedups = {each.name: each for each in installed.speedups}
    cache, pool = speedups[LIGHTS], speedups[POOL]
    tasks = 6 + (method == "fork")
    assert cache.figures["hits"] + cache.figures["misses"] == tasks * 2 * FRAMES
    busy = [each for each in cache.by_process if any(each.figures.values())]
    # A worker may have been too late for any of the six.
    assert len(busy) == int(workers) + (method == "fork")
    assert len({each.pid for each in cache.by_process}) == cache.processes
    own = 1 if method == "fork" else int(workers)  # who had to load all frames
    assert cache.figures["misses"] == own * FRAMES
    assert pool.figures["checkouts"] == sum(each.figures["checkouts"] for each in pool.by_process)
    assert pool.figures["connections"] == len([each for each in pool.by_process if each.figures["checkouts"]])
    assert pool.figures["in_use"] == 0
