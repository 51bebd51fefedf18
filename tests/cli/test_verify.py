"""``nutrace verify``: equal or the first difference, and one clear line about what cannot be verified."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from fakes.programs import environment

from nutrace.synthetic import LogSpec, write_log

pytestmark = pytest.mark.once

STEPS = 8
LIGHTS = "traffic_light_cache"
START_UP = Path(__file__).parents[2] / "nutrace_autostart.pth"

#: Does `prepare` with the speedups that it is run with, then simulates.
PROGRAM = """
exec(open({start_up!r}).read())
import os, sys
names = os.environ.get("NUTRACE_SPEEDUPS", "")
{prepare}
from nutrace.demo.__main__ import main
sys.exit(main([{log!r}, sys.argv[1], "scenario.frames={frames}"]))
"""

BREAK_LIGHTS = """
if names:
    import dataclasses, itertools
    from nutrace.speedups.traffic_light_cache import TrafficLightCache
    kept, hits = TrafficLightCache._get, itertools.count()
    def wrong(self, key):
        report = kept(self, key)
        if report is not None and next(hits) == 5:
            report[3] = dataclasses.replace(report[3], status="purple")
        return report
    TrafficLightCache._get = wrong
"""
BREAK_METRICS = """
from nutrace.demo.miniature import metrics
if names:
    metrics.Comfort.compute = lambda self, history, scenario: 0.25
"""
RANDOM = """
import random
from nutrace.demo.miniature import planner
planned = planner.IDMPlanner.compute_planner_trajectory
def noisy(self, given):
    trajectory = planned(self, given)
    if given.iteration.index == 3:
        object.__setattr__(trajectory.states[0], "x", random.SystemRandom().random())
    return trajectory
planner.IDMPlanner.compute_planner_trajectory = noisy
"""
CHANGED_AFTERWARDS = """
from nutrace.demo.miniature import simulation
propagated = simulation.Simulation.propagate
def propagate(self, trajectory):
    propagated(self, trajectory)
    if names and len(self.history.samples) == 6:
        object.__setattr__(self.history.samples[2].ego_state, "speed", 99.0)
simulation.Simulation.propagate = propagate
"""
MISFIT = """
if names:
    from nutrace.speedups.queries import seam
    seam.KNOWN["execute_one"] = seam.KNOWN["execute_many"]
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("log") / "log.db")
    write_log(path, LogSpec(seconds=27, agents=5, traffic_lights=6))
    return path


class Verified:
    """The output of the command."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The last line of stderr."""
        return self.err.splitlines()[-1]


Verify = Callable[..., Verified]


@pytest.fixture
def verify(tmp_path: Path, log: str) -> Verify:
    def run(*options: str, prepare: str = "", words: Any = ("{output}",), **variables: str) -> Verified:
        program = tmp_path / "program.py"
        source = PROGRAM.format(start_up=str(START_UP), prepare=prepare, log=log, frames=STEPS + 1)
        program.write_text(source, encoding="utf-8")
        command = [sys.executable, "-m", "nutrace.cli.main", "verify", *options, "--"]
        temporary = tmp_path / "temporary"
        temporary.mkdir(exist_ok=True)
        done = subprocess.run(
            [*command, sys.executable, program.name, *words],
            cwd=tmp_path,
            env=environment(TMPDIR=str(temporary), **variables),
            capture_output=True,
            text=True,
            timeout=100,
        )
        return Verified(done)

    return run


def left(tmp_path: Path) -> List[str]:
    return os.listdir(tmp_path / "temporary")


def test_equal(verify: Verify, tmp_path: Path) -> None:
    # Neither run is traced, even if NUTRACE is set in the shell.
    done = verify("--with", f"{LIGHTS},connection_pool", NUTRACE="1")
    assert (done.code, done.err) == (0, "")
    first, *others = done.out.splitlines()
    assert first.startswith(f"equal: 1 scenario, {STEPS} steps, 1 metric file, ")
    assert others == [
        f"{LIGHTS}: at work",
        "connection_pool: at work",
    ]
    assert left(tmp_path) == []
    assert not [name for name in os.listdir(tmp_path) if name.startswith("run")]


