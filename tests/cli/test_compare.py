"""``nutrace compare``: each exit code, and one clear line for what cannot be compared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest
from fakes.commands import Done, command
from fakes.otlp import document, write
from fakes.programs import environment
from fakes.runs import write_run, write_runs

SCATTER = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002, 0.998)
P50 = "steps.p50_ms > +3%"
STATEMENTS = "database.statements_per_step > +0"


def _compare(*words: object) -> Done:
    return command("compare", *words)


def _side(folder: Path, factor: float = 1.0, runs: int = 7, **options: Any) -> Path:
    # The same scatter on both sides would have no chance in it at all.
    return write_runs(folder, [50 * factor * part for part in SCATTER[:runs]], **options)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return _side(tmp_path / "base")


def _gates(done: Done) -> Any:
    return [(gate["outcome"], gate["reason"]) for gate in json.loads(done.out)["gates"]]


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sides of several kinds."""
    folder = tmp_path_factory.mktemp("sides")
    _side(folder / "base")
    _side(folder / "equal")
    _side(folder / "slower", 1.1, statements=3)
    _side(folder / "few", runs=4)
    write_runs(folder / "wide", [40, 60, 45, 55, 50])
    write_runs(folder / "cut", [50], attributes={"nutrace.run.complete": False})
    return folder


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["base", "--against", "equal"], 0),
        (["base", "--against", "equal", "--fail-if", P50, "--fail-if", STATEMENTS], 0),
        (["base", "--against", "slower", "--fail-if", P50], 1),
        (["base", "--against", "slower", "--fail-if", STATEMENTS], 1),
        (["base", "--against", "equal", "--fail-if", "steps.p50 > 1"], 2),
        (["base", "--against", "missing"], 2),
        (["base"], 2),
        (["base", "--against", "few", "--fail-if", P50], 3),
        (["base", "--against", "wide", "--fail-if", P50], 3),
        (["base", "--against", "cut"], 3),
    ],
)
def test_exit_codes_of_the_command(sides: Path, words: List[str], code: int) -> None:
    command = [sys.executable, "-m", "nutrace.cli.main", "compare", *words]
    done = subprocess.run(command, env=environment(), cwd=sides, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_0_if_no_gate_holds(base: Path, tmp_path: Path) -> None:
    done = _compare(base, "--against", _side(tmp_path / "new"), "--fail-if", P50, "--fail-if", STATEMENTS)
    assert done.code == 0, done.err
    assert done.err == ""
    assert "steps.p50_ms > +3%: does not hold, the tested change is 0.0 %" in done.out


def test_0_without_gates_whatever_differs(base: Path, tmp_path: Path) -> None:
    assert _compare(base, "--against", _side(tmp_path / "new", 2, statements=5)).code == 0


@pytest.mark.parametrize(
    ("gate", "factor", "code"),
    [
        (P50, 1.10, 1),
        (P50, 0.90, 0),
        ("steps.p50_ms > +20%", 1.10, 0),
        ("steps.p50_ms > +2", 1.10, 1),  # ms
        ("steps.p50_ms < -8", 0.90, 0),
        ("steps.p50_ms > 60", 1.10, 0),  # the new side itself
        ("steps.p50_ms > 52", 1.10, 1),
        ("steps.realtime_factor >= 0.5", 1.10, 1),
        ("components.planner.self_ms_per_step > +3%", 1.10, 1),
        ("paths.simulation.step/planner.compute.self_ms_per_step > +3%", 1.10, 1),
        ("steps.p50_ms < +0%", 0.90, 1),
    ],
)
def test_1_if_a_gate_on_a_time_holds(base: Path, tmp_path: Path, gate: str, factor: float, code: int) -> None:
    done = _compare(base, "--against", _side(tmp_path / "new", factor), "--fail-if", gate)
    assert done.code == code, done.out


def test_1_if_a_gate_on_a_count_holds_with_one_run_a_side(tmp_path: Path) -> None:
    base, new = write_run(tmp_path / "a.json", 50), write_run(tmp_path / "b.json", 50, statements=3)
    done = _compare(base, "--against", new, "--fail-if", STATEMENTS, "--json")
    assert done.code == 1
    assert done.err == "nutrace: --fail-if database.statements_per_step > +0: holds, the change is +1\n"
    assert _compare(new, "--against", base, "--fail-if", STATEMENTS).code == 0


def test_1_if_one_holds_and_another_cannot_be_judged(tmp_path: Path) -> None:
    base, new = write_run(tmp_path / "a.json", 50), write_run(tmp_path / "b.json", 50, statements=3)
    done = _compare(base, "--against", new, "--fail-if", STATEMENTS, "--fail-if", P50)
    assert done.code == 1


def test_3_with_fewer_than_five_runs_even_if_nothing_changed(base: Path, tmp_path: Path) -> None:
    new = _side(tmp_path / "new", 1.0, runs=4)
    done = _compare(base, "--against", new, "--fail-if", P50, "--json")
    assert done.code == 3
    assert _gates(done) == [("cannot be judged", "a time needs 5 runs a side, and a side has 4")]
    assert _compare(base, "--against", _side(tmp_path / "n2", 9, runs=4), "--fail-if", P50).code == 3


def test_3_if_the_limit_lies_within_the_interval(tmp_path: Path) -> None:
    wide = [40, 60, 45, 55, 50]
    base, new = write_runs(tmp_path / "a", wide), write_runs(tmp_path / "b", [time + 1 for time in wide])
    done = _compare(base, "--against", new, "--fail-if", P50, "--json")
    assert done.code == 3
    assert _gates(done) == [("cannot be judged", "the limit lies within the interval")]
    assert json.loads(done.out)["gates"][0]["runs_needed"] > 0
    assert "more runs a side would probably decide" in done.err


def test_3_if_a_run_did_not_finish(base: Path, tmp_path: Path) -> None:
    new = _side(tmp_path / "new")
    cut = write_run(new / "08.json", 50, attributes={"nutrace.run.complete": False})
    done = _compare(base, "--against", new, "--fail-if", STATEMENTS)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("nutrace: error: not compared: new has unfinished runs")
    assert str(cut) in done.err
    assert done.err.count("\n") == 1
    done = _compare(base, "--against", new, "--fail-if", STATEMENTS, "--anyway")
    assert done.code == 0
    assert "judged all the same: new has unfinished runs" in done.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"token": "another"}, "no scenario is on both"),
        ({"steps": 0}, "new has no steps"),
        ({"attributes": {"nutrace.settings": '{"level": "coarse"}'}}, "settings of nutrace"),
    ],
)
def test_3_if_the_sides_are_unlike(base: Path, tmp_path: Path, options: Any, said: str) -> None:
    done = _compare(base, "--against", _side(tmp_path / "new", **options))
    assert (done.code, done.out) == (3, "")
    assert said in done.err
    assert done.err.rstrip().endswith("--anyway compares them all the same")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("steps.p50_ms", "cannot read --fail-if"),
        ("steps.p50_ms > 3 % more", "cannot read --fail-if"),
        ("steps.p50_ms > 3%", "> +3%"),
        ("> +3%", "cannot read --fail-if"),
        ("step.p50 > +3%", "did you mean steps.p50_ms"),
        ("nonsense > +3%", "no figure 'nonsense'"),
        ("", "cannot read --fail-if"),
    ],
)
def test_2_for_a_gate_that_says_nothing(base: Path, tmp_path: Path, gate: str, said: str) -> None:
    done = _compare(base, "--against", _side(tmp_path / "new"), "--fail-if", gate)
    assert (done.code, done.out) == (2, "")
    last = done.err.splitlines()[-1]
    assert last.startswith("nutrace: error: ")
    assert said in last


