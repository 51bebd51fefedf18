"""Speedups by name: chosen, installed, refused, taken away; what they did is in the run file."""

from __future__ import annotations

import json
import sqlite3
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.programs import finish, start, write
from fakes.tracing import Tracing

import nutrace.cli.main
from nutrace.analysis.installed_speedups import installed_speedups
from nutrace.errors import SettingsError
from nutrace.probes.probe import Probe
from nutrace.speedups import SPEEDUPS, chosen
from nutrace.speedups.active import speedups
from nutrace.trace import load

START_UP = Path(__file__).parents[2] / "nutrace_autostart.pth"
#: As if this checkout's start-up file were the installed one.
BEGIN = f"exec(open({str(START_UP)!r}).read())\n"

#: Query functions that mention what the devkit's mention.
FITTING = """
import sqlite3

def execute_many(query_text, query_parameters, db_file):
    connection = sqlite3.connect(db_file)
    connection.row_factory = sqlite3.Row
    cursor = connection.cursor()
    try:
        yield from cursor.execute(query_text, query_parameters)
    finally:
        cursor.close()
        connection.close()

def execute_one(query_text, query_parameters, db_file):
    connection = sqlite3.connect(db_file)
    connection.row_factory = sqlite3.Row
    cursor = connection.cursor()
    try:
        cursor.execute(query_text, query_parameters)
        row = cursor.fetchone()
        if row is not None and cursor.fetchone() is not None:
            raise RuntimeError("more than one row")
        return row
    finally:
        cursor.close()
        connection.close()
"""
ASKING = """
import glob, sqlite3, sys
from nuplan.database.nuplan_db import query_session
rows = [query_session.execute_one("SELECT 1", (), "log.db")[0] for _ in range(5)]
rows += [row[0] for row in query_session.execute_many("SELECT 2", (), "log.db")]
print(*rows, hasattr(query_session.execute_many, "__wrapped__"))
"""


def put_devkit(folder: Path, query_session: str) -> None:
    """A devkit with one module."""
    package = folder / "nuplan" / "database" / "nuplan_db"
    package.mkdir(parents=True)
    for each in (package, package.parent, package.parent.parent):
        (each / "__init__.py").touch()
    (package / "query_session.py").write_text(query_session, encoding="utf-8")
    sqlite3.connect(folder / "log.db").close()


def run(folder: Path, source: str, **variables: str) -> Any:
    file = write(folder, BEGIN + textwrap.dedent(source))
    return finish(folder, start(folder, [file.name], traced=False, variables=variables))


def names(text: str) -> List[str]:
    return [each.speedup.name for each in chosen(text)]


