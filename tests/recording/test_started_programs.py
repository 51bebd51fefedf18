"""Programs that a traced program starts, however it does: they belong to its run, and have its settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes.programs import counts, environment, finish, losses, run, start, without_collections, write

from nutrace import semconv
from nutrace.recording.processes import Environment
from nutrace.trace import load

SCORING = """
import sqlite3

def score(number):
    return sqlite3.connect(":memory:").execute("SELECT 1 AS canary").fetchone()[0] + number

def rank(number):
    return number
"""

# What Hydra does: the run gets a folder of its own, and then the workers start.
MOVES = """
import multiprocessing, os, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scoring

def work(number):
    import scoring
    return scoring.score(scoring.rank(number))

def moves(number):
    os.chdir("/")
    return work(number)

def execs():
    os.execv(sys.executable, [sys.executable, "-c", CODE])

CODE = "import sys; sys.path.insert(0, sys.argv[-1]); import scoring; scoring.score(scoring.rank(1))"
CODE = CODE.replace("sys.argv[-1]", repr(sys.path[0]))
WAYS = {
    "fork": lambda: multiprocessing.get_context("fork").Pool(1).map(work, [1]),
    "spawn": lambda: multiprocessing.get_context("spawn").Pool(1).map(work, [1]),
    "forkserver": lambda: multiprocessing.get_context("forkserver").Pool(1).map(work, [1]),
    "moves": lambda: multiprocessing.get_context("spawn").Pool(1).map(moves, [1]),
    "run": lambda: subprocess.run([sys.executable, "-c", CODE], cwd="/", check=True),
    "spawnv": lambda: os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", CODE]),
    "posix_spawn": lambda: os.waitpid(
        os.posix_spawn(sys.executable, [sys.executable, "-c", CODE], os.environ), 0
    ),
    "system": lambda: os.system(f"cd /; exec {sys.executable} -c \\"{CODE}\\""),
    "fork and exec": lambda: os.waitpid(os.fork() or execs(), 0),
}

if __name__ == "__main__":
    os.makedirs("outputs/now")
    os.chdir("outputs/now")
    with open("pyproject.toml", "w") as file:
        file.write("[tool.nutrace]\\nlevel = 'not a level'\\n")  # is nobody's concern
    for way in sys.argv[1:] or WAYS:
        WAYS[way]()
"""


@pytest.mark.parametrize("by", ["variables", "project"])
def test_settings_reach_every_child(tmp_path: Path, by: str) -> None:
    write(tmp_path, SCORING, "scoring.py")
    write(tmp_path, MOVES)
    write(tmp_path, '[[probe]]\ntarget = "scoring:score"\n', "mine.toml")
    variables = {"NUTRACE_PROBES": "mine.toml", "NUTRACE_SQL_TEXT": "0", "NUTRACE_OUTPUT": "run.json"}
    if by == "project":
        variables = {}
        write(tmp_path, '[tool.nutrace]\nprobes = "mine.toml"\nsql_text = false\n', "pyproject.toml")
    ended = _run(tmp_path, [], variables)
    assert (ended.returncode, "nutrace: cannot" in ended.stderr) == (0, False), ended.stderr
    trace = load(tmp_path / "run.json")
    assert not losses(trace)
    found = counts(trace)
    ways = MOVES.count("lambda:")
    assert (found["score"], found["sqlite3.statement"]) == (ways, ways)
    assert b"canary" not in (tmp_path / "run.json").read_bytes()
    settings = {resource.attributes[semconv.SETTINGS] for resource in trace.resources}
    assert all(json.loads(each)["sql_text"] is False for each in settings)


def _run(folder: Path, ways: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "program.py", *ways],
        cwd=folder,
        env=environment(NUTRACE="1", **variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_probes_that_the_project_declares_reach_every_child(tmp_path: Path) -> None:
    write(tmp_path, SCORING, "scoring.py")
    write(tmp_path, MOVES)
    write(tmp_path, '[[tool.nutrace.probes]]\ntarget = "scoring:rank"\n', "pyproject.toml")
    ended = _run(tmp_path, ["spawn", "run"], {})
    assert ended.returncode == 0, ended.stderr
    assert counts(load(tmp_path / "run.json"))["rank"] == 2


def test_a_program_may_give_its_child_another_setting(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import os, subprocess, sys
        import nutrace
        code = "import nutrace, os\\nwith nutrace.span('x' * 99): pass"
        environ = {**os.environ, "NUTRACE_TEXT_LIMIT": "20"}
        subprocess.run([sys.executable, "-c", code], env=environ, check=True)
        """,
    )
    (span,) = without_collections(ended.trace)
    assert len(span.name) < 30


