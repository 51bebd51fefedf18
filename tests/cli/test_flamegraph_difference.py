"""``nutrace flamegraph --against`` and ``--slowest``: what is written, and what cannot be compared."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.otlp import RESOURCE, document, write

from nutrace.cli.main import main
from nutrace_exporters.registry import FORMATS


def run_file(path: Path, *tree: Any, **resource: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, document(*tree, resource={**RESOURCE, "nutrace.run.id": str(path), **resource}))


def simulation(steps: int, us: float, token: str = "5f3a", planner: str = "IDM") -> Any:
    """Steps of 100 us, in which the database takes `us`, and the last one 40 us more."""

    def step(k: int) -> Any:
        took = us + (40 if k == steps - 1 else 0)
        rows = ("rows", 100 * k, 100 * k + took, {"nutrace.component": "database"})
        about = {"nutrace.step.index": k, "nutrace.component": "simulation"}
        return ("simulation.step", 100 * k, 100 * k + 90, [rows], about)

    of = {"nuplan.scenario.token": token, "nuplan.planner.name": planner, "nutrace.component": "simulation"}
    return ("simulation.run", 0, 100 * steps, [step(k) for k in range(steps)], of)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    run_file(tmp_path / "base.json", simulation(10, 20))
    run_file(tmp_path / "new.json", simulation(5, 10))
    return tmp_path


def weights(file: str) -> List[Dict[str, int]]:
    """For each profile of a speedscope file, ns by the innermost frame."""
    made = json.loads(Path(file).read_text())
    names = [frame["name"] for frame in made["shared"]["frames"]]
    return [
        {names[stack[-1]]: weight for stack, weight in zip(profile["samples"], profile["weights"])}
        for profile in made["profiles"]
    ]


def test_one_line_says_what_was_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flamegraph", "base.json", "--against", "new.json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith("new.difference.flamegraph.html: html, ")
    assert captured.out.endswith(" kB, 5 steps against 10, 3 frames\n")
    assert "base.json" in Path("new.difference.flamegraph.html").read_text()


def test_sides_are_means_per_step(folder: Path) -> None:
    assert main(["flamegraph", "base.json", "--against", "new.json", "-f", "speedscope"]) == 0
    assert weights("new.difference.speedscope.json") == [
        {"simulation.step": 66_000, "rows": 24_000},
        {"simulation.step": 72_000, "rows": 18_000},
    ]


def test_steps_scenario_and_component_are_selected_on_both_sides(folder: Path) -> None:
    command = ["flamegraph", "base.json", "--against", "new.json", "-f", "speedscope", "-o", "a.json"]
    assert main([*command, "--steps", "1:3", "--component", "database"]) == 0
    assert weights("a.json") == [{"rows": 20_000}, {"rows": 10_000}]
    assert main([*command, "--scenario", "5f3a", "--steps", "4"]) == 0
    assert weights("a.json") == [
        {"simulation.step": 70_000, "rows": 20_000},
        {"simulation.step": 40_000, "rows": 50_000},
    ]


def test_a_side_is_a_folder_or_several_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2, 10):
        run_file(folder / "bench" / "all" / f"{number}.json", simulation(number, 10))
    (folder / "bench" / "all" / "1.flamegraph.html").write_text("")
    (folder / "bench" / "all" / "1.speedscope.json").write_text("{}")
    assert main(["flamegraph", "base.json", "new.json", "--against", "bench/all", "-f", "speedscope"]) == 0
    assert "13 steps against 15" in capsys.readouterr().out
    # The last step of each run takes 40 us more.
    assert weights(os.path.join("bench", "all.difference.speedscope.json"))[1] == {
        "simulation.step": round(90_000 - (10_000 + 3 * 40_000 / 13)),
        "rows": round(10_000 + 3 * 40_000 / 13),
    }


def test_the_slowest_steps_against_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slow = run_file(
        folder / "run.json",
        *[("simulation.step", 100 * k, 100 * k + (60 if k == 3 else 10)) for k in range(20)],
    )
    assert main(["flamegraph", str(slow), "--slowest", "5%", "-f", "speedscope"]) == 0
    assert "1 step against 19, 1 frame" in capsys.readouterr().out
    made = json.loads(Path("run.slowest.speedscope.json").read_text())
    assert [profile["name"].split(" (")[0] for profile in made["profiles"]] == [
        "usual: 19 steps",
        "slowest: 1 step",
    ]
    assert weights("run.slowest.speedscope.json") == [
        {"simulation.step": 10_000},
        {"simulation.step": 60_000},
    ]


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_formats_compare_or_say_which_do(row: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["flamegraph", "base.json", "--against", "new.json", "-f", row.name])
    told = capsys.readouterr().err
    if row.difference:
        assert code == 0
    else:
        assert code == 2
        assert told == (
            f"nutrace: error: {row.name} shows one run: --against and --slowest need --format html or "
            "speedscope\n"
        )
        assert sorted(os.listdir()) == ["base.json", "new.json"]


BAD = [
    (["base.json", "--against", "base.json"], 2, "base.json and base.json are the same run: name it once"),
    (["base.json", "--against", "copy.json"], 2, "base.json and copy.json are the same run"),
    (["base.json", "base.json", "--against", "new.json"], 2, "are the same run"),
    (
        ["base.json", "new.json"],
        2,
        "2 run files: draw one at a time, or two sides (BASE... --against NEW...)",
    ),
    (["base.json", "--against", "other.json"], 2, "other.json has no finished step"),
    (["other.json", "--against", "third.json"], 2, "other.json and third.json have no span in common"),
    (["base.json", "--against", "missing.json"], 3, "missing.json does not exist"),
    (
        ["base.json", "--against", "empty"],
        3,
        "empty has no run files: name a folder with files such as run.json",
    ),
    (["-", "--against", "-"], 2, "only one run file can be -"),
    (["base.json", "--against", "new.json", "--steps", "7:"], 2, "no step 7: in new.json"),
    (["base.json", "--against", "new.json", "--scenario", "nope"], 2, "nope"),
    (
        ["base.json", "--against", "new.json", "--component", "planner"],
        2,
        "base.json has no span of component",
    ),
    (
        ["base.json", "--against", "new.json", "--slowest", "5%"],
        2,
        "--against and --slowest exclude each other",
    ),
    (["base.json", "--against", "new.json", "--samples", "s.txt"], 2, "--samples belongs to one run"),
    (["base.json", "--against", "new.json", "-o", "new.json"], 5, "new.json is a run file"),
    (["base.json", "--slowest", "5"], 2, "bad --slowest '5': write a percentage of the steps, such as 5%"),
    (["base.json", "--slowest", "0%"], 2, "bad --slowest '0%'"),
    (["base.json", "--slowest", "100%"], 2, "bad --slowest '100%'"),
    (["base.json", "--slowest", "nan%"], 2, "bad --slowest 'nan%'"),
    (
        ["base.json", "--slowest", "5%", "--steps", "1"],
        2,
        "base.json has 1 finished step in what is selected",
    ),
    (
        ["other.json", "--slowest", "5%"],
        2,
        "other.json has no finished step in what is selected: --slowest needs two",
    ),
]


@pytest.mark.parametrize(
    ("words", "code", "message"), BAD, ids=lambda item: " ".join(item) if isinstance(item, list) else ""
)
def test_bad_input_is_one_line_and_leaves_nothing(
    words: List[str], code: int, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "copy.json").write_bytes((folder / "base.json").read_bytes())
    (folder / "empty").mkdir()
    (folder / "variants" / "base").mkdir(parents=True)
    (folder / "variants" / "bench.json").write_text("{}")
    run_file(folder / "other.json", ("GET /", 0, 10))
    run_file(folder / "third.json", ("POST /", 0, 10))
    before = sorted(os.listdir())
    assert main(["flamegraph", *words]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.startswith("nutrace: error: ")
    assert captured.err.count("\n") == 1
    assert sorted(os.listdir()) == before


def test_a_run_that_was_cut_short_is_drawn_and_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_file(folder / "cut.json", simulation(3, 10), **{"nutrace.run.complete": False})
    assert main(["flamegraph", "base.json", "--against", "cut.json"]) == 0
    assert (
        capsys.readouterr().err
        == "nutrace: cut.json: the run was cut short: this is what was written until then\n"
    )
    assert "New: The run was cut short" in Path("cut.difference.flamegraph.html").read_text()


def test_other_scenarios_and_planners_are_drawn_and_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_file(folder / "other.json", simulation(3, 10), simulation(3, 10, token="77aa", planner="PDM"))
    assert main(["flamegraph", "base.json", "--against", "other.json"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "nutrace: warning: the sides simulate different scenarios: 1 on both, 0 only on the base, "
        "1 only on the new side",
        "nutrace: warning: the sides simulate different planners: IDM on the base, IDM, PDM on the new side",
    ]
    page = Path("other.difference.flamegraph.html").read_text()
    assert "The sides simulate different planners: IDM on the base" in page