def test_choosing() -> None:
    everything = [row.name for row in SPEEDUPS]
    assert names("all") == names(",".join(reversed(everything))) == everything
    assert names("") == names(" , ") == []
    assert names(" connection_pool ") == ["connection_pool"]
    (cache,) = chosen("traffic_light_cache:entries=7")
    assert cache.options.entries == 7
    assert [each.options for each in chosen("all,connection_pool:pool_size=0:timeout_s=0.5")][
        1
    ].timeout_s == 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo", f"unknown speedup 'foo': use {', '.join(row.name for row in SPEEDUPS)}, or all"),
        ("map_cache:layers=0", "map_cache: layers is 0, and must be at least 1"),
        ("traffic_light_cache:entries=0", "entries is 0, and must be at least 1"),
        ("traffic_light_cache:entries=-5", "entries is -5, and must be at least 1"),
        ("traffic_light_cache:entries=many", "entries='many' is not a number"),
        ("traffic_light_cache:size=5", "has no option 'size': use entries"),
        ("connection_pool:pool_size=-1", "pool_size is -1, and must be at least 0"),
        ("connection_pool:timeout_s=0", "timeout_s is 0, and must be above 0"),
        ("connection_pool:timeout_s=nan", "timeout_s is nan, and must be above 0"),
        ("row_cache:megabytes=0", "megabytes is 0, and must be above 0"),
        ("row_cache:megabytes=inf", "megabytes is inf, and must be at most 1e+06"),
        ("scenario_prefetch:megabytes=1e308", "megabytes is 1e+308, and must be at most 1e+06"),
        ("scenario_prefetch:frames=100000", "frames is 100000, and must be at most 32000"),
        ("scenario_prefetch:before_s=inf", "before_s is inf, and must be at most 86400"),
        ("scenario_prefetch:after_s=1e300", "after_s is 1e+300, and must be at most 86400"),
        ("indexes:wait_s=inf", "wait_s is inf, and must be at most 86400"),
        (f"map_cache:layers=-{10**400}", f"layers is -1{'0' * 58}, and must be at least 1"),
        ("row_cache:only=none", "'none' is not the hash of a statement"),
        ("scenario_prefetch:frames=1", "frames is 1, and must be at least 2"),
        ("connection_pool:timeout_s=inf", "timeout_s is inf, and must be at most 86400"),
        ("traffic_light_cache:entries=5:entries=6", "traffic_light_cache is given entries twice"),
        ("x" * 1000, f"unknown speedup '{'x' * 60}': use"),
        ("all:entries=5", "options follow the name of one speedup"),
        ("connection_pool:files=3,connection_pool:files=4", "names connection_pool twice"),
    ],
)
def test_a_wrong_choice_is_one_line_and_the_program_runs_as_stock(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        chosen(text)
    assert message in str(raised.value)
    put_devkit(tmp_path, FITTING)
    ended = run(tmp_path, ASKING, NUTRACE_SPEEDUPS=text)
    assert (ended.code, ended.out) == (0, "1 1 1 1 1 2 False\n")
    assert ended.err == f"nutrace: {raised.value}; the program runs as stock\n"


def test_at_work_without_tracing(tmp_path: Path) -> None:
    put_devkit(tmp_path, FITTING)
    ended = run(tmp_path, ASKING, NUTRACE_SPEEDUPS="all")
    assert (ended.code, ended.out, ended.err) == (0, "1 1 1 1 1 2 True\n", "")
    assert ended.files == []


def test_without_tracing_what_is_for_tracing_stays_out(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        "import sys\nprint([name for name in sys.modules if name in ('pandas', 'numpy', 'nutrace.session', "
        "'nutrace.recording.recorder', 'nutrace.cli', 'nutrace.analysis', 'nutrace.trace')])",
        NUTRACE_SPEEDUPS="traffic_light_cache",
    )
    assert (ended.code, ended.out, ended.err) == (0, "[]\n", "")
    ended = run(
        tmp_path, "import sys\nprint('sqlalchemy' in sys.modules)", NUTRACE_SPEEDUPS="traffic_light_cache"
    )
    assert ended.out == "False\n"


@pytest.mark.parametrize("value", ["", " ", None])
def test_off(tmp_path: Path, value: Any) -> None:
    ended = run(
        tmp_path,
        "import sys\nprint([name for name in sys.modules if name.startswith('nutrace.speedups')])",
        NUTRACE_SPEEDUPS=value,
    )
    assert (ended.code, ended.out, ended.err) == (0, "[]\n", "")


MISFITS: Dict[str, str] = {
    "query_session has no execute_one": FITTING.partition("def execute_one")[0],
    "the module has no function execute_one": FITTING.partition("def execute_one")[0] + "execute_one = None",
    "execute_one runs a query in another way than the one known": FITTING.replace(
        "cursor.fetchone() is not None", "cursor.fetchmany()"
    ),
    "execute_many takes other arguments than (query_text, query_parameters, db_file)": FITTING.replace(
        "execute_many(query_text, query_parameters, db_file)",
        "execute_many(query_text, query_parameters, db_file, timeout=5)",
    ),
}


@pytest.mark.parametrize("reason", MISFITS)
@pytest.mark.parametrize(
    ("name", "traced"),
    [
        ("connection_pool", False),
        ("connection_pool", True),
        ("row_cache", False),
        ("scenario_prefetch", False),
    ],
)
def test_another_shape_is_refused_in_one_line(tmp_path: Path, reason: str, name: str, traced: bool) -> None:
    put_devkit(tmp_path, MISFITS[reason])
    source = "from nuplan.database.nuplan_db import query_session\nprint(query_session.__name__)"
    more = {"NUTRACE": "1", "NUTRACE_SUMMARY": "0"} if traced else {}
    ended = run(tmp_path, source, NUTRACE_SPEEDUPS=name, **more)
    assert (ended.code, ended.out) == (0, "nuplan.database.nuplan_db.query_session\n")
    (line,) = [line for line in ended.err.splitlines() if "no span was recorded" not in line]
    assert line.startswith(f"nutrace: {name} does not fit this program: ")
    assert line.endswith(f"{reason}; it runs as stock")


def test_generators_that_are_kept_hold_no_connection(tmp_path: Path) -> None:
    put_devkit(tmp_path, FITTING)
    source = """
    from nuplan.database.nuplan_db.query_session import execute_many
    generators = [execute_many("SELECT 1 UNION SELECT 2", (), "log.db") for _ in range(6)]
    print([next(each)[0] for each in generators], [next(each)[0] for each in generators])
    """
    ended = run(tmp_path, source, NUTRACE_SPEEDUPS="connection_pool:pool_size=1:max_overflow=1")
    assert (ended.code, ended.out, ended.err) == (0, "[1, 1, 1, 1, 1, 1] [2, 2, 2, 2, 2, 2]\n", "")


def test_a_pool_that_fails_costs_no_query(tmp_path: Path) -> None:
    put_devkit(tmp_path, FITTING)
    broken = "from sqlalchemy.pool import QueuePool\nQueuePool.connect = lambda self: 1 / 0\n"
    ended = run(tmp_path, broken + ASKING, NUTRACE_SPEEDUPS="connection_pool")
    assert (ended.code, ended.out) == (0, "1 1 1 1 1 2 True\n")
    assert ended.err == (
        "nutrace: fault in nutrace (the program goes on): taking a connection out of the pool: "
        "ZeroDivisionError: division by zero\n"
    )


def test_a_module_that_was_imported_before_and_everything_undone() -> None:
    from nutrace.demo.miniature import queries, query_session, scenario

    method = scenario.LogScenario.get_traffic_light_status_at_iteration
    before = (
        dict(vars(query_session)),
        dict(vars(scenario.LogScenario)),
        dict(vars(scenario.AbstractScenario)),
    )
    with speedups("all") as installations:
        assert [each.name for each in installations] == [row.name for row in SPEEDUPS]
        assert query_session.execute_many is not before[0]["execute_many"]
        assert queries.execute_many is query_session.execute_many
        assert query_session.sqlite3 is sqlite3
        assert scenario.LogScenario.get_traffic_light_status_at_iteration is not method
    after = dict(vars(query_session)), dict(vars(scenario.LogScenario)), dict(vars(scenario.AbstractScenario))
    assert after == before
    assert queries.execute_many is query_session.execute_many


def test_after_tracing_it_is_too_late(recorded: Tracing, capsys: pytest.CaptureFixture[str]) -> None:
    from nutrace.demo.miniature import scenario

    before = dict(vars(scenario.LogScenario))
    method = "LogScenario.get_traffic_light_status_at_iteration"
    with recorded(Probe(f"nutrace.demo.miniature.scenario:{method}")):
        traced = scenario.LogScenario.get_traffic_light_status_at_iteration
        with speedups("traffic_light_cache") as (installation,):
            assert "is traced already" in installation.refused
            assert scenario.LogScenario.get_traffic_light_status_at_iteration is traced
    assert dict(vars(scenario.LogScenario)) == before
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "no span was recorded" not in line]
    assert line.startswith("nutrace: traffic_light_cache does not fit this program: ")
    assert line.endswith("speedups are switched on before tracing; it runs as stock")


