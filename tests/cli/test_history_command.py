"""``nutrace history``: which files are runs, what is printed and written, and how bad input ends."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest
from fakes.otlp import RESOURCE, compact, document, write

from nutrace.cli.main import main

C = "nutrace.component"
HOSTILE = '</script><img src=x onerror=alert(1)>\x1b[31m"&\u202e'


def run_file(path: Path, number: int, revision: str = "", ms: float = 100.0, **told: Any) -> Path:
    """A run of five steps, an hour after the one before."""
    hour = number * 3_600_000_000
    steps = []
    for index in range(5):
        begin = hour + index * 1_000_000
        planner = ("planner.compute", begin, begin + ms * 400, {C: "planner"})
        told_of_step = {
            C: "simulation",
            "nutrace.step.index": index,
            "nutrace.step.simulated_interval_s": 0.1,
        }
        steps.append(("simulation.step", begin, begin + ms * 1000, [planner], told_of_step))
    resource = {**RESOURCE, "nutrace.run.id": f"run{number}", **told}
    if revision:
        resource["vcs.ref.head.revision"] = revision * (40 // len(revision))
    path.parent.mkdir(parents=True, exist_ok=True)
    tree = ("simulation.run", hour, hour + 6_000_000, steps, {C: "simulation"})
    return write(path, document(tree, resource=resource))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three revisions, of 2, 1 and 1 runs; one is gzipped, and one in a folder of a folder."""
    folder = tmp_path / "runs"
    run_file(folder / "run.json", 0, "aaaaaaaa", 100)
    run_file(folder / "more" / "deep" / "run.json", 1, "aaaaaaaa", 104)
    plain = run_file(folder / "later.json", 2, "bbbbbbbb", 120)
    (folder / "later.json.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    run_file(folder / "last.json", 3, "cccccccc", 90)
    return folder


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Tuple[Any, str]:
    assert main(["history", *arguments, "--json"]) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


def _error(capsys: pytest.CaptureFixture[str], *arguments: str) -> Tuple[int, str]:
    code = main(["history", *arguments])
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1, printed.err
    return code, printed.err


def test_a_folder_is_a_history(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, errors = _json(capsys, str(runs))
    assert errors == ""
    (series,) = told["series"]
    assert (series["host"], series["command"]) == ("testhost", "python run_simulation.py")
    revisions = series["revisions"]
    assert [(each["revision"][:8], len(each["runs"])) for each in revisions] == [
        ("aaaaaaaa", 2),
        ("bbbbbbbb", 1),
        ("cccccccc", 1),
    ]
    p50 = revisions[0]["figures"]["steps.p50_ms"]
    assert p50 == {"median": 102.0, "low": 100.0, "high": 104.0, "confidence": 0.5}
    assert revisions[1]["figures"]["steps.realtime_factor"]["median"] == pytest.approx(1.2)
    assert revisions[2]["components_ms_per_step"] == pytest.approx({"planner": 36.0, "simulation": 54.0})


def test_figures_are_those_of_report(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, _ = _json(capsys, str(runs))
    for revision in told["series"][0]["revisions"]:
        for run in revision["runs"]:
            assert main(["report", run["file"], "--json"]) == 0
            steps = json.loads(capsys.readouterr().out)["steps"]
            for name in ("p50_ms", "p95_ms", "mean_ms", "realtime_factor"):
                assert run["figures"][f"steps.{name}"] == pytest.approx(steps[name])


def test_the_table(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", str(runs), "--limit", "2"]) == 0
    out = capsys.readouterr().out
    assert "4 runs of 3 revisions" in out
    lines = [line.split() for line in out.splitlines() if line.startswith("  ") and "2023-11-1" in line]
    assert [line[:2] + line[3:7] for line in lines] == [
        ["bbbbbbb", "2023-11-15", "1", "120", "120", "1.20"],
        ["ccccccc", "2023-11-15", "1", "90", "90", "0.900"],
    ]
    assert "too few to say whether a time changes" in out


def test_csv_has_a_row_for_each_run(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.csv"
    assert main(["history", str(runs), "-o", str(target)]) == 0
    assert capsys.readouterr().out.startswith(f"{target}: csv, 0.0 MB, 4 runs in 1 series")
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert [(row["revision"][:1], float(row["steps.p50_ms"])) for row in rows] == [
        ("a", 100.0),
        ("a", 104.0),
        ("b", 120.0),
        ("c", 90.0),
    ]
    assert main(["history", str(runs), "-f", "csv"]) == 0
    assert capsys.readouterr().out == target.read_text()


def test_cells_are_no_formulas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_file(tmp_path / "run.json", 0, **{"vcs.ref.head.name": "=HYPERLINK(1)", "host.name": "-x"})
    assert main(["history", str(tmp_path), "-f", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["branch"], row["host"]) == ("'=HYPERLINK(1)", "'-x")


def test_other_hosts_and_commands_are_other_series(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_file(runs / "host.json", 4, "dd", **{"host.name": "laptop"})
    run_file(runs / "command.json", 5, "dd", **{"process.command_args": ["python", "other.py"]})
    told, _ = _json(capsys, str(runs))
    assert [len(series["revisions"]) for series in told["series"]] == [1, 1, 3]
    told, _ = _json(capsys, str(runs), "--host", "testhost", "--command", "run_simulation")
    assert [len(series["revisions"]) for series in told["series"]] == [3]
    told, _ = _json(capsys, str(runs), "--merge", "host", "--merge", "command")
    assert [(series["host"], len(series["revisions"])) for series in told["series"]] == [("any host", 4)]
    assert told["merged"] == ["host", "command"]


def test_a_branch(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_file(runs / "feature.json", 4, "dd", **{"vcs.ref.head.name": "feature"})
    told, _ = _json(capsys, str(runs), "--branch", "feature")
    assert [each["branch"] for each in told["series"][0]["revisions"]] == ["feature"]


def test_nothing_that_was_asked_for(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, error = _error(capsys, str(runs), "--host", "elsewhere")
    assert code == 3
    assert "none of 4 runs is what was asked for; there are host: testhost" in error


def _left_out(told: Any) -> Dict[str, str]:
    return {Path(each["file"]).name: each["reason"] for each in told["left_out"]}


def test_what_is_no_run_is_left_out(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "notes.txt").write_text("hello")
    (runs / "speedscope.json").write_text('{"$schema": "https://www.speedscope.app/file-format-schema.json"}')
    (runs / "list.json").write_text("[1, 2]")
    (runs / "empty.json").write_text("")
    (runs / "binary.json").write_bytes(bytes(range(256)))
    told, errors = _json(capsys, str(runs))
    assert len(told["series"][0]["revisions"]) == 3
    assert told["left_out"] == []
    assert errors == ""


def test_runs_that_cannot_be_shown_are_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (runs / "run.json").read_bytes()
    (runs / "half.json").write_bytes(whole[: len(whole) // 2])
    zipped = gzip.compress(whole)
    (runs / "broken.json.gz").write_bytes(zipped[:20])
    (runs / "copy.json").write_bytes(whole)
    write(runs / "stepless.json", document(("main", 0, 10), resource={**RESOURCE, "nutrace.run.id": "other"}))
    run_file(runs / "killed.json", 7, "ee", **{"nutrace.run.complete": False})
    (runs / "begun.json.partial").write_bytes(b"")
    told, errors = _json(capsys, str(runs))
    reasons = _left_out(told)
    assert sorted(reasons) == [
        "begun.json",
        "broken.json.gz",
        "half.json",
        "killed.json",
        "run.json",
        "stepless.json",
    ]
    assert reasons["stepless.json"] == "it has no finished step"
    assert reasons["killed.json"] == "the run was cut short: --unfinished shows it"
    assert reasons["run.json"].startswith("the same run as ")
    assert len(errors.splitlines()) == 6
    told, _ = _json(capsys, str(runs), "--unfinished")
    assert "killed.json" not in _left_out(told)


def test_runs_without_a_revision_stand_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        run_file(tmp_path / f"{number}.json", number)
    told, _ = _json(capsys, str(tmp_path))
    (series,) = told["series"]
    assert [each["revision"] for each in series["revisions"]] == [None] * 3
    assert any("without a git revision" in remark for remark in series["remarks"])


def test_a_revision_that_was_run_again_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, revision in enumerate("aba"):
        run_file(tmp_path / f"{number}.json", number, revision)
    told, _ = _json(capsys, str(tmp_path))
    assert any("run again later, or a clock was set" in remark for remark in told["series"][0]["remarks"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing"], 3, "missing does not exist: name the folder with the run files"),
        (["empty"], 3, "no run file in it"),
        (["-"], 3, "- is standard input"),
        (["runs", "-o", "page.pdf"], 2, "cannot tell what page.pdf is to be"),
        (["runs", "-f", "html"], 2, "-f html needs a file"),
        (["runs", "-o", "x.csv", "--json"], 2, "--json prints to standard output"),
        (["runs", "-o", "runs/run.json", "-f", "csv"], 5, "is a run file, which is never overwritten"),
        (["runs", "-o", "empty", "-f", "csv"], 5, "it is a directory"),
        (
            ["foreign"],
            3,
            "no run to show: 1 run file left out, the first foreign/a.json: it has no finished step",
        ),
    ],
)
def test_bad_input(
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: Any,
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(runs.parent)
    Path("empty").mkdir()
    Path("foreign").mkdir()
    write(Path("foreign/a.json"), compact(document(("main", 0, 10), resource={})))
    ended, error = _error(capsys, *arguments)
    assert (ended, message in error) == (code, True), error


def test_without_plotly_it_says_what_to_install(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    code, error = _error(capsys, str(runs), "-o", str(tmp_path / "d.html"))
    assert code == 8
    assert "pip install 'plotly>=5' 'ruptures>=1.1.7' " in error
    assert main(["history", str(runs)]) == 0  # the table needs no plotly


def test_flamegraphs_are_linked_and_drawn_on_demand(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["flamegraph", str(runs / "run.json")]) == 0
    page = tmp_path / "pages" / "d.html"
    page.parent.mkdir()
    assert main(["history", str(runs), "-o", str(page)]) == 0
    text = page.read_text()
    assert text.count('<a href="../runs/run.flamegraph.html">') == 1
    assert "last.flamegraph.html" not in text
    before = (runs / "run.flamegraph.html").stat().st_mtime_ns
    assert main(["history", str(runs), "-o", str(page), "--flamegraphs"]) == 0
    assert page.read_text().count('.flamegraph.html">') == 4
    assert (runs / "more" / "deep" / "run.flamegraph.html").exists()
    assert (runs / "run.flamegraph.html").stat().st_mtime_ns == before
    capsys.readouterr()


def test_hostile_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = {"vcs.ref.head.name": HOSTILE, "host.name": HOSTILE, "process.command_args": ["python", HOSTILE]}
    run_file(tmp_path / "run<b>.json", 0, "<i>\x1b", **told)
    page = tmp_path / "d.html"
    assert main(["history", str(tmp_path), "-o", str(page), "--title", HOSTILE, "--flamegraphs"]) == 0
    text = page.read_text()
    assert "<img" not in text.replace('"<img"', "").split("<script")[0]
    assert "\x1b" not in text.split("<script>")[0]
    assert "\u202e" not in text.split("<script>")[0]
    capsys.readouterr()
    assert main(["history", str(tmp_path)]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_one_page_from_the_same_runs(runs: Path, tmp_path: Path) -> None:
    pages = [tmp_path / name for name in ("one.html", "other.html")]
    for page in pages:
        assert main(["history", str(runs), "-o", str(page)]) == 0
    assert pages[0].read_bytes() == pages[1].read_bytes()
