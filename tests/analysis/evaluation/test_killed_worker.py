"""A worker that is killed in a scenario, with a real program: what it did is there, and it is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Tuple

import pytest
from fakes.programs import finish, start, write

from nutrace.cli.main import main
from nutrace.synthetic import LogSpec, write_log

PROGRAM = """
    import json, os, signal, sys, time
    from nutrace import session
    from nutrace.demo import probes
    from nutrace.demo.miniature import planner, runner

    session._session.engine.add(probes.PROBES)

    class KilledPlanner(planner.IDMPlanner):
        steps = 0
        def compute_planner_trajectory(self, current_input):
            KilledPlanner.steps += 1
            if KilledPlanner.steps == 5:
                session._session.recorder.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().compute_planner_trajectory(current_input)

    def simulate(name):
        runner.run_simulation(sys.argv[1], sys.argv[2] + name, ["scenario.frames=12"])

    workers = []
    for name in sys.argv[3:]:
        pid = os.fork()
        if not pid:
            if name == "is killed":
                runner.IDMPlanner = KilledPlanner
            simulate(name)
            sys.exit()
        workers.append(pid)
        time.sleep(0.1)  # the first one begins first
    for pid in workers:
        os.waitpid(pid, 0)
    print(json.dumps(dict(zip(sys.argv[3:], workers))))
"""


@pytest.mark.parametrize("workers", [("finishes", "is killed"), ("is killed", "finishes")])
def test_a_killed_worker_is_named(
    workers: Tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = str(tmp_path / "log.db")
    write_log(log, LogSpec(seconds=27, agents=5, traffic_lights=2))
    program = write(tmp_path, PROGRAM)
    variables = {"NUTRACE_FLUSH_SECONDS": "0.1"}
    words = [program.name, log, str(tmp_path / "output"), *workers]
    ended = finish(tmp_path, start(tmp_path, words, variables=variables))
    assert ended.code == 0, ended.err
    pids = json.loads(ended.out)
    finished, killed = str(pids["finishes"]), str(pids["is killed"])
    run = str(tmp_path / "run.json")
    assert main(["scenarios", run, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["complete"]
    rows = {row["worker"]: row for row in said["scenarios"]}
    assert set(rows) == {finished, killed}
    assert (rows[finished]["outcome"], rows[killed]["outcome"]) == ("finished", "cut short")
    assert rows[killed]["steps"] == 4
    assert len({row["scenario"] for row in rows.values()}) == 1, "one token, by two planners"
    assert rows[killed]["memory_end_mb"] > 10
    named = f"was cut short: worker {killed} was killed, or it crashed, after 4 finished steps"
    for command in ("scenarios", "report"):
        assert main([command, run]) == 0
        text = capsys.readouterr().out
        assert "2 scenarios: 1 finished, 1 cut short" in text
        assert named in text
