"""What ``nutrace flamegraph`` writes and prints, and how it ends."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest
from fakes.otlp import compact, document, envelope, spans, write

from nutrace.cli.main import main
from nutrace_exporters.registry import FORMATS

NAMES = ("html", "speedscope", "svg", "collapsed", "chrome")


def _step(index: int) -> Any:
    query = ("rows", 10 * index + 1, 10 * index + 4, {"nutrace.component": "database"})
    name = {"nutrace.step.index": index, "nutrace.component": "simulation"}
    return ("simulation.step", 10 * index, 10 * index + 9, [query], name)


TREE = ("simulation.run", 0, 100, [_step(index) for index in range(10)])


@pytest.fixture
def run_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "run.json", document(TREE))


@pytest.mark.parametrize("name", NAMES)
def test_one_line_says_what_was_written(
    name: str, run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["flamegraph", "run.json", "--format", name]) == 0
    made = [file for file in os.listdir(run_file.parent) if file != "run.json"]
    assert len(made) == 1
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.startswith(f"{made[0]}: {name}, ")
    assert "21 spans, 10 steps" in out


@pytest.mark.parametrize(
    "given", ["run.json", "run.json.gz", "run.json.partial", "run.json.gz.partial", "run.jsonl"]
)
def test_default_name_is_the_runs(given: str, run_file: Path) -> None:
    content = run_file.read_bytes()
    run_file.unlink()
    (run_file.parent / given).write_bytes(gzip.compress(content) if ".gz" in given else content)
    assert main(["flamegraph", given]) == 0
    assert sorted(os.listdir(run_file.parent)) == sorted([given, "run.flamegraph.html"])


def test_a_drawing_is_drawn_anew(run_file: Path) -> None:
    drawing = run_file.parent / "run.collapsed.txt"
    drawing.write_text("old")
    assert main(["flamegraph", "run.json", "--format", "collapsed"]) == 0
    assert "simulation.run" in drawing.read_text()


def test_standard_output_holds_the_drawing_only(run_file: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "nutrace.cli.main",
        "flamegraph",
        "run.json",
        "-f",
        "collapsed",
        "-o",
        "-",
    ]
    done = subprocess.run(
        command, cwd=run_file.parent, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[0] == "simulation.run 10"
    assert done.stderr == ""
    assert os.listdir(run_file.parent) == ["run.json"]


def test_steps_and_component(run_file: Path) -> None:
    main(["flamegraph", "run.json", "-f", "collapsed", "--steps", "2:4", "-o", "a.txt"])
    assert Path("a.txt").read_text() == "simulation.step 12\nsimulation.step;rows 6\n"
    main(["flamegraph", "run.json", "-f", "collapsed", "--component", "database", "-o", "b.txt"])
    assert Path("b.txt").read_text() == "rows 30\n"


def test_short_spans_are_joined(run_file: Path) -> None:
    main(["flamegraph", "run.json", "-f", "speedscope", "--min-us", "5"])
    frames = json.loads(Path("run.speedscope.json").read_text())["shared"]["frames"]
    assert "(spans under 5 µs)" in [frame["name"] for frame in frames]


def test_samples_are_drawn_or_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = {"code.function.name": "Planner.plan", "code.file.path": "/x/planner.py", "code.line.number": 10}
    write(tmp_path / "run.json", document(("planner.compute", 0, 100, place)))
    Path("stacks.txt").write_text(
        "plan (/x/planner.py:10) 10\nplan (/x/planner.py:10);score (/x/scorer.py:5) 40\n"
    )
    command = ["flamegraph", "run.json", "-f", "collapsed", "-o"]
    assert main([*command, "with.txt", "--samples", "stacks.txt"]) == 0
    assert Path("with.txt").read_text() == "planner.compute 20\nplanner.compute;score ~sampled 80\n"
    assert main([*command, "without.txt", "--no-samples"]) == 0
    assert Path("without.txt").read_text() == "planner.compute 100\n"


def test_pictures_have_any_width(run_file: Path) -> None:
    assert main(["flamegraph", "run.json", "-f", "svg", "--width", "830"]) == 0
    assert 'viewBox="0 0 830 ' in Path("run.flamegraph.svg").read_text()


def test_pictures_have_one_theme_or_both(run_file: Path) -> None:
    for theme, schemes in (("auto", 1), ("light", 0), ("dark", 0)):
        assert main(["flamegraph", "run.json", "-f", "svg", "--theme", theme, "-o", f"{theme}.svg"]) == 0
        assert Path(f"{theme}.svg").read_text().count("prefers-color-scheme") == schemes
    assert "#14171c" in Path("dark.svg").read_text()
    assert "#14171c" not in Path("light.svg").read_text()


def test_open_shows_the_page(
    run_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: List[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert main(["flamegraph", "run.json", "--open"]) == 0
    assert opened == [(run_file.parent / "run.flamegraph.html").as_uri()]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert main(["flamegraph", "run.json", "-f", "svg", "--open"]) == 0
    drawing = run_file.parent / "run.flamegraph.svg"
    assert capsys.readouterr().err == f"nutrace: no web browser was found: open {drawing} in one\n"


BAD = [
    (
        ["run.json", "--format", "gif"],
        2,
        "unknown format 'gif': use one of html, speedscope, svg, collapsed, chrome",
    ),
    (["run.json", "--steps", "x"], 2, "bad --steps 'x'"),
    (["run.json", "--steps", "90:"], 2, "no step 90:"),
    (["run.json", "--component", "brain"], 2, "unknown component 'brain': use one of simulation, planner"),
    (["run.json", "--component", "model"], 2, "no span of component 'model'"),
    (["run.json", "--min-us", "-1"], 2, "bad --min-us"),
    (["run.json", "--min-us", "nan"], 2, "bad --min-us"),
    (["run.json", "--width", "5"], 2, "bad --width 5"),
    (["run.json", "--samples", "other.json", "--no-samples"], 2, "--samples and --no-samples exclude"),
    (["run.json", "--open", "-o", "-"], 2, "--open shows"),
    (["run.json", "--open", "-f", "chrome"], 2, "--open shows --format html, speedscope or svg; chrome is"),
    (["run.json", "-f", "svg", "--theme", "blue"], 2, "unknown theme 'blue': use one of auto, light, dark"),
    (["run.json", "--width", "900"], 2, "--width is not for --format html: leave it out"),
    (["run.json", "-f", "svg", "--min-us", "5"], 2, "--min-us is not for --format svg"),
    (["run.json", "-f", "collapsed", "--title", "x"], 2, "--title is not for --format collapsed"),
    (["run.json", "--slowest", "50%", "--theme", "dark"], 2, "--theme is not for --format html"),
    (["run.json", "-o", "run.json"], 5, "run.json is a run file, which is never overwritten"),
    (["run.json", "-o", "other.json"], 5, "other.json is a run file, which is never overwritten"),
    (["run.json", "-o", "no/such/dir.html"], 5, "cannot write no/such/dir.html: No such file or directory"),
    (["run.json", "-o", "."], 5, "it is a directory"),
    (["missing.json"], 3, "missing.json"),
    (["empty.json"], 3, "empty.json"),
    (["binary.json"], 3, "binary.json"),
    (["foreign.json"], 3, "foreign.json"),
    (["none.json"], 4, "none.json"),
]


@pytest.mark.parametrize(
    ("words", "code", "message"), BAD, ids=lambda item: " ".join(item) if isinstance(item, list) else ""
)
def test_bad_input_is_one_line_and_leaves_nothing(
    words: List[str], code: int, message: str, run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_file.parent
    (folder / "empty.json").write_bytes(b"")
    (folder / "binary.json").write_bytes(bytes(range(256)) * 9)
    (folder / "foreign.json").write_text('{"hello": "world"}')
    write(folder / "none.json", envelope([]))
    write(folder / "other.json", document(TREE))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert main(["flamegraph", *words]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("nutrace: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize("name", NAMES)
def test_full_disk(name: str, run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    assert main(["flamegraph", "run.json", "-f", name, "-o", "/dev/full"]) == 5
    assert capsys.readouterr().err == (
        "nutrace: error: cannot write /dev/full: No space left on device; choose another place with -o\n"
    )


@pytest.mark.parametrize("name", NAMES)
def test_hostile_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = spans(("</script><script>", 0, 10, [("nul \x00 '\"&;\n", 1, 2), ("x" * 10_000_000, 3, 4)]))
    content = compact(envelope(made)).replace(b"nul ", b"lone \\ud800 ")
    (tmp_path / "run.json").write_bytes(content)
    assert main(["flamegraph", "run.json", "-f", name]) == 0
    (drawing,) = (file for file in tmp_path.iterdir() if file.name != "run.json")
    text = drawing.read_bytes().decode("utf-8")
    assert len(text) < 500_000  # the page itself has 300,000
    assert "\x00" not in text
    assert "ud800" not in text
    assert "x" * 1000 in text


def test_help_lists_the_formats(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["flamegraph", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for row in FORMATS:
        assert f" {row.name} {row.description}" in told
