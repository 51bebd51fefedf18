"""The start-up file: on by one variable, off without a trace, and never in the program's way."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Dict, Optional

import pytest
from fakes.programs import counts, finish, run, start, write

from nutrace import semconv
from nutrace._running import OFF, asked_for

NO_SPAN = "nutrace: no span was recorded, so there is no file: nutrace probes lists what is traced\n"
PROGRAM = "import nutrace\nwith nutrace.span('work'):\n    print('said')\n"
START_UP = Path(__file__).parents[1] / "nutrace_autostart.pth"


@pytest.mark.parametrize("value", [None, "", "0", "no", "off", "False", "OFF"])
def test_off_imports_nothing(tmp_path: Path, value: Optional[str]) -> None:
    ended = run(
        tmp_path,
        "import sys\nprint([name for name in sys.modules if name.partition('.')[0] in "
        "('nutrace', 'nutrace_exporters', 'opentelemetry', 'wrapt', 'msgspec')])",
        variables={"NUTRACE": value},
        traced=False,
    )
    assert (ended.code, ended.out, ended.err) == (0, "[]\n", "")
    assert ended.files == []


def test_off_the_start_up_file_touches_nothing_but_the_environment(tmp_path: Path) -> None:
    line = START_UP.read_text()
    assert line.count("\n") == 1
    code = f"import os, sys; before = set(sys.modules)\n{line}\nprint(sorted(set(sys.modules) - before))"
    process = start(tmp_path, ["-S", "-c", code], traced=False)
    assert finish(tmp_path, process).out == "[]\n"


def test_the_start_up_file_and_what_it_imports_know_the_same_values() -> None:
    for value in ("", *OFF):
        assert not asked_for({"NUTRACE": value.upper()})
        assert f'"{value}"' in START_UP.read_text()
    assert not asked_for({})
    assert asked_for({"NUTRACE": "none"})


def test_on_pulls_in_neither_pandas_nor_the_command_line(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        "import sys\nprint([name for name in sys.modules if name.partition('.')[0] in ('pandas', 'numpy', "
        "'rich', 'sqlalchemy', 'nutrace_exporters') or name.startswith(('nutrace.cli', 'nutrace.analysis', "
        "'nutrace.trace', 'nutrace.jupyter', 'opentelemetry.sdk'))])",
    )
    assert (ended.code, ended.out, ended.err) == (0, "[]\n", NO_SPAN)


@pytest.mark.parametrize(("summary", "said"), [(None, NO_SPAN), ("0", "")])
def test_without_a_span_a_line_says_so(tmp_path: Path, summary: Optional[str], said: str) -> None:
    program = "print('hello')\nraise SystemExit(3)"
    ended = run(tmp_path, program, variables={"NUTRACE_SUMMARY": summary})
    assert (ended.code, ended.out, ended.err) == (3, "hello\n", said)
    assert ended.files == []


def test_a_program_that_starts_what_is_traced_does_not_say_so(tmp_path: Path) -> None:
    inner = write(tmp_path, PROGRAM, "inner.py")
    ended = run(tmp_path, f"import subprocess, sys\nsubprocess.run([sys.executable, {inner.name!r}])")
    assert (ended.out, counts(ended.trace)) == ("said\n", {"work": 1})
    assert "no span" not in ended.err


@pytest.mark.parametrize("found", [True, False])
def test_the_next_commands_can_be_typed(tmp_path: Path, found: bool) -> None:
    folder = os.path.dirname(sys.executable)
    path = os.pathsep.join([folder] * found + ["/usr/bin", "/bin"])
    ended = run(tmp_path, PROGRAM, variables={"PATH": path})
    word = "nutrace" if found else os.path.join(folder, "nutrace")
    assert f"next: {word} report run.json; {word} flamegraph run.json\n" in ended.err


@pytest.mark.parametrize("value", ["1", "yes", "2"])
def test_on(tmp_path: Path, value: str) -> None:
    ended = run(tmp_path, PROGRAM, variables={"NUTRACE": value})
    assert (ended.code, ended.out) == (0, "said\n")
    assert counts(ended.trace) == {"work": 1}


def test_the_start_of_the_process_is_the_start_of_the_run(tmp_path: Path) -> None:
    before = datetime.now(timezone.utc)
    ended = run(tmp_path, PROGRAM)
    said = str(ended.trace.resources[0].attributes[semconv.CREATED])
    created = datetime.fromisoformat(said.replace("Z", "+00:00"))
    assert before - timedelta(milliseconds=50) <= created
    assert created.timestamp() * 1e9 <= ended.trace.begin_ns


def test_a_program_that_switches_tracing_on_itself_has_its_start_elsewhere(tmp_path: Path) -> None:
    ended = run(tmp_path, f"import nutrace\nnutrace.instrument()\n{PROGRAM}", traced=False)
    assert semconv.CREATED not in ended.trace.resources[0].attributes


def test_a_console_script(tmp_path: Path) -> None:
    script = write(tmp_path, f"#!{sys.executable}\n{PROGRAM}", "command")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    process = start(tmp_path, [str(script)], executable=str(script))
    ended = finish(tmp_path, process)
    assert (ended.code, ended.out) == (0, "said\n")
    assert counts(ended.trace) == {"work": 1}


BAD: Dict[str, Dict[str, str]] = {
    "unknown variable": {"NUTRACE_OUTPT": "x.json"},
    "bad level": {"NUTRACE_LEVEL": "loud"},
    "bad number": {"NUTRACE_FLUSH_SECONDS": "soon"},
    "no such probe file": {"NUTRACE_PROBES": "/no/such/file.toml"},
    "no such folder": {"NUTRACE_OUTPUT": "/no/such/folder/run.json"},
    "lines in a name": {"NUTRACE_OUTPUT": "/no/such\nfolder\n/run.json"},
    "not text": {"NUTRACE_OUTPUT": "/no/such/\udcff/run.json"},
    "a name too long": {"NUTRACE_OUTPUT": "x" * 5000},
}


@pytest.mark.parametrize("variables", BAD.values(), ids=BAD)
def test_a_bad_setting_is_one_line_and_the_program_runs(tmp_path: Path, variables: Dict[str, str]) -> None:
    ended = run(tmp_path, f"{PROGRAM}\nraise SystemExit(7)", variables=variables, errors="backslashreplace")
    assert (ended.code, ended.out) == (7, "said\n")
    assert ended.err.startswith("nutrace: ")
    assert ended.err.endswith("; the program runs untraced\n")
    assert ended.err.count("\n") == 1
    assert ended.files == []


def test_with_stderr_closed_the_line_does_not_go_to_stdout(tmp_path: Path) -> None:
    program = write(tmp_path, PROGRAM)
    shell = subprocess.run(
        ["sh", "-c", f'NUTRACE=1 NUTRACE_LEVEL=loud exec "{sys.executable}" "{program}" 2>&-'],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        env={**os.environ},
        text=True,
        check=False,
    )
    assert (shell.returncode, shell.stdout) == (0, "said\n")


def test_a_fault_of_ours_at_the_start_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "msgspec.py").write_text("raise RuntimeError('two\\nlines')")
    process = start(tmp_path, ["-c", "print('said')"], variables={"PYTHONPATH": str(broken)})
    ended = finish(tmp_path, process)
    assert (ended.code, ended.out) == (0, "said\n")
    assert ended.err == "nutrace: cannot start (RuntimeError: two lines); the program runs untraced\n"


def test_the_summary_can_be_switched_off(tmp_path: Path) -> None:
    ended = run(tmp_path, PROGRAM, variables={"NUTRACE_SUMMARY": "0"})
    assert (ended.code, ended.out, ended.err) == (0, "said\n", "")
    assert counts(ended.trace) == {"work": 1}


def test_warnings_as_errors_stop_nobody(tmp_path: Path) -> None:
    ended = finish(tmp_path, start(tmp_path, ["-W", "error", "-X", "dev", write(tmp_path, PROGRAM).name]))
    assert (ended.code, ended.out) == (0, "said\n")
    assert "Warning" not in ended.err, ended.err
    assert counts(ended.trace) == {"work": 1}
