"""The real devkit: a query that fails, fails in the devkit's own function."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from devkit import MARKS, devkit_environment, run_python

pytestmark = [*MARKS, pytest.mark.timeout(300), pytest.mark.xdist_group("devkit-tracebacks")]

START_UP = Path(__file__).parents[2] / "nutrace_autostart.pth"
QUERY_SPEEDUPS = ("connection_pool", "indexes:place=copy", "row_cache", "scenario_prefetch")
LEVELS = ("", "coarse", "normal", "fine")  # "" is without tracing
ASKING = f"""
exec(open({str(START_UP)!r}).read())
import sys, traceback
from nuplan.database.nuplan_db import nuplan_scenario_queries, query_session

log, missing = sys.argv[1], ("SELECT * FROM missing WHERE token = ?", (b"1",))
for ask in (
    lambda: query_session.execute_one(*missing, log),
    lambda: list(query_session.execute_many(*missing, log)),
    lambda: list(nuplan_scenario_queries.get_tracked_objects_for_lidarpc_token_from_db(log, "ab12")),
):
    try:
        ask()
    except Exception:
        print(traceback.format_exc().replace(chr(10), "|"))
from nutrace.speedups import active
print([each.name for each in active._installations if each.refused])
"""


@pytest.mark.parametrize(
    ("names", "level"),
    [*(("all", level) for level in LEVELS), *((names, "normal") for names in QUERY_SPEEDUPS), ("", "fine")],
)
def test_its_frame_is_in_the_traceback(tmp_path: Path, names: str, level: str) -> None:
    log = tmp_path / "log.db"
    sqlite3.connect(log).close()
    more = {"NUTRACE": "1", "NUTRACE_LEVEL": level, "NUTRACE_SUMMARY": "0"} if level else {}
    more.update({"NUTRACE_SPEEDUPS": names} if names else {}, NUTRACE_OUTPUT=str(tmp_path / "run.json"))
    done = run_python(["-c", ASKING, str(log)], devkit_environment(**more), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *lines, refused = done.stdout.splitlines()
    assert refused == "[]", done.stderr
    assert len(lines) == 3
    for line, function in zip(lines, ("execute_one", "execute_many", "execute_many")):
        assert re.search(rf'nuplan_db/query_session\.py", line \d+, in {function}\|', line), line
        assert "OperationalError: no such table: " in line.split("|")[-2]
