"""``--count``: functions are counted in a program that runs, and those that are called too often left out."""

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
from fakes.programs import TIMEOUT_S, environment

import nutrace
from nutrace.cli.main import main
from nutrace.probes.catalogue.user_file import read_probe_file
from nutrace.suggestions import counting

_CALLS = 30_000  # a step
_STEPS = 40  # some seconds, as py-spy comes late on a busy machine

_PLANNER = f"""
import time
import nutrace
from numbers_of_mine import busy

class Planner:
    @nutrace.probe(component="planner", name="planner.compute")
    def compute(self):
        self._search()
        self._score()
        self._rank()

    def _search(self):
        busy(0.04)

    def _score(self):
        busy(0.03)

    def _rank(self):
        busy(0.02)
        for number in range({_CALLS}):
            self.weigh(number)

    def weigh(self, number):
        total = number
        for _ in range(10):
            total += 1
        return total
"""

_MAIN = """
import sys, time
import nutrace
from mine.planner import Planner

planner = Planner()
for step in range(int(sys.argv[1])):
    with nutrace.span("simulation.step", component="simulation"):
        planner.compute()
print("printed by the program")
"""

_BUSY = """
import time

def busy(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
"""


def suggest(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nutrace.cli.main", "suggest", *words]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program of the user's, of which a run was sampled."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "mine").mkdir()  # without an __init__.py, as many planners are
    (folder / "mine" / "planner.py").write_text(_PLANNER, encoding="utf-8")
    (folder / "numbers_of_mine.py").write_text(_BUSY, encoding="utf-8")
    (folder / "main.py").write_text(_MAIN, encoding="utf-8")
    subprocess.run(
        [sys.executable, "main.py", str(_STEPS)],
        cwd=folder,
        env=environment(NUTRACE="1", NUTRACE_SAMPLE="200"),
        check=True,
        capture_output=True,
        timeout=TIMEOUT_S,
    )
    return folder


@pytest.fixture(scope="module")
def counted(sampled: Path) -> subprocess.CompletedProcess[str]:
    return suggest(sampled, "run.json", "--json", "--count", "--", sys.executable, "main.py", "3")


def _probes(done: subprocess.CompletedProcess[str], key: str = "probes") -> Dict[str, Dict[str, Any]]:
    rows: List[Dict[str, Any]] = json.loads(done.stdout)[key]
    return {row["target"]: row for row in rows}


def test_without_counting_what_is_called_often_is_suggested_too(sampled: Path) -> None:
    done = suggest(sampled, "run.json", "--json")
    assert done.returncode == 0
    assert "mine.planner:Planner.weigh" in _probes(done)
    assert {row["calls"] for row in _probes(done).values()} == {None}


def test_counts_are_those_of_the_program(counted: subprocess.CompletedProcess[str]) -> None:
    assert counted.returncode == 0
    calls = {target: row["calls"] for target, row in _probes(counted).items()}
    # Whether this one is worth a probe beside its callers' depends on the samples.
    assert calls.pop("numbers_of_mine:busy", 3.0) == 3.0
    assert calls == {
        "mine.planner:Planner._search": 1.0,
        "mine.planner:Planner._score": 1.0,
        "mine.planner:Planner._rank": 1.0,
    }
    assert json.loads(counted.stdout)["counted_steps"] == 3


def test_what_is_called_too_often_is_left_out(counted: subprocess.CompletedProcess[str]) -> None:
    [(target, row)] = _probes(counted, "too_often").items()
    assert (target, row["calls"]) == ("mine.planner:Planner.weigh", _CALLS)
    assert row["reason"] == "its own time"
    assert row["cost_of_function"] > 0.1


def test_the_program_prints_to_stderr(counted: subprocess.CompletedProcess[str]) -> None:
    assert "printed by the program" in counted.stderr
    assert "nutrace: counted: calls in 3 finished steps" in counted.stderr


