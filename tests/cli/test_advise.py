"""What ``nutrace advise`` and ``nutrace whatif`` print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from advice.fakes_of_advice import span, step
from fakes.otlp import document, write

from nutrace import semconv
from nutrace.cli.main import main


@pytest.fixture
def run_file(tmp_path: Path) -> str:
    copies = span(semconv.DEEPCOPY_SPAN, 1_000, 11_000, component="deepcopy", function="mine.keep")
    plan = span("planner.compute", 0, 150_000, copies, component="planner")
    return str(write(tmp_path / "run.json", document(step(0, 200_000, plan), step(300_000, 500_000))))


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_advice_as_json(run_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = _json(capsys, "advise", run_file, "--min-share", "1")
    (copies,) = document["in_steps"]
    assert copies["kind"] == "copies"
    assert copies["likely_ms_per_step"] == pytest.approx(3)
    assert copies["stretch_ms_in_run"] == pytest.approx(10)
    assert copies["share"] == pytest.approx(0.015)
    assert (copies["sureness"], copies["share_of"]) == ("measured", "steps")
    assert [each["kind"] for each in document["look_into"]] == ["opaque", "opaque"]


def test_advice_for_people(run_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", run_file]) == 0
    out = capsys.readouterr().out
    assert "Nothing worth doing above 2 % of a step." in out
    assert "Make fewer deep copies in the steps: 0.50 calls a step: 3.00 ms a step, 1.5 %" in out
    assert "PROGRAM is: python run_simulation.py" in out


def test_what_is_unknown_comes_first_if_it_is_most(
    run_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What all of its rows say is said once. Small findings have a line, and their evidence on demand."""
    look = _json(capsys, "advise", run_file)
    assert look["unknown_share"] > 0.5
    assert main(["advise", run_file]) == 0
    out = capsys.readouterr().out
    assert out.index(f"To look into: {look['unknown_share']:.0%} of a step") < out.index("In the steps")
    assert out.count("Look into ") == 2
    assert out.count("NUTRACE_SAMPLE=1") == out.count("nutrace suggest") == out.count("      why ") == 1
    assert out.index("For all of these:") < out.index("      why ")
    small = out.split("Less than 2 %")[1].split("\n\n")[0].splitlines()
    assert len(small) == 2
    assert main(["advise", run_file, "--limit", "0"]) == 0
    assert "mine.keep" in capsys.readouterr().out.split("Less than 2 %")[1]
    assert "mine.keep" not in out

    copies = span(semconv.DEEPCOPY_SPAN, 1_000, 111_000, component="deepcopy", function="mine.keep")
    known = step(0, 200_000, span("planner.compute", 0, 200_000, copies, component="planner"))
    assert main(["advise", str(write(tmp_path / "known.json", document(known)))]) == 0
    out = capsys.readouterr().out
    assert out.index("In the steps") < out.index("1. Make fewer deep copies")


def test_what_a_step_simulates_is_said_only_if_it_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = span(semconv.STEP_SPAN, 0, 200_000), span(semconv.STEP_SPAN, 300_000, 500_000)
    file = str(write(tmp_path / "run.json", document(*steps)))
    assert _json(capsys, "advise", file)["steps"]["real_time_ms"] is None
    assert main(["advise", file]) == 0
    assert "2 steps of 200.0 ms; the run took 0.5 s\n" in capsys.readouterr().out


@pytest.mark.parametrize("share", ["-1", "101", "x", "nan"])
def test_a_bad_share(run_file: str, capsys: pytest.CaptureFixture[str], share: str) -> None:
    assert main(["advise", run_file, f"--min-share={share}"]) == 2
    assert "write a percentage" in capsys.readouterr().err


def test_what_follows_as_json(run_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = _json(capsys, "whatif", run_file, "planner=0.5")
    assert document["changes"][0]["in_steps_ms"] == pytest.approx(140)
    assert [document[side]["mean_ms"] for side in ("now", "likely", "stretch")] == [200, 179, 165]
    assert document["stretch"]["gap_closed"] == pytest.approx(0.35)
    assert document["real_time_ms"] == pytest.approx(100)


def test_what_follows_for_people(run_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["whatif", run_file, "span:planner.compute=50%", "--steps", "0"]) == 0
    out = capsys.readouterr().out
    assert "Only step 0 of the run" in out
    assert out.split("gap to 100 ms closed")[1].split()[:3] == ["0%", "45%", "75%"]
    assert "  the run  " not in out  # a part of it is looked at


def test_what_is_unknown_ends_with_a_line(run_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["whatif", run_file, "planer=0.5"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
