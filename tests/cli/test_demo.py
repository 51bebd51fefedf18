"""`nutrace demo` as a user types it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, List, Optional, Tuple

import pytest
from devkit import devkit_environment, needs_devkit, run_python
from fakes.programs import environment
from fuzz.watch import run_command

import nutrace
from nutrace.cli.main import main
from nutrace.demo import launch
from nutrace.demo.launch import Target, choose, fresh_run_file, run_traced

FAST = ["--miniature", "--steps", "3"]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child finds this checkout, whether or not it is installed."""
    root = str(Path(nutrace.__file__).parent.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))))


def test_reports_and_writes_three_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "new" / "results"
    assert main(["demo", "--output", str(directory), *FAST]) == 0
    captured = capsys.readouterr()
    written = ["run-data", "run.flamegraph.html", "run.json", "run.speedscope.json"]
    assert sorted(os.listdir(directory)) == written
    assert len(nutrace.load(str(directory / "run.json")).step_indices) == 3
    assert captured.out.startswith("Simulating a synthetic log under NUTRACE=1 with a miniature simulation")
    assert "Components in the steps" in captured.out
    assert f"open {directory}/run.flamegraph.html" in captured.out
    assert "nutrace: wrote" in captured.err


def test_earlier_results_stay(tmp_path: Path) -> None:
    assert main(["demo", "--output", str(tmp_path), *FAST]) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main(["demo", "--output", str(tmp_path), *FAST]) == 0
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {path: content for path, content in after.items() if path in before} == before
    assert (tmp_path / "run-1.json").exists()
    assert (tmp_path / "run-1.flamegraph.html").exists()