def test_the_output_is_a_file_of_probes_that_works(sampled: Path) -> None:
    """Its probes are declared, take, and hold what the comments say they hold."""
    done = suggest(sampled, "run.json", "--count", "--", sys.executable, "main.py", "2")
    file = sampled / "probes.toml"
    file.write_text(done.stdout, encoding="utf-8")
    names = {probe.name for probe in read_probe_file(file)}
    assert names - {"numbers_of_mine.busy"} == {"planner.search", "planner.score", "planner.rank"}
    assert "#     NUTRACE=1 NUTRACE_PROBES=probes.toml" in done.stdout
    assert '\n# target = "mine.planner:Planner.weigh"\n' in done.stdout
    subprocess.run(
        [sys.executable, "main.py", "5"],
        cwd=sampled,
        env=environment(NUTRACE="1", NUTRACE_PROBES="probes.toml", NUTRACE_OUTPUT="again.json"),
        check=True,
        capture_output=True,
        timeout=TIMEOUT_S,
    )
    trace = nutrace.load(sampled / "again.json")
    computed = [index for index, name in enumerate(trace.name) if name == "planner.compute"]
    alone = sum(trace.self_ns[index] for index in computed)
    assert alone < 0.05 * sum(trace.busy_ns[index] for index in computed)
    below = {trace.component[child] for index in computed for child in trace.children(index)}
    assert below - {"gc"} == {"planner"}  # a collection may strike anywhere


def test_the_probes_of_the_user_stay(sampled: Path) -> None:
    """A file that NUTRACE_PROBES names already is in force while calls are counted."""
    (sampled / "own.toml").write_text(
        '[[probe]]\ntarget = "mine.planner:Planner._score"\nname = "own.score"\n', encoding="utf-8"
    )
    done = suggest(
        sampled,
        "run.json",
        "--json",
        "--count",
        "--",
        sys.executable,
        "main.py",
        "1",
        NUTRACE_PROBES="own.toml",
    )
    row = _probes(done)["mine.planner:Planner._score"]
    assert (row["name"], row["component"], row["calls"]) == ("own.score", "other", 1.0)


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("from main import planner; raise SystemExit(3)", 0, "ended with exit code 3: the calls up to then"),
        ("import os; os._exit(4)", 0, "ended with exit code 4 and left no run file: nothing was counted"),
    ],
)
def test_programs_that_fail(sampled: Path, program: str, code: int, said: str) -> None:
    (sampled / "failing.py").write_text(f"import sys; sys.argv = ['', '1']\n{program}\n", encoding="utf-8")
    done = suggest(sampled, "run.json", "--count", "--", sys.executable, "failing.py")
    assert done.returncode == code
    assert said in done.stderr
    assert "[[probe]]" in done.stdout


def test_ctrl_c_uses_what_was_counted(sampled: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "nutrace.cli.main", "suggest", "run.json", "--count", "--",
         sys.executable, "-c", "import sys; sys.argv = ['', '1']; import main; "
         "print('ready', file=sys.stderr, flush=True); import time; time.sleep(60)"],
        cwd=sampled, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line == "ready\n":
                break
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        out, err = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "the program was interrupted: the calls up to then were counted" in err
    assert "# 1 call a step" in out
    assert err.count("Traceback") == 1  # the program's own


def test_sigterm_ends_the_program_and_leaves_nothing(sampled: Path) -> None:
    temporary = sampled / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "nutrace.cli.main", "suggest", "run.json", "--count", "--",
         sys.executable, "-c", "import os, sys, time; print('pid', os.getpid(), file=sys.stderr, flush=1); "
         "time.sleep(60)"],
        cwd=sampled, env={**environment(), "TMPDIR": str(temporary)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        pid = next(int(line.split()[1]) for line in process.stderr if line.startswith("pid "))
        assert list(temporary.glob("nutrace-count-*"))
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not list(temporary.glob("nutrace-count-*"))


def test_a_run_that_fills_the_disk_is_stopped(
    sampled: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sampled)
    for name in [name for name in os.environ if name.startswith("NUTRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(counting, "_MOST_BYTES", 10_000)
    assert main(["suggest", "run.json", "--count", "--", sys.executable, "main.py", "1000"]) == 0
    out, err = capfd.readouterr()
    assert "the program was stopped" in err
    assert "1 call a step" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run.json", "--count"], 2, "nothing to run"),
        (["run.json", "--limit", "3", "--", "true"], 2, "a program is run for --count only"),
        (["run.json", "--", "true"], 2, "cannot read true: nutrace suggest run.json --count -- python"),
        (["run.json", "--count", "--what", "--", "true"], 2, "cannot read --what"),
        (["run.json", "--count", "--", "/no/such/program"], 3, "cannot run /no/such/program"),
        (
            ["run.json", "--span", "no\nsuch"],
            2,
            "the run has no such span; some that have samples: planner.comp",
        ),
        (["run.json", "--min-share", "many"], 2, "bad --min-share many"),
    ],
)
def test_words_that_make_no_sense(sampled: Path, words: List[str], code: int, said: str) -> None:
    done = suggest(sampled, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.splitlines()[-1].startswith("nutrace: error: ")
