"""CONTRIBUTING.md: its examples work, and the files and tests that it names exist."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from pathlib import Path
from time import sleep
from types import ModuleType
from typing import Any, Dict, List

import pytest
from fakes.otlp import document, write
from fakes.programs import counts, finish, start
from fakes.tracing import Tracing

from nutrace.cli.commands import COMMANDS, Command
from nutrace.cli.main import main
from nutrace_exporters import registry

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES: Dict[str, str] = dict(re.findall(r"<!-- example: (.+?) -->\n```\w+\n(.*?)```\n", PAGE, re.DOTALL))
STEP = ("simulation.step", 0, 10, [("sqlite3.statement", 2, 9, {"nutrace.component": "database"})])


def example(name: str, monkeypatch: pytest.MonkeyPatch, module: str) -> ModuleType:
    """An example as a module that can be imported during the test."""
    made = ModuleType(module)
    monkeypatch.setitem(sys.modules, module, made)
    exec(compile(EXAMPLES[name], f"CONTRIBUTING.md: {name}", "exec"), vars(made))
    return made


def row(name: str, **names: Any) -> Any:
    """A row of a registry."""
    return eval(EXAMPLES[name], names)


def test_probe_of_a_user(tmp_path: Path) -> None:
    (tmp_path / "probes.toml").write_text(EXAMPLES["probes.toml"])
    (tmp_path / "my_planner.py").write_text("def rank(candidates):\n    return sorted(candidates)\n")
    program = "import my_planner\nprint(my_planner.rank([3, 1, 2]))"
    process = start(tmp_path, ["-c", program], variables={"NUTRACE_PROBES": "probes.toml"})
    ended = finish(tmp_path, process)
    assert (ended.code, ended.out) == (0, "[1, 2, 3]\n")
    assert counts(ended.trace) == {"planner.rank": 1}


def test_built_in_probe(recorded: Tracing, monkeypatch: pytest.MonkeyPatch) -> None:
    probes = example("json_files.py", monkeypatch, "json_files").PROBES
    with recorded(*probes, level="fine"):
        assert json.loads("[1]") == [1]
        assert json.loads(s="[12]") == [12]
    spans = recorded.spans("json.loads")
    assert [span.attributes["nutrace.json.length"] for span in spans] == [3, 4]
    assert {span.component for span in spans} == {"serialization"}
    assert not recorded.faults


def test_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example("tsv.py", monkeypatch, "nutrace_exporters.tsv")
    formats = (*registry.FORMATS, row("format row", Format=registry.Format))
    monkeypatch.setattr(registry, "FORMATS", formats)
    run_file = write(tmp_path / "run.json", document(STEP))
    assert main(["flamegraph", str(run_file), "-f", "tsv"]) == 0
    assert (tmp_path / "run.spans.tsv").read_text().splitlines() == [
        "name\tcalls\tself_ms",
        "sqlite3.statement\t1\t0.007",
        "simulation.step\t1\t0.003",
    ]


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    example("slowest.py", monkeypatch, "nutrace.cli.slowest")
    monkeypatch.setattr("nutrace.cli.main.COMMANDS", (*COMMANDS, row("command row", Command=Command)))
    assert main(["slowest", str(write(tmp_path / "run.json", document(STEP)))]) == 0
    assert capsys.readouterr().out == "sqlite3.statement: 0.007 ms in 1 calls\n"


def test_speedup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nutrace.demo.miniature import query_session
    from nutrace.speedups import active, speedup
    from nutrace.speedups import registry as speedup_registry

    made = example("frame_times", monkeypatch, "nutrace.speedups.frame_times")
    speedups = (*speedup_registry.SPEEDUPS, row("speedup row", Speedup=speedup.Speedup))
    monkeypatch.setattr(speedup_registry, "SPEEDUPS", speedups)
    log = tmp_path / "log.db"

    def write_time(time: int) -> None:
        connection = sqlite3.connect(log)
        with connection:
            connection.execute("CREATE TABLE IF NOT EXISTS lidar_pc (token, timestamp)")
            connection.execute("DELETE FROM lidar_pc")
            connection.execute("INSERT INTO lidar_pc VALUES (x'01', ?)", (time,))
        connection.close()

    def times(count: int) -> List[int]:
        answers = [query_session.execute_one(made.QUERY, (b"\1",), str(log)) for _ in range(count)]
        return [answer["timestamp"] for answer in answers if answer is not None]

    write_time(1)
    sleep(0.2)  # a log that was written to a moment ago is not kept
    with active.speedups("frame_times") as (installation,):
        assert installation.refused == ""
        assert times(3) == [1, 1, 1]
        assert installation.part.stats() == {"hits": 2, "misses": 1, "evictions": 0}
        for time in (2, 3):
            write_time(time)
            assert times(1) == [time]
        assert installation.part.stats() == {"hits": 2, "misses": 3, "evictions": 0}


def test_files_and_tests_that_it_names_exist() -> None:
    # Items and paragraphs that are marked wait for changes that are on their way.
    items = re.split(r"\n(?=\d+\. |- |\| |\n)", PAGE)
    text = "\n".join(item for item in items if "<!-- check -->" not in item)
    named = re.findall(r"`((?:nutrace|exporters|tests|notebooks)/[\w./]*)`", text)
    assert len(named) > 50
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_packages_are_all_described() -> None:
    described = set(re.findall(r"^\| `([\w/]+)/` \|", PAGE, re.MULTILINE))
    packages = {f"nutrace/{each.parent.name}" for each in ROOT.glob("nutrace/*/__init__.py")}
    packages |= {f"exporters/{each.parent.name}" for each in ROOT.glob("exporters/*/__init__.py")}
    assert packages <= described
