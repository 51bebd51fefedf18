"""The recorder notes programs that simulate in threads, in processes and in loops of their own."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any, List

import pytest
from fakes.noted import Noted, compared
from fakes.programs import Ended, run

from nutrace.synthetic import LogSpec, write_log
from nutrace.verify import recorder
from nutrace.verify.compare import CutShortError, ends

pytestmark = pytest.mark.slow

START_UP = Path(__file__).parents[2] / "nutrace_autostart.pth"
STEPS = 4

#: Four scenarios of a log, as runners.
BEGIN = f"""
exec(open({str(START_UP)!r}).read())
import os, sys
from nutrace.demo.miniature.config import compose, group
from nutrace.demo.miniature.runner import build_runner
from nutrace.demo.miniature.scenario import ScenarioBuilder

words = ["scenario.type=medium_magnitude_speed", "scenario.count=6", "scenario.offset_s=0.0"]
config = compose([*words, "scenario.frames={STEPS + 1}"])
scenarios = ScenarioBuilder(os.environ["LOG"]).get_scenarios(group(config, "scenario"))[2:6]
runners = [build_runner(scenario, config, os.environ["OUTPUT"]) for scenario in scenarios]
"""
ONE_BY_ONE = "for runner in runners:\n    runner.run()\n"
THREADS = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda runner: runner.run(), runners))
"""
FORKS = """
for runner in runners:
    if not os.fork():
        runner.run()
        os._exit(0)
for _ in runners:
    assert os.wait()[1] == 0
"""
AGAIN = "build_runner(scenarios[0], config, os.environ['OUTPUT']).run()\n"
OWN_LOOP = """
for runner in runners:
    simulation, planner = runner.simulation, runner.planner
    simulation.initialize()
    planner.initialize(simulation.scenario.map_api, simulation.scenario.get_route_roadblock_ids())
    while simulation.is_running():
        simulation.propagate(planner.compute_planner_trajectory(simulation.get_planner_input()))
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("log") / "log.db")
    write_log(path, LogSpec(seconds=27, agents=5, traffic_lights=6))
    return path


def simulate(folder: Path, log: str, source: str, begin: str = BEGIN) -> tuple[Noted, Ended]:
    noted = Noted(folder)
    variables = {**noted.variables, "LOG": log, "OUTPUT": str(noted.output)}
    return noted, run(folder, begin + source, traced=False, variables=variables)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, log: str) -> Noted:
    noted, ended = simulate(tmp_path_factory.mktemp("stock") / "run", log, ONE_BY_ONE)
    assert (ended.code, ended.err) == (0, "")
    return noted


@pytest.mark.parametrize("source", [ONE_BY_ONE, THREADS, FORKS], ids=["one by one", "threads", "forks"])
def test_the_same_whoever_runs_it(tmp_path: Path, log: str, stock: Noted, source: str) -> None:
    noted, ended = simulate(tmp_path / "run", log, source)
    assert (ended.code, ended.err) == (0, "")
    result = compared(stock, noted)
    assert result.differences == []
    assert (result.scenarios, result.steps) == (4, 4 * STEPS)


def test_a_loop_of_ones_own(tmp_path: Path, log: str) -> None:
    runs: List[Noted] = []
    for name, more in (("one", ""), ("two", "config['planner']['target_velocity'] = 5.0\n")):
        begin = BEGIN.replace("runners = ", f"{more}runners = ")
        noted, ended = simulate(tmp_path / name, log, OWN_LOOP, begin)
        assert (ended.code, ended.err) == (0, "")
        assert [end["steps"] for end in ends(noted.record)] == [STEPS] * 4
        runs.append(noted)
    assert compared(runs[0], runs[0]).equal
    differences = compared(*runs).differences
    assert len(differences) == 4
    assert {(each.step, each.part) for each in differences} == {(0, "trajectory")}


def test_the_same_simulation_twice_is_two(tmp_path: Path, log: str, stock: Noted) -> None:
    noted, ended = simulate(tmp_path / "run", log, ONE_BY_ONE + AGAIN)
    assert (ended.code, ended.err) == (0, "")
    (difference,) = compared(stock, noted).differences
    assert difference.where.endswith("with IDMPlanner, number 2")
    assert (difference.part, difference.stock, difference.changed) == ("simulation", "absent", "simulated")


def test_a_killed_process_is_no_verdict(tmp_path: Path, log: str, stock: Noted) -> None:
    kill = "runners[2].planner.compute_planner_trajectory = lambda given: os.kill(os.getpid(), 9)\n"
    noted, ended = simulate(tmp_path / "run", log, kill + ONE_BY_ONE)
    assert ended.code == -9
    with pytest.raises(CutShortError, match="its process ended"):
        compared(stock, noted)


def test_a_record_that_lost_its_end(tmp_path: Path, log: str, stock: Noted) -> None:
    noted, _ = simulate(tmp_path / "run", log, ONE_BY_ONE)
    path = next(iter(sorted(noted.record.glob("*.gz"))))
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    for cut in (gzip.compress(b"".join(lines[:-1])), path.read_bytes()[:-20], b""):
        path.write_bytes(cut)
        with pytest.raises(CutShortError):
            compared(stock, noted)


def test_a_fault_of_ours_is_no_concern_of_the_program(tmp_path: Path, log: str) -> None:
    prepare = """
from nutrace.verify import record
def part(self, step, name, value):
    raise RuntimeError("ours")
record.Record.part = part
"""
    noted, ended = simulate(tmp_path / "run", log, prepare + THREADS + "print('done')\n")
    assert (ended.code, ended.out) == (0, "done\n")
    assert ended.err == "nutrace: cannot note what is simulated: RuntimeError: ours; the program goes on\n"
    assert {end["faults"][0] for end in ends(noted.record)} == {"RuntimeError: ours"}


def test_a_folder_that_is_gone_is_no_concern_of_the_program(tmp_path: Path, log: str) -> None:
    _, ended = simulate(
        tmp_path / "run",
        log,
        f"import shutil\nshutil.rmtree(os.environ[{recorder.VARIABLE!r}])\n{ONE_BY_ONE}print('done')\n",
    )
    assert (ended.code, ended.out) == (0, "done\n")
    assert ended.err.startswith("nutrace: cannot note what is simulated: FileNotFoundError")
    assert ended.err.count("\n") == 1


def test_nothing_stays(tmp_path: Path) -> None:
    from nutrace.demo.miniature import runner, simulation

    def held() -> Any:
        names = ("initialize", "get_planner_input", "propagate")
        methods = [vars(simulation.Simulation)[name] for name in names]
        return [*methods, vars(runner.SimulationRunner)["run"], runner.run_simulation]

    before = held()
    recorder.start(str(tmp_path))
    try:
        assert all(now is not then for now, then in zip(held(), before))
    finally:
        recorder.stop()
    assert all(now is then for now, then in zip(held(), before))
    assert os.listdir(tmp_path) == []