def test_a_wrong_light_is_named(verify: Verify, tmp_path: Path) -> None:
    done = verify("--with", "all", prepare=BREAK_LIGHTS)
    assert (done.code, done.err) == (1, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("different: scenario ")
    assert lines[0].endswith("with IDMPlanner, step 5, traffic_lights[3].status")
    assert lines[1:3] == ['  stock: "green"', '  with:  "purple"']
    assert "run again without speedups, the program gave the same results as the first time" in lines
    (kept,) = left(tmp_path)
    assert lines[-1] == f"both runs are in {tmp_path / 'temporary' / kept}"
    assert sorted(os.listdir(tmp_path / "temporary" / kept)) == ["stock", "stock-again", "with"]


def test_a_wrong_metric_is_named(verify: Verify) -> None:
    done = verify("--with", LIGHTS, "--json", prepare=BREAK_METRICS)
    assert done.code == 1
    (report,) = done.json["differences"]
    assert report["where"].startswith("metrics/")
    assert (report["step"], report["field"], report["with"]) == (None, '["comfort"]["value"]', "0.25")
    assert float(report["stock"]) != 0.25
    assert done.json["repeatable"] is True


def test_a_simulation_log_that_is_missing(verify: Verify) -> None:
    prepare = """
from nutrace.demo.miniature import simulation_log
if names:
    simulation_log.SimulationLog.save_to_file = lambda self: None
"""
    done = verify("--with", LIGHTS, "--json", prepare=prepare)
    (report,) = done.json["differences"]
    assert report["where"].startswith("simulation_log/")
    assert (report["stock"], report["with"]) == ("there", "absent")


def test_what_changes_after_its_step_is_named(verify: Verify) -> None:
    done = verify("--with", LIGHTS, "--json", prepare=CHANGED_AFTERWARDS)
    (report,) = [each for each in done.json["differences"] if each["step"] is not None]
    assert (report["step"], report["part"], report["field"]) == (2, "ego_state in the end", "speed")
    assert report["with"] == "99.0"


def test_a_program_that_does_not_repeat_itself(verify: Verify) -> None:
    done = verify("--with", LIGHTS, prepare=RANDOM)
    assert done.code == 1
    assert "the program does not repeat itself" in done.out
    assert "step 3, trajectory.states[0].x" in done.out.splitlines()[0]


def test_json_and_kept_runs(verify: Verify, tmp_path: Path) -> None:
    done = verify("--with", LIGHTS, "--json", "--keep", "kept")
    report: Dict[str, Any] = done.json
    assert (done.code, report["equal"], report["differences"]) == (0, True, [])
    assert report["compared"].items() >= {"scenarios": 1, "steps": STEPS, "files": 1}.items()
    assert report["speedups"] == [{"name": LIGHTS, "at_work": True}]
    assert report["kept"] == str(tmp_path / "kept")
    for run in ("stock", "with"):
        folder = tmp_path / "kept" / run
        assert sorted(os.listdir(folder / "output")) == ["metrics", "simulation_log"]
        assert "steps with IDMPlanner" in (folder / "stdout.txt").read_text()
    again = verify("--with", LIGHTS, "--keep", "kept")
    assert (again.code, again.out) == (5, "")
    assert again.error == (
        f"nutrace: error: {tmp_path / 'kept'} is not empty: name a new directory with --keep"
    )


def test_a_program_that_fails(verify: Verify, tmp_path: Path) -> None:
    done = verify("--with", LIGHTS, prepare="print('so it is', file=sys.stderr); sys.exit(3)")
    assert (done.code, done.out) == (9, "")
    assert done.err == "so it is\nnutrace: error: the stock run failed: exit code 3\n"
    assert left(tmp_path) == []
    hinted = verify("--with", LIGHTS, prepare="sys.exit(3)", NUPLAN_EXP_ROOT="/mine")
    assert hinted.error.endswith("exit code 3 (NUPLAN_EXP_ROOT was a new folder)")


def test_a_program_that_is_killed(verify: Verify) -> None:
    done = verify("--with", LIGHTS, prepare="os.kill(os.getpid(), 9)")
    assert done.code == 9
    assert done.error == "nutrace: error: the stock run failed: SIGKILL"


def test_a_program_that_fails_with_speedups_is_different(verify: Verify) -> None:
    done = verify("--with", LIGHTS, prepare="if names: raise SystemExit('it broke')")
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[:3] == ["different: the program, end", "  stock: exit code 0", "  with:  exit code 1"]
    assert "  it broke" in lines


def test_a_simulation_that_fails_in_one_run(verify: Verify) -> None:
    prepare = """
from nutrace.demo.miniature import runner
run = runner._run
def careful(each):
    try:
        return run(each)
    except LookupError:
        return runner.RunnerReport("", "", 0)
runner._run = careful
planned = runner.IDMPlanner.compute_planner_trajectory
def plan(self, given):
    if names and given.iteration.index == 4:
        raise LookupError("no way")
    return planned(self, given)
runner.IDMPlanner.compute_planner_trajectory = plan
"""
    done = verify("--with", LIGHTS, prepare=prepare)
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0].endswith("step 4, iteration")
    assert lines[1:3] == ["  stock: went on", "  with:  ended: LookupError: no way"]