def test_run_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_devkit(tmp_path, FITTING)
    file = write(tmp_path, BEGIN + ASKING)
    command = [
        "-m",
        "nutrace.cli.main",
        "run",
        "--with",
        "connection_pool",
        "--no-summary",
        "--",
        sys.executable,
    ]
    ended = finish(tmp_path, start(tmp_path, [*command, file.name], traced=False))
    assert (ended.code, ended.out, ended.err) == (0, "1 1 1 1 1 2 True\n", "")
    assert nutrace.cli.main.main(["speedups", str(tmp_path / "run.json"), "--json"]) == 0
    (pool,) = json.loads(capsys.readouterr().out)["speedups"]
    assert pool["figures"]["checkouts"] == 6
    assert pool["figures"]["connections"] == 1
    assert pool["hit_rate"] == 5 / 6
    wrong = [*command[:4], "foo", "--", sys.executable, file.name]
    ended = finish(tmp_path, start(tmp_path, wrong, traced=False))
    assert (ended.code, ended.out) == (6, "")
    assert ended.err.startswith("nutrace: error: NUTRACE_SPEEDUPS: unknown speedup 'foo'")


def test_figures_of_all_processes_are_added_up(tmp_path: Path) -> None:
    put_devkit(tmp_path, FITTING)
    source = f"""
    import os
    {ASKING.replace(chr(10), chr(10) + "    ")}
    child = os.fork()
    if not child:
        query_session.execute_one("SELECT 1", (), "log.db")
        raise SystemExit
    os.waitpid(child, 0)
    """
    ended = run(tmp_path, source, NUTRACE="1", NUTRACE_SUMMARY="0", NUTRACE_SPEEDUPS="connection_pool")
    assert ended.code == 0, ended.err
    (pool,) = installed_speedups(load(tmp_path / "run.json")).speedups
    assert (pool.processes, pool.at_work, pool.refused) == (2, 2, ())
    assert (pool.figures["checkouts"], pool.figures["connections"]) == (7, 2)


def test_the_list(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert nutrace.cli.main.main(["speedups", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["speedups"]
    assert [each["name"] for each in listed] == [row.name for row in SPEEDUPS]
    assert listed[0]["options"] == {"entries": 1000}
    assert listed[1]["options_help"]["timeout_s"] == (
        "how long a query waits for a connection to come back, in seconds (above 0, at most 86400)"
    )
    assert all(each["options"].keys() == each["options_help"].keys() for each in listed)
    assert all(text for each in listed for text in each["options_help"].values())
    assert nutrace.cli.main.main(["speedups"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for row in SPEEDUPS:
        assert f"{row.name} does: {row.does} needs: {row.needs} options: " in text