@pytest.mark.parametrize(
    "name", ["run.json", "run.json.partial", "run.flamegraph.html", "run.speedscope.json", "run-data"]
)
def test_a_name_is_fresh_only_if_nothing_bears_it(tmp_path: Path, name: str) -> None:
    assert fresh_run_file(tmp_path).name == "run.json"
    (tmp_path / name).touch()
    assert fresh_run_file(tmp_path).name == "run-1.json"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder where somebody tried the demo, and what it printed there."""
    folder = tmp_path_factory.mktemp("tried")
    done = subprocess.run(
        [sys.executable, "-m", "nutrace.cli.main", "demo", *FAST],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder, done


def test_its_log_stays_and_the_next_steps_work(
    demo: Tuple[Path, subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, done = demo
    monkeypatch.chdir(folder)
    assert re.search(r"^nutrace-demo/run-data: .*the log, .* \d\.\d MB$", done.stdout, re.MULTILINE)
    told = done.stdout.rpartition("Next\n")[2]
    commands = [line.strip() for line in told.splitlines() if line.startswith("  nutrace ")]
    assert [words.split()[1] for words in commands] == ["report", "sql", "index", "advise"]
    answers = {}
    for command in commands:
        code, out, err = run_command(shlex.split(command)[1:])
        assert (code, err) == (0, "")
        answers[command.split()[1]] = out.decode()
    trace = nutrace.load("nutrace-demo/run.json")
    slowest = max(trace.busy_ns[step] for step in trace.finished_steps) / 1e6
    assert f"the step took {slowest:.2f} ms" in answers["report"] or slowest >= 100
    for command in ("sql", "advise"):
        assert "no such file" not in answers[command]
    assert "SEARCH" in answers["sql"]
    assert "CREATE INDEX" in answers["index"]
    for file in re.findall(r"open (\S+)", told):
        assert (folder / file).is_file()


def test_without_indexes_there_is_something_to_make(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--output", str(tmp_path), "--no-indexes", *FAST]) == 0
    assert "a synthetic log without indexes" in capsys.readouterr().out
    (log,) = tmp_path.rglob("*.db")
    assert main(["index", str(log), "--run", str(tmp_path / "run.json")]) == 0
    assert "ON traffic_light_status (lidar_pc_token)" in capsys.readouterr().out


def test_without_a_sql_parser_it_is_installed_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nutrace.cli.demo.importlib.util.find_spec", lambda name: None)
    assert main(["demo", "--output", str(tmp_path), *FAST]) == 0
    out = capsys.readouterr().out
    assert out.count("sqlglot") == 1
    assert out.index("  pip install 'sqlglot>=25'\n") < out.index("  nutrace sql --explain")


def test_the_commands_can_be_typed_where_no_nutrace_is_found(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("nutrace")
    (tmp_path / "bin").symlink_to(program.parent)
    done = subprocess.run(
        ["bin/nutrace", "demo", *FAST],
        cwd=tmp_path,
        env={**environment(), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = done.stdout.rpartition("Next\n")[2]
    starts = [line.split()[:2] for line in told.splitlines() if re.match(r"  (?!open)\S", line)]
    assert starts == [["bin/nutrace", word] for word in ("report", "sql", "index", "advise", "run")]


def test_one_number_for_the_overhead(
    demo: Tuple[Path, subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, done = demo
    monkeypatch.chdir(folder)
    file = "nutrace-demo/run.json"
    ledger = json.loads(run_command(["overhead", file, "--json"])[1])
    report = json.loads(run_command(["report", file, "--json"])[1])["overhead"]
    assert (ledger["recorded"], ledger["share"]) == (report["spans"], report["share"])
    cost_ms = ledger["total_ms"] - ledger["start_and_end_ms"]
    card = nutrace.load(file)._repr_html_()
    assert card is not None
    places = {
        "exit line": done.stderr,
        "demo": done.stdout,
        "report": run_command(["report", file])[1].decode(),
        "overhead": run_command(["overhead", file])[1].decode(),
        "notebook": card,
    }
    for place, text in places.items():
        said = re.search(r"about ([\d.]+) ms, ([\d.]+) % of the wall time", text)
        assert said is not None, place
        assert float(said[1]) == pytest.approx(cost_ms, abs=0.06), place
        # What is fetched after its caller has ended is not yet known when the exit line prices that caller:
        # a microsecond or two, which may round the last digit the other way.
        assert float(said[2]) == pytest.approx(100 * report["share"], abs=0.011), place
    calls = f"{report['spans']:,} calls recorded in {report['in_file']:,} spans"
    assert calls in places["demo"]
    assert calls in places["report"]
    assert report["in_file"] == len(nutrace.load(file))
    assert f"run.json: {report['in_file']:,} spans" in done.stderr


def test_open_shows_the_page(tmp_path: Path) -> None:
    """The browser is the one that BROWSER names."""
    done = subprocess.run(
        [sys.executable, "-m", "nutrace.cli.main", "demo", *FAST, "--open"],
        cwd=tmp_path,
        env={**environment(), "BROWSER": f"sh -c 'echo $0 > {tmp_path}/opened' %s"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    page = tmp_path / "nutrace-demo" / "run.flamegraph.html"
    assert (tmp_path / "opened").read_text().strip() == page.as_uri()


@pytest.mark.parametrize("steps", ["0", "151", "-1"])
def test_bad_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str], steps: str) -> None:
    assert main(["demo", "--output", str(tmp_path / "out"), "--miniature", "--steps", steps]) == 2
    assert capsys.readouterr().err == f"nutrace: error: --steps must be 1 to 150, not {steps}\n"
    assert not list(tmp_path.iterdir())


def test_output_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "--output", str(tmp_path / "file"), *FAST]) == 5
    assert capsys.readouterr().err.startswith("nutrace: error: cannot make ")


@pytest.mark.parametrize(
    ("script", "missing", "said", "devkit"),
    [
        (None, None, "this interpreter has no nuPlan devkit", False),
        ("run_simulation.py", "geopandas", "the devkit's maps need geopandas", False),
        ("run_simulation.py", "pyogrio", "the devkit's maps need pyogrio", False),
        ("run_simulation.py", None, "the nuPlan devkit's own run_simulation.py", True),
    ],
)
def test_it_says_what_it_simulates_with_and_why(
    monkeypatch: pytest.MonkeyPatch, script: Optional[str], missing: Optional[str], said: str, devkit: bool
) -> None:
    monkeypatch.setattr(launch, "_devkit_script", lambda: script)
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None if name == missing else name)
    target = choose()
    assert said in target.description
    assert target.is_devkit is devkit
    assert not choose(miniature=True).is_devkit


class Broken(Target):
    """A few lines of Python in place of a simulation."""

    code = ""

    def command(self, data: Any, steps: int) -> List[str]:
        return [sys.executable, "-c", self.code]


def test_a_failing_simulation_shows_its_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Broken, "code", "print('line before'); raise SystemExit('it broke')")
    monkeypatch.setattr("nutrace.cli.demo.choose", lambda miniature: Broken("a broken simulation"))
    assert main(["demo", "--output", str(tmp_path)]) == 1
    err = capsys.readouterr().err.splitlines()
    assert err[-1] == "nutrace: error: the simulation failed with exit code 1"
    assert err[-4:-2] == ["line before", "it broke"]
    assert not list(tmp_path.iterdir())  # no log without a run file


def test_a_simulation_that_ran_untraced_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Broken, "code", "print('nutrace: cannot do that')")
    monkeypatch.setattr("nutrace.cli.demo.choose", lambda miniature: Broken("an untraced simulation"))
    assert main(["demo", "--output", str(tmp_path)]) == 8
    assert "ran untraced: nutrace: cannot do that" in capsys.readouterr().err


def test_the_child_is_no_part_of_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUTRACE_PARENT", "somebody else")
    monkeypatch.setenv("NUTRACE_OUTPUT", str(tmp_path / "elsewhere.json"))
    code = "import os; open(os.environ['NUTRACE_OUTPUT'], 'w').write(os.environ.get('NUTRACE_PARENT', ''))"
    monkeypatch.setattr(Broken, "code", code)
    run_traced(Broken("writes where it belongs to"), tmp_path / "run.json")
    assert "somebody else" not in (tmp_path / "run.json").read_text()
    assert not (tmp_path / "elsewhere.json").exists()


@needs_devkit
@pytest.mark.timeout(600)
def test_with_the_devkit_it_is_the_devkit(tmp_path: Path) -> None:
    done = run_python(["-m", "nutrace.cli.main", "demo", "--output", str(tmp_path)], devkit_environment())
    assert done.returncode == 0, done.stderr[-2000:]
    assert "the nuPlan devkit's own run_simulation.py" in done.stdout
    trace = nutrace.load(str(tmp_path / "run.json"))
    assert len(trace.step_indices) == 149
    lights = [
        i for i in range(len(trace)) if trace.name[i] == "scenario.get_traffic_light_status_at_iteration"
    ]
    assert sum(trace.calls[i] for i in lights) == 2 * 149
    assert sum(trace.yielded[i] for i in lights) == 2 * 149 * 23