def test_nothing_simulated(verify: Verify) -> None:
    done = verify("--with", LIGHTS, prepare="sys.exit()")
    assert (done.code, done.out) == (9, "")
    assert done.error.startswith("nutrace: error: no simulation was seen in the stock run")


def test_simulations_without_a_step_are_not_verified(verify: Verify) -> None:
    prepare = """
from nutrace.demo.miniature import simulation
simulation.Simulation.is_running = lambda self: False
from nutrace.demo.miniature import metrics
metrics.MetricsEngine.compute = lambda self, history, scenario: {}
"""
    done = verify("--with", LIGHTS, prepare=prepare)
    assert (done.code, done.out) == (9, "")
    assert "no step was seen" in done.error


def test_a_speedup_that_does_not_fit_is_not_verified(verify: Verify) -> None:
    done = verify("--with", "connection_pool", prepare=MISFIT)
    assert (done.code, done.out) == (9, "")
    assert "connection_pool does not fit this program, and was not used" in done.error


def test_outputs_that_the_program_names_itself(verify: Verify, tmp_path: Path) -> None:
    done = verify("--with", LIGHTS, words=["mine"])
    assert done.code == 0
    assert done.out.splitlines()[0].startswith(f"equal: 1 scenario, {STEPS} steps, 1 metric file, ")
    assert f"note: both runs wrote into {tmp_path / 'mine'}" in done.out


def test_a_fault_of_ours_is_no_verdict(verify: Verify) -> None:
    prepare = """
from nutrace.verify.canonical import Canonical
if names:
    def text(self, value):
        raise RuntimeError("ours")
    Canonical.text = text
"""
    done = verify("--with", LIGHTS, prepare=prepare)
    assert (done.code, done.out) == (9, "")
    assert done.error.endswith("not everything could be noted: RuntimeError: ours")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ([], 2, "no speedup to verify"),
        (["--with", "foo"], 6, "unknown speedup 'foo'"),
        (["--with", f"{LIGHTS}:entries=0"], 6, "entries is 0"),
        (["--with", LIGHTS, "--keep", "/dev/null/kept"], 5, "cannot make a folder at /dev/null/kept"),
    ],
)
def test_bad_options(verify: Verify, tmp_path: Path, options: List[str], code: int, said: str) -> None:
    done = verify(*options)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("nutrace: error: ")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert left(tmp_path) == []


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nutrace.cli.main", "verify", "--with", LIGHTS]
    for words, code, said in (([], 2, "nothing to run"), (["/no/such"], 3, "cannot run /no/such")):
        done = subprocess.run([*command, "--", *words], env=environment(), capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (code, "")
        assert said in done.stderr