def test_variables_are_given_back_unless_the_program_has_changed_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NUTRACE_LEVEL", "fine")
    monkeypatch.delenv("NUTRACE_OUTPUT", raising=False)
    told = Environment({"NUTRACE_LEVEL": "coarse", "NUTRACE_OUTPUT": "/x", "NUTRACE_PROBES": "/y"})
    told.install()
    assert os.environ["NUTRACE_LEVEL"] == "coarse"
    os.environ["NUTRACE_PROBES"] = "/z"
    told.uninstall()
    assert os.environ["NUTRACE_LEVEL"] == "fine"
    assert "NUTRACE_OUTPUT" not in os.environ
    assert os.environ.pop("NUTRACE_PROBES") == "/z"


WORKER = """
    import nutrace
    @nutrace.probe(component="planner")
    def plan(): pass
    for _ in range(50):
        plan()
"""

LAUNCHERS = {
    "exec": "os.execv(sys.executable, [sys.executable, 'worker.py'])",
    "exec of a shell": "os.execvp('bash', ['bash', '-c', f'exec {sys.executable} worker.py'])",
    "two execs": """
if len(sys.argv) < 2:
    os.execv(sys.executable, [sys.executable, "launcher.py", "again"])
os.execlp("env", "env", "SOMETHING=1", sys.executable, "worker.py")
""",
    "exec in a forked child": """
if os.fork() == 0:
    os.execl(sys.executable, sys.executable, "worker.py")
os.wait()
""",
    "exec with an environment": "os.execve(sys.executable, [sys.executable, 'worker.py'], dict(os.environ))",
    "exec after spans": """
with nutrace.span("launcher"):
    os.execv(sys.executable, [sys.executable, 'worker.py'])
""",
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
@pytest.mark.parametrize("is_first", [False, True])
def test_a_program_that_becomes_another_by_exec(tmp_path: Path, launcher: str, is_first: bool) -> None:
    """Ray's workers begin like that. It may be a child, or the run's first process."""
    write(tmp_path, WORKER, "worker.py")
    write(tmp_path, "import nutrace, os, sys\n" + LAUNCHERS[launcher], "launcher.py")
    if is_first:
        ended = finish(tmp_path, start(tmp_path, ["launcher.py"]))
    else:
        ended = run(
            tmp_path,
            """
            import nutrace, subprocess, sys
            with nutrace.span("parent"):
                subprocess.run([sys.executable, "launcher.py"], check=True)
            """,
        )
    assert ended.code == 0, ended.err
    trace = load(tmp_path / "run.json")
    assert counts(trace)["plan"] == 50
    assert counts(trace)["parent"] == (not is_first)
    assert trace.diagnostics.complete
    assert sorted(file.name for file in tmp_path.glob("run*")) == ["run.json"]


@pytest.mark.parametrize(
    "command",
    [
        "exec {python} worker.py",
        "env A=1 {python} worker.py",
        "nohup {python} worker.py",
        "echo worker.py | xargs {python}",
        "setsid -w {python} worker.py",
        "printf 'all:\\n\\t{python} worker.py\\n' | make -s -f -",
    ],
)
def test_a_child_that_something_else_starts(tmp_path: Path, command: str) -> None:
    tool = command.split("| ")[-1].split()[0]
    if tool != "exec" and not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")
    write(tmp_path, WORKER, "worker.py")
    line = command.format(python=sys.executable)
    ended = run(tmp_path, f"import subprocess\nsubprocess.run({line!r}, shell=True, check=True)")
    assert ended.code == 0, ended.err
    assert counts(ended.trace) == {"plan": 50}
    assert ended.files == ["run.json"]


def test_an_exec_without_our_variables_begins_a_run_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, WORKER, "worker.py")
    ended = run(
        tmp_path,
        """
        import nutrace, os, sys
        with nutrace.span("before"):
            pass
        kept = {name: text for name, text in os.environ.items() if not name.startswith("NUTRACE_")}
        os.execve(sys.executable, [sys.executable, "worker.py"], kept)
        """,
    )
    assert counts(load(tmp_path / "run-1.json")) == {"plan": 50}
    assert counts(ended.trace) == {"before": 1}


def test_a_simulation_that_outlives_its_launcher_and_the_run_of_another_program(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        import os, time
        import nutrace
        while not os.path.exists("run.json"):  # the other program's
            time.sleep(0.05)
        with nutrace.span("simulation"):
            pass
        """,
        "sim.py",
    )
    launcher = "import subprocess, sys\nsubprocess.Popen([sys.executable, 'sim.py'], start_new_session=True)"
    ended = run(tmp_path, launcher, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert ended.files == []
    other = run(tmp_path, "import nutrace\nwith nutrace.span('other'): pass")
    assert counts(other.trace) == {"other": 1}
    until = time.monotonic() + 20
    while not (shards := list(tmp_path.glob("run.json.shard-*"))) and time.monotonic() < until:
        time.sleep(0.05)
    assert [counts(load(shard)) for shard in shards] == [{"simulation": 1}]
