"""Every command says whether nutrace's own time was taken out, and ``--raw`` leaves it in."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.otlp import RESOURCE, document, priced, write
from fakes.runs import write_run

from nutrace.cli.main import main
from nutrace.jupyter import card
from nutrace.jupyter.cost_tables import component_table, cost_table
from nutrace.jupyter.tables import span_table, step_table
from nutrace.prices import Price, Prices, dump
from nutrace.semconv import OWN_PRICES
from nutrace.trace import load
from nutrace_exporters import chrome, html, speedscope, svg

C = "nutrace.component"
TAKEN = "of nutrace's own time taken out"
RAW = "Times as recorded, with nutrace's own time in them (--raw)."
PRICES = {"call": 1000, "statement": 5000, "row": 2000}


def tree() -> Any:
    """Three steps: a planner with two calls, a statement of four rows, and 10 us that a thread waited."""
    steps = []
    for index in range(3):
        at = 1000 * (index + 1)
        planner = [("score", at + 20 + 100 * k, at + 60 + 100 * k, {C: "planner"}) for k in range(2)]
        statement = {C: "database", "db.response.returned_rows": 4, "db.query.text": "SELECT 1"}
        inside = [
            ("plan", at + 10, at + 400, planner, {C: "planner"}),
            ("sqlite3.statement", at + 500, at + 600, {**statement, "nutrace.sql.statement": "ab"}),
            ("copy.deepcopy", at + 700, at + 710, {C: "deepcopy", "nutrace.deepcopy.objects": 1}),
        ]
        about = {C: "simulation", "nutrace.step.index": index, "nutrace.step.simulated_interval_s": 0.1}
        waited = {"nutrace.busy_ns": 890_000, "nutrace.own_ns": 10_000}
        steps.append(("simulation.step", at, at + 900, inside, {**about, **waited}))
    return ("simulation.run", 0, 5000, steps, {C: "simulation"})


@pytest.fixture
def run(tmp_path: Path) -> str:
    return str(write(tmp_path / "run.json", document(tree(), resource=priced(**PRICES))))


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def report_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> Dict[str, Any]:
    document: Dict[str, Any] = json.loads(out(capsys, "report", *arguments, "--json"))
    return document


def self_us(report: Dict[str, Any]) -> Dict[str, float]:
    return {each["component"]: each["self_ms"] * 1000 / 3 for each in report["components"]}


@pytest.mark.parametrize(
    "command",
    [
        *("advise", "compare", "cprofile", "deepcopy", "flamegraph", "history", "index", "report", "sql"),
        *("suggest", "whatif"),
    ],
)
def test_commands_that_show_times_have_the_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "--raw " in capsys.readouterr().out


def test_the_report_takes_it_out(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = report_of(capsys, run)
    # Of the step: 10 us of waiting, a call, a statement and its rows; the copy has no price.
    assert self_us(found) == pytest.approx(
        {"planner": 388, "database": 100, "simulation": 400 - 10 - 1 - 5 - 8, "deepcopy": 10}
    )
    assert found["steps"]["mean_ms"] == pytest.approx(0.874)
    assert sum(self_us(found).values()) == pytest.approx(1000 * found["steps"]["mean_ms"])
    correction = found["correction"]
    assert correction["state"] == "corrected"
    assert correction["in_steps_ms"] == pytest.approx(3 * 0.026)
    assert correction["outside_steps_ms"] == pytest.approx(3 * 0.001)
    assert correction["taken_ms"] == pytest.approx(3 * 0.027)
    assert {each["component"]: each["own_ms"] for each in found["components"]} == pytest.approx(
        {"planner": 3 * 0.002, "simulation": 3 * 0.024, "database": 0, "deepcopy": 0}
    )
    spans_ms = sum(each["self_ms"] for part in ("components", "outside_steps") for each in found[part])
    whole_ms = spans_ms + correction["taken_ms"] + found["run"]["in_no_span_ms"]
    assert whole_ms == pytest.approx(1000 * found["run"]["wall_seconds"])
    run_wide = correction["run"]
    assert {each["kind"]: each["events"] for each in run_wide["kinds"]} == {
        "call": 12,
        "statement": 3,
        "row": 12,
    }
    assert run_wide["measured_ms"] == pytest.approx(0.03)
    assert run_wide["uncertain_ms"] == pytest.approx(0.5 * run_wide["calibrated_ms"])
    assert (run_wide["processes"], run_wide["priced_processes"]) == (1, 1)


def test_the_report_says_so(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "report", run)
    assert f"Times are corrected: 0.081 ms {TAKEN} of the spans." in text
    waits = "with waits for the writer, which overhead leaves out"
    more = "may be 0.025 ms more, or two to four times a price where caches are cold"
    line = f"  times     corrected: 0.081 ms taken out (0.078 in the steps), {waits}; {more}\n"
    assert line in text
    assert "12 rows fetched singly of 2.00 us" not in text
    explained = out(capsys, "report", run, "--explain")
    assert line in explained
    for each in ("12 rows fetched singly of 2.00 us: 0.024 ms", "as measured: 0.030 ms", "how sure"):
        assert each in explained, each
    assert re.search(r"sum of self +0\.874 .*\n  nutrace +0\.026\n", text)
    markdown = out(capsys, "report", run, "--markdown")
    assert "- **times**: corrected: 0.081 ms taken out" in markdown
    assert "| nutrace |  |  | 0.026 |  |  |" in markdown
    assert "****" not in markdown
    part = out(capsys, "report", run, "--steps", "1")
    assert f"Times are corrected: 0.026 ms {TAKEN}" in part
    assert "0.025 ms more in the whole run" in part


def test_the_report_says_what_cold_caches_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stated = dump(Prices({"call": Price(1000, 0, 1.5), "row": Price(100, 0)}, (2, 3, 4, 5)))
    file = str(write(tmp_path / "run.json", document(tree(), resource={**RESOURCE, OWN_PRICES: stated})))
    found = report_of(capsys, file)["correction"]["run"]
    # The program itself runs for 40 us in each score, for 310 us in plan and for 400 us in a step: degrees 1,
    # 2 and 2. The rows are 25 us apart.
    calls, rows = (next(each for each in found["kinds"] if each["kind"] == kind) for kind in ("call", "row"))
    assert (calls["events"], calls["outside_ms"], calls["cold_ms"]) == pytest.approx((12, 0.030, 0.018))
    assert (rows["events"], rows["outside_ms"], rows["cold_ms"]) == pytest.approx((12, 0.0012, 0))
    assert found["cold_ms"] == pytest.approx(0.018)
    cold = "0.018 ms are for cold caches, where a price may be a third to six times that"
    assert f"ms more; {cold}\n" in out(capsys, "report", file)
    for words in (("report", file, "--explain"), ("overhead", file)):
        assert f" {cold}\n" in out(capsys, *words)


def test_the_report_says_which_prices_were_not_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stated = dump({"call": Price(1000, 0, 1.5), "statement": Price(5000, 0)})
    resource = {**RESOURCE, "nutrace.own.prices": stated}
    file = str(write(tmp_path / "run.json", document(tree(), resource=resource)))
    assert "multiples of a call's price, up to a quarter off: statements\n" in (
        out(capsys, "report", file, "--explain")
    )
    for words in (("report", file, "--explain"), ("overhead", file)):
        assert "between its two readings of the clock, stays in it" in out(capsys, *words)
    kinds = report_of(capsys, file)["correction"]["run"]["kinds"]
    assert {each["kind"]: each["by_ratio"] for each in kinds} == {"call": False, "statement": True}


def test_raw_shows_what_was_recorded(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = report_of(capsys, run, "--raw")
    assert self_us(found) == pytest.approx(
        {"planner": 390, "database": 100, "simulation": 400, "deepcopy": 10}
    )
    assert (found["correction"]["state"], found["correction"]["taken_ms"]) == ("raw", 0)
    text = out(capsys, "report", run, "--raw")
    assert RAW in text
    assert TAKEN not in text
    assert not re.search(r"^  nutrace ", text, re.MULTILINE)


def test_files_that_do_not_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An older file of nutrace's says so in a line; of other programs there is nothing to say."""
    plain = ("simulation.run", 0, 100, [("a", 10, 20)])
    old = write(tmp_path / "old.json", document(plain))
    theirs = write(tmp_path / "theirs.json", document(plain, resource={"service.name": "theirs"}))
    assert "the file does not say what nutrace's own time was" in out(capsys, "report", str(old))
    for text in (out(capsys, "report", str(theirs)), out(capsys, "deepcopy", str(old))):
        assert "own time" not in text
        assert "orrect" not in text
    for command in ("report", "deepcopy"):
        assert "own time" not in out(capsys, command, str(theirs), "--raw")
        assert RAW in out(capsys, command, str(old), "--raw")
    assert "orrection" not in card(load(theirs, raw=True))
    assert report_of(capsys, str(old))["correction"]["state"] == "not corrected"