def test_an_unknown_figure_lists_all_figures(base: Path, tmp_path: Path) -> None:
    new = _side(tmp_path / "new")
    listed = _compare(base, "--against", new, "--fail-if", "steps.p5_ms > 1").err.splitlines()[:-1]
    assert set(listed[:2]) == {"steps.p50_ms", "steps.p95_ms"}
    document = json.loads(_compare(base, "--against", new, "--json").out)
    figures = {row["figure"] for row in document["verdicts"]}
    figures |= {
        each[key]["figure"] for each in document["statements"] for key in ("executions", "rows", "time")
    }
    for path in document["paths"]:
        name = f"paths.{'/'.join(path['path'])}"
        figures |= {f"{name}.self_ms_per_step", f"{name}.calls_per_step"}
    assert set(listed) == figures
    for figure in ("statements.abcd.executions_per_step", "statements.abcd.ms_per_step"):
        assert _compare(base, "--against", new, "--fail-if", f"{figure} > +5").code == 0


def _bad(tmp_path: Path, kind: str) -> List[object]:
    base, new = write_run(tmp_path / "a.json", 50), write_run(tmp_path / "b.json", 50)
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.json").write_text("nothing")
    write(tmp_path / "none.json", document(resource={"service.name": "x"}))
    return {
        "no new side": [base],
        "nothing": [],
        "missing": [base, "--against", tmp_path / "c.json"],
        "no trace": [base, "--against", tmp_path / "no.json"],
        "no spans": [base, "--against", tmp_path / "none.json"],
        "empty folder": [base, "--against", tmp_path / "empty"],
        "both sides": [base, "--against", new, base],
        "twice": [base, base, "--against", new],
        "copy": [base, "--against", new, _copy(base, tmp_path / "copy.json")],
        "two forms": [base, "--against", new, "--json", "--markdown"],
        "a folder for the page": [base, "--against", new, "--html", tmp_path],
        "the page over a run": [base, "--against", new, "--html", base],
    }[kind]


