"""A failing query's traceback holds the frames of the program's own query functions."""

from __future__ import annotations

import json
import sqlite3
import traceback
from pathlib import Path
from typing import Any, Callable, List, Tuple

import pytest
from devkit import devkit_environment, needs_devkit, run_python
from fakes import query_session
from fakes.tracing import Tracing

import nutrace
from nutrace import semconv
from nutrace.probes.catalogue import at_level, built_in
from nutrace.probes.probe import LEVELS, Probe

WRONG = "SELECT a FROM nowhere WHERE a = ?"
_NUTRACE = str(Path(nutrace.__file__).parent)
_FAKES = [Probe(f"{query_session.__name__}:{name}", "database") for name in ("all_rows", "only_row")]


def frames_of(query: Callable[..., Any], file: str) -> List[Tuple[str, str]]:
    """File and function of the frames in the traceback of a wrong query, without nutrace's own."""
    with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere") as caught:
        list(query(WRONG, (1,), file) or ())
    frames = traceback.extract_tb(caught.value.__traceback__)
    return [(frame.filename, frame.name) for frame in frames if not frame.filename.startswith(_NUTRACE)]


@pytest.mark.parametrize("probed", [False, True])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["all_rows", "only_row"])
def test_the_programs_frames_are_in_the_traceback(
    recorded: Tracing, tmp_path: Path, name: str, level: str, probed: bool
) -> None:
    file = str(tmp_path / "t.db")
    expected = frames_of(getattr(query_session, name), file)
    assert expected[-1] == (query_session.__file__, name)
    with recorded(*at_level(built_in(), level), *(_FAKES if probed else ())):
        assert frames_of(getattr(query_session, name), file) == expected
    assert not recorded.faults


_SCRIPT = """
import json, sys, traceback
from nuplan.database.nuplan_db.query_session import execute_many, execute_one
found = {}
for query in (execute_many, execute_one):
    try:
        list(query("SELECT a FROM nowhere", (), sys.argv[1]) or ())
    except Exception as error:
        found[query.__name__] = [type(error).__name__] + [
            frame.name for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename.endswith("/nuplan/database/nuplan_db/query_session.py")
        ]
print(json.dumps(found))
"""


@needs_devkit
@pytest.mark.parametrize("speedups", ["", "all"])
@pytest.mark.parametrize("level", LEVELS)
def test_the_devkits_frames_are_in_the_traceback(tmp_path: Path, level: str, speedups: str) -> None:
    environ = devkit_environment(
        NUTRACE="1",
        NUTRACE_OUTPUT=str(tmp_path / "run.json"),
        NUTRACE_LEVEL=level,
        NUTRACE_SPEEDUPS=speedups,
    )
    done = run_python(["-c", _SCRIPT, str(tmp_path / "log.db")], environ, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        name: ["OperationalError", name] for name in ("execute_many", "execute_one")
    }
    if level == "coarse":  # which records no statements
        return
    trace = nutrace.load(tmp_path / "run.json")
    failed = sum(span.status.code == 2 for span in trace if span.name == semconv.STATEMENT_SPAN)
    # A query that fails in a speedup is run once more, by the program's own function.
    assert failed == (4 if speedups else 2)
