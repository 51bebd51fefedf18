"""What of a command line is written."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from fakes import programs

from nutrace.recording.command_line import HIDDEN, without_secrets


@pytest.mark.parametrize(
    "line",
    [
        "--password=hunter2 --token hunter2 API_KEY=hunter2",
        "db.password=hunter2 +credentials=hunter2 AWS_SECRET_ACCESS_KEY=hunter2 --dbPassword hunter2",
        "postgres://user:hunter2@host/db https://hunter2@host/x 'postgres://u:p@ss:hunter2@host/db'",
        "git+https://hunter2:x-oauth-basic@host/x",
        "'https://host/x?a=1&token=hunter2' 'file:log.db?key=hunter2' 'host=h password=hunter2 user=u'",
        "-H 'Authorization: Bearer hunter2' --header='X-Api-Key: hunter2'",
        """'{"password": "hunter2", "a": 1}'""",
    ],
)
def test_what_looks_like_a_secret_is_hidden(line: str) -> None:
    kept = without_secrets(["python", "run.py", *shlex.split(line)])
    assert len(kept) == 2 + len(shlex.split(line))
    assert "hunter2" not in " ".join(kept)
    assert HIDDEN in " ".join(kept)


@pytest.mark.parametrize(
    "line",
    [
        "python -u run_simulation.py planner=idm_planner scenario_filter.scenario_tokens=[ab,cd]",
        "python -m nuplan.run -c config.yaml hydra.searchpath=[pkg://a.b,pkg://c] http://host:80/x",
        "python run.py --keyboard qwerty --max-tokens 5 --author me --key-frames 3 monkey=5 --tokenizer t",
        "/usr/bin/python3 -W ignore -c 'import a; a.main(5)' one",
    ],
)
def test_everything_else_is_kept(line: str) -> None:
    words = shlex.split(line)
    assert without_secrets(words) == words


@pytest.mark.parametrize("options", ["-c", "-u -c", "-Ic", "-W ignore -X dev -c"])
def test_a_program_given_as_text_ends_at_its_first_quote(options: str) -> None:
    program = "import sqlite3; ask(5, 'hunter2')"
    kept = without_secrets(["python", *options.split(), program, "a"])
    assert kept == ["python", *options.split(), f"import sqlite3; ask(5, {HIDDEN}", "a"]


def test_a_run_file_has_no_secret_of_the_command_line(tmp_path: Path) -> None:
    program = programs.write(tmp_path, "import nutrace\nwith nutrace.span('work'):\n    pass\n")
    arguments = [program.name, "--password=hunter2", "https://user:hunter2@host/x"]
    ended = programs.finish(tmp_path, programs.start(tmp_path, arguments))
    assert ended.trace.resources[0].attributes["process.command_args"][-2:] == [
        f"--password={HIDDEN}",
        f"https://{HIDDEN}@host/x",
    ]
    assert "hunter2" not in (tmp_path / "run.json").read_text(encoding="utf-8")
    assert sys.executable in ended.trace.resources[0].attributes["process.command_args"][0]
