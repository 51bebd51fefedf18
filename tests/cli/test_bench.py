"""``nutrace bench``: what runs, what is kept, and how it ends when the program does not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.programs import environment
from fakes.programs import write as write_program

from nutrace.cli.main import main

pytestmark = pytest.mark.once

#: Simulates steps without a simulation; what it does is in variables.
PROGRAM = """
import os, sqlite3, sys, time
import nutrace

sqlite3.connect(":memory:").close()
with nutrace.span("simulation.run", component="simulation"):
    for index in range(3):
        with nutrace.span("simulation.step", component="simulation", **{"nutrace.step.index": index}):
            with nutrace.span("planner.compute", component="planner"):
                time.sleep(float(os.environ.get("PLANNER_S", "0.001")))
            for _ in range(int(os.environ.get("STATEMENTS", "2"))):
                sqlite3.connect(":memory:").execute("SELECT 1").fetchall()
if os.path.exists("hang"):
    open("hanging", "w").close()
    time.sleep(60)
tries = os.environ.get("FAILS")
if tries:
    with open("tries", "a") as file:
        file.write("x")
    if len(open("tries").read()) in map(int, tries.split(",")):
        print("what went wrong")
        sys.exit(7)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_program(tmp_path, PROGRAM)
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("NUTRACE"):
            monkeypatch.delenv(name)
    return tmp_path


def _bench(*words: str, output: str = "b", program: str = "program.py") -> int:
    arguments = ["bench", "-o", output, *words, "--", sys.executable, program]
    try:
        return main(arguments)
    except SystemExit as ended:  # argparse
        return int(ended.code or 0)


def _record(folder: Path) -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads((folder / "b" / "bench.json").read_text())
    return found


def _files(folder: Path) -> List[str]:
    return sorted(str(path.relative_to(folder / "b")) for path in (folder / "b").rglob("*.json*"))


def test_variants_run_interleaved_and_each_run_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = ["--variant", "base", "--variant", "a:STATEMENTS=3", "--variant", "none:STATEMENTS=0"]
    assert _bench("--runs", "2", "--json", *variants) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    names = ["a", "base", "none"]
    kept = [f"{name}/0{run}.json" for name in names for run in (1, 2)]
    assert _files(folder) == sorted([*kept, "bench.json", *(f"warmup/{name}.json" for name in names)])
    runs = _record(folder)["runs"]
    assert [run["round"] for run in runs] == [0] * 3 + [1] * 3 + [2] * 3
    assert [sorted(run["variant"] for run in runs[at : at + 3]) for at in (0, 3, 6)] == [names] * 3
    assert all(run["seconds"] > 0 and "load" in run["machine"] for run in runs)
    # What SQLite was asked for is exact: 2, 3 and no statements a step.
    counts = {
        each["variant"]: row["new"] - row["base"]
        for each in document["variants"]
        for row in each["verdicts"]
        if row["figure"] == "database.statements_per_step"
    }
    assert counts == {"a": 1, "none": -2}
    assert printed.err.count("runs left") == 9


def test_run_files_are_compressed_if_the_users_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUTRACE_OUTPUT", "mine.json.gz")
    assert _bench("--runs", "2", "--no-warm-up", "--variant", "base", "--variant", "a:STATEMENTS=3") == 0
    kept = [f"{name}/0{run}.json.gz" for name in ("a", "base") for run in (1, 2)]
    assert _files(folder) == [*kept, "bench.json"]
    assert all((folder / "b" / name).read_bytes().startswith(b"\x1f\x8b") for name in kept)
    monkeypatch.delenv("NUTRACE_OUTPUT")
    for words in (["compare", "b/base", "--against", "b/a"], ["history", "b"]):
        assert main(words) == 0


def test_a_combination_is_compared_with_the_sum_of_its_parts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = ["--variant", "base", "--variant", "slow:PLANNER_S=0.02", "--variant", "asks:STATEMENTS=4"]
    both = "--variant", "both:PLANNER_S=0.02 STATEMENTS=4"
    assert _bench("--runs", "2", "--no-warm-up", "--json", *variants, *both) == 0
    (found,) = json.loads(capsys.readouterr().out)["interactions"]
    assert (found["variant"], found["parts"]) == ("both", ["slow", "asks"])
    figures = {row["figure"]: row for row in found["figures"]}
    statements = figures["database.statements_per_step"]
    assert (statements["parts"], statements["together"], statements["interaction"]) == ([0, 2], 2, 0)
    mean = figures["steps.mean_ms"]
    assert mean["interaction"] == pytest.approx(mean["together"] - sum(mean["parts"]))
    assert mean["low"] < mean["interaction"] < mean["high"]


