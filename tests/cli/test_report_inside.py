"""What ``nutrace report`` says of samples: those in the run file, and those given by --samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from fakes.otlp import RESOURCE, document, write

from nutrace import semconv
from nutrace.cli.main import main
from nutrace.sampling.stacks import Stacks

C = "nutrace.component"
PLANNER = "/home/me/project/planner/very_long_folder_name/planner.py"


def _code(component: str, name: str, line: int, **more: Any) -> Dict[str, Any]:
    place = {"code.function.name": name, "code.file.path": PLANNER, "code.line.number": line}
    return {C: component, **place, **more}


def _tree() -> Any:
    steps = []
    for index in range(10):
        begin = 100_000 * index
        plan = (
            "planner.compute",
            begin + 1000,
            begin + 81_000,
            _code("planner", "planner.Planner.compute", 10),
        )
        attributes = {C: "simulation", semconv.STEP_INDEX: index, semconv.BLOCK: True}
        steps.append(("simulation.step", begin, begin + 90_000, [plan], attributes))
    return ("simulation.run", 0, 2_000_000, steps, _code("simulation", "runner.Runner.run", 2))


def _stacks() -> Stacks:
    run, compute = ("Runner.run", PLANNER, 2), ("Planner.compute", PLANNER, 10)
    search, score = ("Planner.search", PLANNER, 30), ("score", PLANNER, 50)
    stacks = Stacks("py-spy 0.4.3", 100.0)
    stacks.add([run], 20)
    stacks.add([run, compute], 10)
    stacks.add([run, compute, search], 30)
    stacks.add([run, compute, search, score], 60)
    for number in range(5):
        stacks.add([run, compute, (f"rare_{number}", PLANNER, 60 + number)], 2)
    stacks.add([("idle", "/lib/threads.py", 5)], 40)
    stacks.notes.append("It was behind for 1 s.")
    return stacks


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    resource = {**RESOURCE, semconv.SAMPLES: _stacks().text()}
    return write(tmp_path / "run.json", document(_tree(), resource=resource))


@pytest.fixture
def unsampled(tmp_path: Path) -> Path:
    return write(tmp_path / "plain.json", document(_tree()))


def _report(capsys: pytest.CaptureFixture[str], *words: Any) -> Tuple[int, str, str]:
    code = main(["report", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def _section(text: str, heading: str) -> List[str]:
    lines = text.splitlines()
    begin = lines.index(heading)
    end = next(i for i in range(begin, len(lines)) if lines[i].startswith("Spans with"))
    return lines[begin:end]


def test_the_largest_spans(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _report(capsys, run_file)
    assert code == 0
    assert "\n".join(_section(out, "Inside the largest spans")) == (
        "Inside the largest spans\n"
        "  What they spend their self time in, divided as the samples of py-spy 0.4.3 at 100 Hz are.\n"
        "\n"
        "  planner.compute: planner, 80.00 ms of self time per step, 110 samples\n"
        "  function        own/step ms  total/step ms  of self       95 %  samples  where\n"
        "  Planner.search        21.82          65.45   81.8 %  73.6-87.9       90  planner.py:30\n"
        "  score                 43.64          43.64   54.5 %  45.2-63.5       60  planner.py:50\n"
        "  (itself)               7.27           7.27    9.1 %   5.0-15.9       10  planner.py:10\n"
        "  5 functions on fewer than 10 samples: 9.1 % in all\n"
        "\n"
        "  simulation.run with simulation.step: simulation, 1,200.0 ms of self time, 20 samples\n"
        "  function   own ms  total ms  of self        95 %  samples  where\n"
        "  (itself)  1,200.0   1,200.0  100.0 %  83.9-100.0       20  planner.py:2\n"
    )
    assert "  samples   170 taken, 130 of them in spans\n            40 outside of spans\n" in out
    assert "            It was behind for 1 s.\n" in out
    assert max(map(len, out.splitlines())) <= 110


def test_json(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = _report(capsys, run_file, "--json")
    found = json.loads(out)
    assert found["samples"] == {
        "taken": 170,
        "placed": 130,
        "unplaced": {"outside of spans": 40},
        "sampler": "py-spy 0.4.3",
        "rate_hz": 100.0,
        "notes": ["It was behind for 1 s."],
    }
    run, plan = found["inside"]
    assert (run["span"], run["blocks"], plan["span"]) == (
        "simulation.run",
        ["simulation.step"],
        "planner.compute",
    )
    assert list(plan) == [
        *("span", "blocks", "component", "samples", "rate_hz", "self_ms", "not_sampled_ms"),
        *("self_ms_per_step", "functions", "others"),
    ]
    assert (plan["samples"], plan["self_ms"], plan["self_ms_per_step"]) == (110, 800.0, 80.0)
    score = plan["functions"][0]
    assert (score["function"], score["file"], score["line"], score["samples"]) == ("score", PLANNER, 50, 60)
    assert score["own_ms"] == pytest.approx(800 * 60 / 110, abs=1e-5)
    assert score["share_low"] < score["share"] < score["share_high"]
    assert plan["others"] == {
        "functions": 5,
        "own_ms": pytest.approx(800 / 11),
        "samples": 10,
        "share": pytest.approx(1 / 11),
    }


def test_without_samples(unsampled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = _report(capsys, unsampled)
    assert "Inside" not in out
    assert "  samples  " not in out
    _, out, _ = _report(capsys, unsampled, "--json")
    assert (json.loads(out)["inside"], json.loads(out)["samples"]) == ([], None)
    code, out, err = _report(capsys, unsampled, "--inside", "planner.compute")
    assert (code, out) == (2, "")
    assert "has no samples for --inside: trace the run with NUTRACE_SAMPLE=1" in err


def test_inside_one_kind_of_span(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = _report(capsys, run_file, "--inside", "planner.compute", "--limit", "1")
    lines = _section(out, "Inside the spans")
    assert "  and 2 more functions: --limit 0 shows them" in lines
    assert not any("simulation.run" in line for line in lines)
    code, _, err = _report(capsys, run_file, "--inside", "planner")
    assert code == 2
    assert "no samples in spans 'planner': there are samples in simulation.run, planner.compute" in err
    _, out, _ = _report(capsys, run_file, "--inside", "all")
    assert sum("of self time" in line for line in _section(out, "Inside the spans")) == 2


def test_selected_steps(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = _report(capsys, run_file, "--steps", "2:4")
    assert "  The samples are of the whole run, not of what is selected alone." in out
    assert "80.00 ms of self time per step" in out


def test_markdown(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = _report(capsys, run_file, "--markdown")
    assert "## Inside the largest spans" in out
    assert "| Planner.search | 21.82 | 65.45 | 81.8 % | 73.6-87.9 | 90 | planner.py:30 |" in out


def test_samples_of_files(unsampled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    run, compute = f"run ({PLANNER}:2)", f"compute ({PLANNER}:10)"
    first.write_text(f"{run};{compute};f ({PLANNER}:70) 30\n")
    second.write_text(f"{run};{compute};f ({PLANNER}:70) 10\nmain;other 5\n")
    _, out, _ = _report(capsys, unsampled, "--samples", first, "--samples", second, "--json")
    found = json.loads(out)
    assert (found["samples"]["taken"], found["samples"]["placed"]) == (45, 40)
    assert found["inside"][0]["functions"][0]["samples"] == 40


def test_samples_of_another_run_have_no_place(
    unsampled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("main (/other/program.py:1);compute (/other/program.py:10) 30\n")
    code, out, _ = _report(capsys, unsampled, "--samples", other)
    assert code == 0
    assert "samples   30 taken, 0 of them in spans" in out
    assert "Inside" not in out


def test_bad_samples(unsampled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    code, out, err = _report(capsys, unsampled, "--samples", empty)
    assert (code, out) == (3, "")
    assert err.startswith(f"nutrace: error: {empty} is empty: record stacks with py-spy")
    code, _, err = _report(capsys, "-", "--samples", "-")
    assert code == 2
    assert "only one of the run file and --samples can be -" in err


@pytest.mark.parametrize(
    "value",
    [
        "",
        "[]",
        "{}",
        '{"version":2}',
        "[" * 100_000,
        [1],
        7,
        '{"version":1,"functions":[],"nodes":[[0,0,1]],"notes":[]}',
        '{"version":1,"functions":[["a","b",1]],"nodes":[[-1,0,-5]],"notes":[]}',
        f'{{"version":1,"functions":[["a","b",1]],"nodes":[[-1,0,{10**19}]],"notes":[]}}',
    ],
)
def test_damaged_samples_in_the_run_file(
    value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "run.json", document(_tree(), resource={**RESOURCE, semconv.SAMPLES: value}))
    code, out, _ = _report(capsys, path)
    assert code == 0
    assert "the samples of process 100 are left out: " in out
    assert "planner.compute" in out