def _copy(file: Path, to: Path) -> Path:
    to.write_bytes(file.read_bytes())
    return to


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("no new side", 2, "--against"),
        ("nothing", 2, "BASE"),
        ("missing", 2, "c.json does not exist"),
        ("no trace", 2, "no.json"),
        ("no spans", 2, "none.json"),
        ("empty folder", 2, "empty has no run files"),
        ("both sides", 2, "are the same run"),
        ("twice", 2, "are the same run"),
        ("copy", 2, "are the same run"),
        ("two forms", 2, "not allowed with"),
        ("a folder for the page", 5, "it is a directory"),
        ("the page over a run", 5, "never overwritten"),
    ],
)
def test_bad_usage_and_bad_files(tmp_path: Path, kind: str, code: int, said: str) -> None:
    done = _compare(*_bad(tmp_path, kind))
    assert (done.code, done.out) == (code, "")
    assert said in done.err.splitlines()[-1]
    assert "Traceback" not in done.err


def test_a_folder_of_bench_is_refused_by_name(tmp_path: Path) -> None:
    folder = _side(tmp_path / "bench" / "cache").parent
    (folder / "bench.json").write_text("{}")
    done = _compare(folder, "--against", folder / "cache")
    assert done.code == 2
    assert f"name the folder of one, such as {folder / 'cache'}" in done.err


def test_a_folder_gives_its_runs_and_nothing_else(tmp_path: Path) -> None:
    base = _side(tmp_path / "base", runs=3)
    (base / "01.txt").write_text("printed")
    (base / "01.speedscope.json").write_text("{}")
    os.rename(base / "03.json", base / "03.json.partial")
    new = _side(tmp_path / "new", runs=2)
    done = _compare(base, "--against", new / "01.json", new / "02.json", "--json", "--anyway")
    found = json.loads(done.out)
    assert [os.path.basename(file) for file in found["base"]["files"]] == ["01.json", "02.json", "03.json"]
    assert found["new"]["runs"] == 2


def test_traces_of_other_programs_are_paired_by_span_path(tmp_path: Path) -> None:
    for number in range(5):
        for side, time, start in (("a", 100, 2000 * number), ("b", 150, 2000 * number + 1000)):
            tree = ("GET /", start, start + 900, [("render", start, start + time + number)])
            other = {"service.name": "shop"}
            (tmp_path / side).mkdir(exist_ok=True)
            write(tmp_path / side / f"{number}.json", document(tree, resource=other))
    gate = "paths.GET //render.self_ms_per_step > +10%"
    done = _compare(tmp_path / "a", "--against", tmp_path / "b", "--fail-if", gate, "--json")
    assert done.code == 1, done.err
    assert json.loads(done.out)["paths"][0]["path"] == ["GET /", "render"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_outputs_do_not_change_the_exit_code(tmp_path: Path, closed: str) -> None:
    write_runs(tmp_path / "base", [10.0])
    write_runs(tmp_path / "new", [10.0])
    line = f'"{sys.executable}" -m nutrace.cli.main compare base --against new --fail-if "steps.count > +0"'
    done = subprocess.run(["sh", "-c", f"{line} {closed}"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