def test_a_run_that_fails_is_kept_aside_and_repeated(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The third of all runs of the variant fails: warm-up, 01, 02.
    assert _bench("--runs", "2", "--variant", "base", "--variant", "x:FAILS=3") == 0
    printed = capsys.readouterr()
    assert "x, round 2: failed (exit code 7), and is repeated" in printed.err
    assert "1 run failed: see the folder failed" in printed.out
    failed = [run for run in _record(folder)["runs"] if run["problem"]]
    assert [(run["variant"], run["problem"]) for run in failed] == [("x", "exit code 7")]
    assert sorted(path.suffix for path in (folder / "b" / "failed").iterdir()) == [".json", ".txt"]
    assert {"x/01.json", "x/02.json"} <= set(_files(folder))


def test_a_variant_that_fails_too_often_ends_the_benchmark(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _bench("--runs", "2", "--retries", "1", "--variant", "base", "--variant", "x:FAILS=2,3") == 10
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("nutrace: error: variant x failed 2 times, the last with exit code 7")


@pytest.mark.parametrize("more", [[], ["--no-warm-up"]])
def test_a_command_that_fails_at_once_is_not_repeated(
    folder: Path, capsys: pytest.CaptureFixture[str], more: List[str]
) -> None:
    assert _bench("--variant", "base", "--variant", "x:FAILS=1", *more) == 10
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:][0] == "what went wrong"
    assert lines[-1].startswith("nutrace: error: variant x fails at once: exit code 7; what it printed is in")


def test_a_program_that_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--variant", "a", "--variant", "b:X=1", "-o", "b", "--", "/no/program"]) == 3
    error = capsys.readouterr().err
    assert error == "nutrace: error: cannot run /no/program: there is no such program (nothing was started)\n"
    assert not (folder / "b").exists(), "the same line, corrected, would be refused"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("machine", None),
        ("machine", {"processors": "two"}),
        ("seed", "x"),
        ("file", 5),
        ("place", "first"),
        ("load", "high"),
    ],
)
def test_a_record_with_other_things_in_it(
    folder: Path, capsys: pytest.CaptureFixture[str], key: str, value: Any
) -> None:
    words = ["--runs", "1", "--no-warm-up", "--variant", "base", "--variant", "x:A=1"]
    assert _bench(*words) == 0
    record = _record(folder)
    for place in (record, *record["runs"], *(run["machine"] for run in record["runs"])):
        if key in place:
            place[key] = value
    (folder / "b" / "bench.json").write_text(json.dumps(record))
    capsys.readouterr()
    assert _bench(*words, "--resume") == 3
    (error,) = capsys.readouterr().err.splitlines()
    assert "is no record of a benchmark" in error
    assert main(["compare", "b/base", "--against", "b/x"]) == 0


def test_the_folder_of_a_benchmark_is_no_side(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("base", "failed", "warmup", "x"):
        (folder / "b" / name).mkdir(parents=True)
    (folder / "b" / "bench.json").touch()
    assert main(["compare", "b", "--against", "b/x"]) == 2
    assert "name the folder of one, such as b/base or b/x" in capsys.readouterr().err


def test_a_program_that_is_not_traced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--variant", "a", "--variant", "b:X=1", "-o", "b", "--", "true"]) == 10
    assert "variant a fails at once: it left no run file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--variant", "base"], "twice or more"),
        (["--variant", "base", "--variant", "again"], "run the same"),
        (["--variant", "base", "--variant", "x:nothing"], "unknown speedup"),
        (["--variant", "base", "--variant", "x:A=1", "--runs", "0"], "bad number 0"),
        (["--variant", "base", "--variant", "x:A=1", "--until", "bored"], "invalid choice"),
    ],
)
def test_bad_usage_starts_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], words: List[str], said: str
) -> None:
    assert _bench(*words) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not (folder / "b").exists()


def test_no_program(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--variant", "a", "--variant", "b:X=1"]) == 2
    assert "nothing to run" in capsys.readouterr().err


def test_an_interrupted_benchmark_keeps_what_has_run_and_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["bench", "-o", "b", "--runs", "2", "--seed", "5", "--no-warm-up"]
    words += ["--variant", "base", "--variant", "x:A=1"]
    program = ["--", sys.executable, "program.py"]
    command = [sys.executable, "-m", "nutrace.cli.main", *words, *program]
    process = subprocess.Popen(
        command, env=environment(), text=True, stderr=subprocess.PIPE, start_new_session=True
    )
    assert process.stderr is not None
    assert "round 1" in process.stderr.readline()
    (folder / "hang").touch()
    deadline = time.monotonic() + 60
    while not (folder / "hanging").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume goes on" in error
    before = _record(folder)["runs"]
    assert 1 <= len(before) < 4
    (folder / "hang").unlink()
    assert main([*words, *program]) == 5  # a new benchmark does not replace it
    assert "--resume" in capsys.readouterr().err
    assert main([*words, "--resume", "--variant", "y:A=2", *program]) == 2
    assert "of other variants" in capsys.readouterr().err
    assert main([*words, "--resume", *program]) == 0
    runs = _record(folder)["runs"]
    assert runs[: len(before)] == before
    assert sorted((run["variant"], run["round"]) for run in runs) == [
        ("base", 1), ("base", 2), ("x", 1), ("x", 2),
    ]  # fmt: skip


def test_a_benchmark_that_is_terminated_takes_its_program_with_it(folder: Path) -> None:
    write_program(folder, "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)\n")
    words = [
        "bench",
        "-o",
        "b",
        "--variant",
        "base",
        "--variant",
        "x:A=1",
        "--",
        sys.executable,
        "program.py",
    ]
    process = subprocess.Popen([sys.executable, "-m", "nutrace.cli.main", *words], env=environment())
    deadline = time.monotonic() + 60
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.terminate()
    assert process.wait(timeout=60) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


def test_until_decided_stops_at_the_limit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--runs", "1", "--until", "decided", "--most", "2", "--no-warm-up"]
    assert _bench(*words, "--variant", "base", "--variant", "x:PLANNER_S=0.01") == 0
    assert "undecided after 1 rounds" in capsys.readouterr().err
    assert len(_record(folder)["runs"]) == 4