@pytest.mark.parametrize("command", [["sql"], ["deepcopy"], ["whatif", "planner=0.5"], ["advise"]])
def test_other_commands(command: List[str], run: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *more = command
    assert f"Corrected: 81 µs {TAKEN} of the spans; --raw leaves it in them." in out(capsys, name, run, *more)
    assert RAW in out(capsys, name, run, *more, "--raw")
    for raw, state in ((), "corrected"), (("--raw",), "raw"):
        assert json.loads(out(capsys, name, run, *more, "--json", *raw))["times"] == state


def test_whatif_begins_with_corrected_times(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    for raw, mean_ms in ((), 0.874), (("--raw",), 0.9):
        answer = json.loads(out(capsys, "whatif", run, "planner=0.5", "--json", *raw))
        assert answer["now"]["mean_ms"] == pytest.approx(mean_ms)


def test_pictures(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for raw, fact, word in (
        (False, f"81 µs {TAKEN} of the spans", "corrected"),
        (True, "none: times as recorded, with nutrace's own time in them (--raw)", "raw"),
    ):
        page, picture, profile, events = (io.BytesIO() for _ in range(4))
        trace = load(run, raw=raw)
        html.export(trace, page)
        svg.export(trace, picture)
        speedscope.export(trace, profile)
        chrome.export(trace, events)
        assert json.dumps(["Correction", fact], separators=(",", ":")) in page.getvalue().decode()
        assert f" · times {word}" in picture.getvalue().decode()
        assert json.loads(profile.getvalue())["name"] == f"run.json ({word})"
        told = [event for event in json.loads(events.getvalue())["traceEvents"] if "labels" in event["args"]]
        assert [event["args"]["labels"] for event in told] == [f"times {word}"]
    drawn = tmp_path / "raw.svg"
    out(capsys, "flamegraph", run, "-f", "svg", "-o", str(drawn), "--raw")
    assert " · times raw" in drawn.read_text()


@pytest.mark.parametrize("form", ["collapsed", "html"])
def test_the_line_on_a_picture(
    form: str, run: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Stacks in text have no place for it."""
    arguments = ["flamegraph", run, "-f", form, "-o", str(tmp_path / "picture")]
    assert out(capsys, *arguments).endswith(", 3 steps, times corrected\n")
    assert out(capsys, *arguments, "--raw").endswith(", 3 steps, times raw\n")
    assert out(capsys, *arguments, "--steps", "1").endswith(", 1 step, times corrected (step 1)\n")


def test_pictures_of_two_sides(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How much was taken out of one run of several says nothing of a side."""
    others = {**priced(**PRICES), "nutrace.run.id": "another", "process.pid": 7}
    other = str(write(tmp_path / "other.json", document(tree(), resource=others)))
    picture = tmp_path / "picture"
    for more in (["--against", other], ["--slowest", "40%"]):
        for raw, word in ((), "corrected"), (("--raw",), "raw"):
            arguments = ["flamegraph", run, *more, "-o", str(picture), *raw]
            assert out(capsys, *arguments, "-f", "html").endswith(f", times {word}\n")
            page = picture.read_text()
            assert f'["Correction","times {word}"]' in page
            assert "taken out of the spans" not in page
            out(capsys, *arguments, "-f", "speedscope")
            assert json.loads(picture.read_text())["name"].endswith(f" ({word})")


def test_notebooks(run: str) -> None:
    trace = load(run)
    steps, spans = step_table(trace), span_table(trace)
    assert list(steps.own_ms) == pytest.approx([0.026] * 3)
    sums = steps[[name for name in steps.columns if name.endswith("_self_ms")]].sum(axis=1)
    assert list(sums) == pytest.approx(list(steps.duration_ms))
    assert spans.own_ms.sum() == pytest.approx(0.081)
    assert component_table(trace).own_ms["in steps", "planner"] == pytest.approx(0.006)
    assert cost_table(trace).own_ms["plan", "planner"] == pytest.approx(0.006)
    assert f"correction: 81 µs {TAKEN} of the spans" in unescape(card(trace))
    assert "correction: none: times as recorded" in card(load(run, raw=True))


def test_a_comparison_warns_if_one_side_is_corrected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = {"nutrace.own.prices": priced(call=50_000)["nutrace.own.prices"]}
    base = write_run(tmp_path / "base.json", 10)
    new = write_run(tmp_path / "new.json", 10, attributes=prices)
    text = out(capsys, "compare", str(base), "--against", str(new))
    assert "the times of base are not corrected, those of new are corrected" in text
    assert "times corrected" in text
    text = out(capsys, "compare", str(base), "--against", str(new), "--raw")
    assert "not corrected" not in text
    sides = json.loads(out(capsys, "compare", str(base), "--against", str(new), "--json"))
    assert [sides[side]["times"] for side in ("base", "new")] == [["not corrected"], ["corrected"]]
    picture = tmp_path / "difference.html"
    arguments = ["flamegraph", str(base), "--against", str(new), "-o", str(picture)]
    assert main(arguments) == 0
    assert "the times of the base are not corrected" in capsys.readouterr().err
    assert main([*arguments, "--raw"]) == 0
    assert "times" not in capsys.readouterr().err


def test_corrected_runs_are_another_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line that joined them with older runs would fall where nutrace was updated."""
    prices = {"nutrace.own.prices": priced(call=50_000)["nutrace.own.prices"]}
    write_run(tmp_path / "1.json", 10)
    write_run(tmp_path / "2.json", 10, attributes=prices)
    for more, told in ((), ["times corrected", ""]), (("--raw",), ["times raw"]):
        series = json.loads(out(capsys, "history", str(tmp_path), "--json", *more))["series"]
        assert len(series) == len(told)
        said = {re.search("times [a-z]+|$", each["configuration"]).group() for each in series}  # type: ignore[union-attr]
        assert said == set(told)


def test_unlike_processes_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silent = {**RESOURCE, "process.pid": 7}
    file = write(
        tmp_path / "run.jsonl",
        document(tree(), resource=priced(**PRICES)),
        document(("b", 0, 10), resource=silent),
    )
    assert "1 of 2 processes do not say what it costs" in out(capsys, "report", str(file))
