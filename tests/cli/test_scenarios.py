"""``--scenario`` on every command that has ``--steps``, and what the report says of scenarios."""

from __future__ import annotations

import argparse
import fcntl
import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.otlp import RESOURCE, envelope, spans, write

from nutrace.cli.commands import COMMANDS
from nutrace.cli.main import main

C = "nutrace.component"


def _run(token: str, begin: int, steps: int = 3, **more: Any) -> Any:
    """A simulation; each of its steps has a statement and a deep copy."""
    inside = [
        (
            "simulation.step",
            begin + 1000 * at,
            begin + 1000 * at + 900,
            [
                ("sqlite3.statement", begin + 1000 * at + 100, begin + 1000 * at + 200, _STATEMENT),
                ("copy.deepcopy", begin + 1000 * at + 300, begin + 1000 * at + 400, {C: "deepcopy"}),
            ],
            {C: "simulation", "nutrace.step.index": at},
        )
        for at in range(steps)
    ]
    says = {C: "simulation", "nuplan.scenario.token": token, "nuplan.scenario.type": f"type_{token[0]}"}
    says["nuplan.planner.name"] = "SimplePlanner"
    return ("simulation.run", begin, begin + 9000, inside, {**says, **more})


_STATEMENT = {
    C: "database",
    "db.system.name": "sqlite",
    "db.query.text": "SELECT ?",
    "nutrace.sql.statement": "s",
}


@pytest.fixture
def run_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four simulations: one fails and is simulated again, one is cut short."""
    monkeypatch.chdir(tmp_path)
    content = spans(
        _run("aa11", 0),
        _run("ab22", 10_000, steps=2),
        _run("bb33", 20_000, **{"nutrace.unfinished": True}),
        _run("ab22", 30_000),
    )
    failed = next(each for each in content if each["startTimeUnixNano"].endswith("10000000"))
    failed["status"] = {"code": 2, "message": "KeyError"}
    return write(tmp_path / "run.json", envelope(content))


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_report_says_which_scenarios_did_not_go_as_they_should(
    run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "run.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = lines[lines.index("Evaluation") : lines.index("Scenarios")]
    assert [line.split()[0] for line in head[1:-1]] == ["scenarios", "slowest", "workers", "memory", "next"]
    told = "4 scenarios: 2 finished, 1 failed, 1 cut short; 1 of them simulated again. 11 steps."
    assert head[1].partition("scenarios")[2].strip() == told
    at = lines.index("Scenarios")
    rows = [line.split() for line in lines[at + 2 : at + 5]]
    assert rows == [
        ["2", "ab22", "type_a", "SimplePlanner", "failed", "1", "2"],
        ["3", "bb33", "type_b", "SimplePlanner", "cut", "short", "1", "3"],
        ["4", "ab22", "type_a", "SimplePlanner", "finished", "2", "3"],
    ]
    assert lines[at + 5].strip() == ("bb33 was cut short in worker 100, after 3 finished steps")
    assert main(["report", "run.json", "--limit", "1", "--markdown"]) == 0
    assert "and 2 more: --limit 0 shows all" in capsys.readouterr().out
    assert main(["report", "run.json", "--scenario", "aa11"]) == 0
    assert "\nScenarios" not in capsys.readouterr().out
    assert main(["report", "run.json", "--scenario", "type_a"]) == 0
    text = capsys.readouterr().out
    assert "3 scenarios: 2 finished, 1 failed; 1 of them simulated again." in text
    assert "\nEvaluation" not in text


def test_json_has_the_same(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _json(capsys, "report", "run.json")
    assert said["selection"] == ""
    remarkable = said["scenarios"].pop("remarkable")
    assert said["scenarios"] == {"count": 4, "finished": 2, "failed": 1, "cut_short": 1, "retried": 1}
    assert [(each["number"], each["outcome"], each["attempt"], each["steps"]) for each in remarkable] == [
        (2, "failed", 1, 2),
        (3, "cut short", 1, 3),
        (4, "finished", 2, 3),
    ]
    assert list(remarkable[0]) == ["number", "token", "type", "planner", "attempt", "outcome", "steps"]


def test_a_simulation_that_goes_on_is_not_cut_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = spans(_run("aa11", 0, **{"nutrace.unfinished": True}))
    path = write(
        tmp_path / "run.json.partial", envelope(content, {**RESOURCE, "nutrace.run.complete": False})
    )
    for lock, outcome in ((True, "not finished yet"), (False, "cut short")):
        with path.open("rb") as file:
            if lock:  # as the process that writes the file holds it
                fcntl.flock(file, fcntl.LOCK_EX)
            assert main(["report", str(tmp_path / "run.json")]) == 0
        assert f"1 scenario: 1 {outcome}." in capsys.readouterr().out


_COUNTS: Dict[str, Any] = {
    "report": lambda said: said["steps"]["count"],
    "sql": lambda said: said["totals"]["executions"],
    "deepcopy": lambda said: said["root_calls"],
}


@pytest.mark.parametrize("command", _COUNTS)
@pytest.mark.parametrize(
    ("options", "count", "selection"),
    [
        ([], 11, ""),
        (["--scenario", "aa"], 3, "scenario aa11 (type_a)"),
        (["--scenario", "type_a"], 8, "3 scenarios of type type_a"),
        (["--scenario", "3", "--steps", "1:"], 2, "steps from 1 on of scenario bb33 (type_b)"),
        (["--steps", "1:3"], 7, "steps 1 to 2 of each of 4 scenarios"),
    ],
)
def test_each_command_selects(
    run_file: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    options: List[str],
    count: int,
    selection: str,
) -> None:
    said = _json(capsys, command, "run.json", *options)
    assert (_COUNTS[command](said), said["selection"]) == (count, selection)
    assert main([command, "run.json", *options]) == 0
    out = capsys.readouterr().out
    assert f"Only {selection} of the run" in out if selection else "Only " not in out


def test_a_picture_of_a_selection_says_what_it_is(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flamegraph", "run.json", "-f", "svg", "--scenario", "2", "--steps", "1"]) == 0
    assert "3 spans, 1 step (step 1 of scenario ab22 (type_a))" in capsys.readouterr().out
    assert "only step 1 of scenario ab22 (type_a)" in Path("run.flamegraph.svg").read_text()
    assert main(["flamegraph", "run.json", "-f", "svg"]) == 0
    assert "4 scenarios · SimplePlanner" in Path("run.flamegraph.svg").read_text()


#: What else a command needs; every command that has the option is tried.
_MORE = {"whatif": ["planner=0.5"]}


def _with_option(option: str) -> List[str]:
    """The commands that have an option."""
    names = []
    for command in COMMANDS:
        parser = argparse.ArgumentParser()
        command.load().configure(parser)
        if any(option in action.option_strings for action in parser._actions):
            names.append(command.name)
    return names


def test_commands_that_select_steps_select_scenarios() -> None:
    assert set(_with_option("--scenario")) == set(_with_option("--steps")) - {"demo"}


@pytest.mark.parametrize("command", _with_option("--scenario"))
@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ("zz", "no scenario 'zz' in run.json: it has 1: aa11 (type_a), 2: ab22 (type_a), 3: bb33 (type_b)"),
        ("a", "2 tokens begin with 'a': write more of one of aa11, ab22"),
        ("", "bad --scenario '': write a token"),
    ],
)
def test_a_wrong_scenario_is_one_line(
    run_file: Path, capsys: pytest.CaptureFixture[str], command: str, scenario: str, message: str
) -> None:
    assert main([command, "run.json", *_MORE.get(command, []), "--scenario", scenario]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
