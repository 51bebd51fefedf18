"""``nutrace speedups run.json``: what a person reads in a terminal, and a program in JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.otlp import RESOURCE, envelope, spans

import nutrace.cli.main
from nutrace import semconv

CACHE: Dict[str, Any] = {
    "options": {"entries": 1000},
    "at_work": True,
    "refused": "",
    "figures": {
        "hits": 149,
        "misses": 150,
        "evictions": 0,
        "entries": 150,
        "bytes_held": 1_234_567,
        "spent_ns": 61_000_000,
        "avoided_ns": 60_500_000,
    },
}
POOL: Dict[str, Any] = {
    "options": {"pool_size": 5, "max_overflow": 10, "timeout_s": 5.0, "recycle_s": 3600.0, "pre_ping": 1},
    "at_work": True,
    "refused": "",
    "figures": {
        "checkouts": 100,
        "reused": 98,
        "connections": 2,
        "waits": 1,
        "wait_ns": 5_000_000_000,
        "exhausted": 3,
        "open": 2,
        "in_use": 0,
        "most": 15,
    },
}
IDLE = {**CACHE, "at_work": False, "figures": dict.fromkeys(CACHE["figures"], 0)}
REFUSED = {
    **IDLE,
    "refused": "nuplan.database.nuplan_db.query_session has no function execute_many " + "x" * 500,
}


def run_file(folder: Path, *processes: Dict[str, Any], complete: bool = True) -> str:
    lines = []
    for number, speedups in enumerate(processes):
        resource = {
            **RESOURCE,
            "process.pid": 100 + number,
            semconv.RUN_COMPLETE: complete or not number,
            semconv.SPEEDUP_FIGURES: json.dumps(speedups),
        }
        lines.append(json.dumps(envelope(spans(("a", 0, 1), first_id=number + 1), resource)))
    file = folder / "run.json"
    file.write_text("\n".join(lines))
    return str(file)


def shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, file: str, columns: int
) -> List[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert nutrace.cli.main.main(["speedups", file]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    return lines


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    file = run_file(tmp_path, {"traffic_light_cache": CACHE, "connection_pool": POOL})
    lines = shown(capsys, monkeypatch, file, columns)
    assert lines[:11] == [
        "traffic_light_cache: at work in 1 of 1 process",
        "  options: entries=1000",
        "  figure               total",
        "  hit rate             49.8%",
        "  hits                   149",
        "  misses                 150",
        "  evictions                0",
        "  entries                150",
        "  held       1,234,567 bytes",
        "  spent              61.0 ms",
        "  avoided            60.5 ms",
    ]
    pool = lines[12:]
    assert pool[0] == "connection_pool: at work in 1 of 1 process"
    text = " ".join(" ".join(pool).split())
    said = ("hit rate 98.0%", "checkouts 100", "reused 98", "opened 2", "waits 1", "waiting 5,000.0 ms",
            "exhausted 3", "open 2")  # fmt: skip
    places = [text.index(each) for each in said]
    assert places == sorted(places)
    assert "in use" not in text  # 0
    assert "most" not in text  # the options say it
    assert "3 queries waited in vain and opened a connection of their own: raise max_overflow" in text


def test_refused_and_not_at_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = run_file(tmp_path, {"traffic_light_cache": IDLE, "connection_pool": REFUSED})
    lines = shown(capsys, monkeypatch, file, 80)
    assert lines[:3] == [
        "traffic_light_cache: at work in no process: no process imported what it replaces",
        "  options: entries=1000",
        "",
    ]
    assert lines[3] == "connection_pool: at work in 0 of 1 process"
    text = " ".join(" ".join(lines[4:]).split())
    assert "did not fit, the run went on as stock: nuplan.database.nuplan_db.query_session has no" in text
    assert "hits" not in text
    assert len(text) < 400


def test_figures_of_all_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = (
        {"traffic_light_cache": CACHE},
        {"traffic_light_cache": CACHE},
        {"traffic_light_cache": IDLE},
    )
    file = run_file(tmp_path, *processes, complete=False)
    lines = shown(capsys, monkeypatch, file, 80)
    assert lines[0] == "traffic_light_cache: at work in 2 of 3 processes"
    assert "hits 298" in " ".join(" ".join(lines).split())
    assert "2 processes of the run did not come to an end" in " ".join(lines)
    assert nutrace.cli.main.main(["speedups", file, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["unfinished_processes"] == 2
    (cache,) = document["speedups"]
    assert (cache["processes"], cache["at_work"], cache["refused"]) == (3, 2, [])
    assert cache["figures"]["hits"] == 298
    assert cache["hit_rate"] == 149 / 299
    assert [(each["pid"], each["finished"], each["at_work"]) for each in cache["by_process"]] == [
        (100, True, True),
        (101, False, True),
        (102, False, False),
    ]
    assert [each["figures"] for each in cache["by_process"]] == [
        CACHE["figures"],
        CACHE["figures"],
        IDLE["figures"],
    ]
    # What the help says of the keys is what there is.
    with pytest.raises(SystemExit):
        nutrace.cli.main.main(["speedups", "--help"])
    words = set(re.findall(r"\w+", capsys.readouterr().out))
    assert {*document, *cache, *cache["by_process"][0], *cache["figures"]} <= words


@pytest.mark.parametrize(
    "speedups",
    [
        {"odd": {"options": [1], "figures": [2], "at_work": "yes", "refused": 3}},
        {"odd": {"figures": {"hits": "many", "misses": None}}},
        {"odd": {"options": {"filter": "SELECT\n" * 100}, "figures": {"\x1b[31m": 1}, "at_work": True}},
        {"odd": 5},
        [],
    ],
)
def test_what_nutrace_never_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, speedups: Any
) -> None:
    lines = shown(capsys, monkeypatch, run_file(tmp_path, speedups), 80)
    assert all(line.isprintable() for line in lines)
    assert lines


def test_names_and_numbers_as_people_write_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = {"queries_redirected": 12, "indexes_made": 2}
    options = {"entries": 1_234_567, "wait_s": 60.0}
    indexes = {"options": options, "at_work": True, "refused": "", "figures": figures}
    lines = shown(capsys, monkeypatch, run_file(tmp_path, {"indexes": indexes}), 80)
    assert "  options: entries=1234567, wait_s=60" in lines
    assert [line.split() for line in lines[3:5]] == [
        ["queries", "redirected", "12"],
        ["indexes", "made", "2"],
    ]
