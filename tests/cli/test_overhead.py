"""What ``nutrace overhead`` prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.commands import command
from fakes.otlp import RESOURCE, document, trace_of, write
from fakes.priced import C, clocked, priced, step

from nutrace import load, semconv
from nutrace.jupyter import card
from nutrace.prices import Price, Prices, dump

CLOCKED = clocked(start=80_000_000, writing=20_000_000, exit=10_000_000, step_ended=7_000_000)


def _tree() -> Any:
    steps = [step(index, 50_000 if index == 7 else 0) for index in range(10)]
    return ("simulation.run", 0, 1_000_000, steps, {C: "simulation", "nuplan.scenario.token": "aa"})


def _file(path: Path, **more: Any) -> Path:
    return write(path / "run.json", document(_tree(), resource={**priced(), **more}))


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    return _file(tmp_path, **CLOCKED)


def _json(path: Path, *more: str) -> Any:
    done = command("overhead", path, "--json", *more)
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def test_text(run_file: Path) -> None:
    done = command("overhead", run_file)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:2] == [f"nutrace overhead: {run_file}", "  1.00 s wall time, 1 process, complete"]
    assert [" ".join(line.split()) for line in lines[lines.index("What nutrace cost") + 1 :][:3]] == [
        "running at least 20.25 ms, 2.02 % of the wall time",
        "besides 90.00 ms to start and to end",
        "a step 0.029 ms, 2.85 % of its time; p95 0.073 ms, max 0.073 ms (step 7 of scenario 1)",
    ]
    table = lines[lines.index("Ledger") + 2 :]
    assert table[0].split("  ")[1] == "what"
    assert [row.split() for row in table[1:6]] == [
        ["start-up", "2", "-", "-", "-", "-", "80.00", "72.6", "%"],
        ["writing", "(processor", "time)", "2", "-", "-", "-", "-", "20.00", "18.1", "%"],
        ["exit", "2", "-", "-", "-", "-", "10.00", "9.1", "%"],
        ["merged", "calls", "200", "20.0", "0.500", "0.0500", "1.10x", "0.11", "0.1", "%"],
        ["statements", "10", "1.0", "4.000", "1.000", "-", "0.05", "0.0", "%"],
    ]
    assert table[10].split() == ["sum", "110.25", "100.0", "%"]
    assert len({len(row) for row in table[1:9]}) == 1
    assert "  after a step                 2  7.000" in lines
    assert "  Is the writing once more, seen from the program's threads: not added." in lines
    table = lines[lines.index("By component") + 2 :]
    assert table[1].split()[:6] == ["database", "220", "0.113", "0.011", "45.9", "%"]
    assert lines[-3].endswith("the sum is a lower bound.")
    assert max(map(len, lines)) <= 100


def test_json_keys(run_file: Path) -> None:
    said = _json(run_file)
    assert list(said)[:13] == [
        *("priced", "total_ms", "start_and_end_ms", "share", "events_ms", "recorded", "events", "clocked"),
        *("steps", "components", "spans", "unpriced", "unfinished"),
    ]
    assert {"complete", "running", "selection"} <= set(said)
    event = ["kind", "count", "in_steps", "outside_us", "inside_us", "spread", "total_ms"]
    assert all(list(row) == event for row in said["events"])
    assert all(list(row) == ["what", "times", "spent_ms", "added"] for row in said["clocked"])
    component = ["component", "events", "total_ms", "taken_ms", "in_steps_ms_per_step"]
    assert all(list(row) == component for row in said["components"])
    span = ["name", "component", "events", "total_ms", "in_steps_ms_per_step"]
    assert all(list(row) == span for row in said["spans"])
    assert list(said["steps"]) == ["count", "mean_ms", "p95_ms", "max_ms", "share", "worst"]
    assert said["steps"]["worst"] == {"scenario": 1, "step": 7}


def test_one_sum_everywhere(run_file: Path, tmp_path: Path) -> None:
    said = _json(run_file)
    added = sum(row["spent_ms"] for row in said["clocked"] if row["added"])
    assert said["total_ms"] == pytest.approx(sum(row["total_ms"] for row in said["events"]) + added)
    assert said["total_ms"] == pytest.approx(sum(row["total_ms"] for row in said["components"]) + added)
    for more in ([], ["--steps", "3"]):  # the report has the facts of the whole run
        told = json.loads(command("report", run_file, "--json", *more).out)["overhead"]
        assert told["estimated_ms"] == pytest.approx(said["total_ms"], abs=1e-6)
        assert told["share"] == said["share"]
    line = "at least 20.25 ms, 2.02 % of the wall time"
    assert line in command("overhead", run_file).out
    once = "; 90.00 ms to start and to end; nutrace overhead says of what"
    assert line + once in command("report", run_file).out
    trace = trace_of(tmp_path, _tree(), resource={**priced(), **CLOCKED})
    assert "at least 20.2 ms, 2.02 % of the wall time; 90 ms to start and to end" in card(trace)


def test_a_sum_by_prices_of_cold_caches_is_no_lower_bound(tmp_path: Path) -> None:
    prices = Prices({"call": Price(100, 100, 1.1)}, (1.5, 2, 3, 6))
    more = {**CLOCKED, semconv.OWN_PRICES: dump(prices)}
    path = _file(tmp_path, **more)
    ledger = command("overhead", path).out
    pages = [ledger, command("report", path).out, card(load(path))]
    assert [(" about 2" in page, "at least" in page) for page in pages] == [(True, False)] * 3
    assert "lower bound" not in ledger
    assert "Of a multiple the truth may be a third to six times that.\n" in ledger
    assert max(map(len, ledger.splitlines()[1:])) <= 100


def test_selected_steps(run_file: Path) -> None:
    said = _json(run_file, "--steps", "7")
    assert said["selection"] == "step 7"
    assert said["steps"]["count"] == 1
    assert said["total_ms"] == pytest.approx(0.0745)
    assert said["share"] is None
    text = command("overhead", run_file, "--steps", "7").out
    assert "  Only step 7 of the run:\n" in text
    assert "  in what is selected  at least 0.075 ms\n" in text or "at least 0.074 ms\n" in text
    assert "waiting, and noting errors" in text
    assert "start-up" not in text


def test_what_was_taken_out_and_what_not(run_file: Path) -> None:
    text = command("overhead", run_file).out
    assert "  taken out  0.260 ms of self times; --raw shows these as recorded\n" in text
    assert "taken out ms" in text
    text = command("overhead", run_file, "--raw").out
    assert "  taken out  nothing: times as recorded (--raw)\n" in text
    assert "taken out ms" not in text
    corrected, raw = _json(run_file), _json(run_file, "--raw")
    assert (corrected.pop("times"), raw.pop("times")) == ("corrected", "raw")
    for row in corrected["components"]:
        row["taken_ms"] = None
    assert corrected == raw


def test_limit(run_file: Path) -> None:
    text = command("overhead", run_file, "--limit", "2").out
    assert "\n  and 4 more kinds: --limit 0 shows all\n" in text
    assert "  plan " not in text
    assert "  plan " in command("overhead", run_file, "--limit", "0").out
    assert command("overhead", run_file, "--limit", "-1").code == 2


def test_hostile_names_stay_on_their_line(tmp_path: Path) -> None:
    names = ["<script>", "a|b`c", "nul\0", "\x1b[31mred", "two\nlines", "\u202eback", "x" * 100_000, "\ud800"]
    tree = [(name, at, at + 1) for at, name in enumerate(names)]
    path = write(tmp_path / "run.json", document(*tree, resource=priced()))
    for options in ([], ["--markdown"]):
        text = command("overhead", path, "--limit", "0", *options).out
        assert all(char == "\n" or char.isprintable() for char in text)
        assert max(map(len, text.splitlines())) < 300
        assert not options or "<script>" not in text


def test_markdown(run_file: Path) -> None:
    text = command("overhead", run_file, "--markdown").out
    assert text.startswith("# nutrace overhead: ")
    assert "| exit | 2 | - | - | - | - | 10.00 | 9.1 % |" in text
    assert "| rows fetched singly | 100 | 10.0 | 0.100 | 0.100 | - | 0.02 | 0.0 % |" in text
    assert "\n\n\n" not in text
    assert command("overhead", run_file, "--markdown", "--json").code == 2


def test_a_run_without_steps(tmp_path: Path) -> None:
    path = write(tmp_path / "run.json", document(("f", 0, 100), resource=priced()))
    assert _json(path)["steps"] is None
    text = command("overhead", path).out
    assert "per step" not in text
    assert "a step" not in text


@pytest.mark.parametrize(
    ("resource", "line"),
    [
        ({}, "of nutrace.\n"),
        ({**RESOURCE, semconv.OVERHEAD_NS: 5_000_000}, "cost at least 5.00 ms, 0.50 % of the wall time.\n"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--markdown"], ["--steps", "3"]])
def test_other_files_have_one_line(
    tmp_path: Path, resource: Dict[str, Any], line: str, options: List[str]
) -> None:
    path = write(tmp_path / "run.json", document(_tree(), resource=resource))
    done = command("overhead", path, *options)
    assert (done.code, done.out.count("\n")) == (0, 1)
    assert done.out.startswith("This run does not state what recording an event costs: another program")
    assert done.out.endswith("of nutrace.\n" if options == ["--steps", "3"] else line)
    said = _json(path)
    assert (said["priced"], said["events"], said["clocked"], said["steps"]) == (False, [], [], None)


def test_a_killed_run_says_what_is_missing(tmp_path: Path) -> None:
    started = clocked(start=80_000_000)
    resource = {**priced(), **started, "nutrace.run.complete": False}
    path = write(tmp_path / "run.json.partial", document(_tree(), resource=resource))
    done = command("overhead", path)
    assert "the run was cut short" in done.err
    assert "CUT SHORT" in done.out
    assert "1 process has not written an end: writing and exit are missing" in done.out
    assert "start-up" in done.out


def test_what_is_not_in_the_ledger_is_said(tmp_path: Path) -> None:
    content = document(("gc.collect", 0, 100), ("f", 200, 300), resource={**priced(), **CLOCKED})
    other = document(("g", 0, 100), resource={**RESOURCE, "process.pid": 7})
    other["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"] = f"{99:016x}"
    text = command("overhead", write(tmp_path / "run.json", content, other)).out
    assert "1 span is of processes that state no prices, and not in the ledger" in text
    row = next(line for line in text.splitlines() if line.startswith("  collections"))
    assert row.split()[1:] == ["1", "not", "known", "not", "known", "-", "-", "-"]


@pytest.mark.parametrize(
    "odd", [-1, 2**53 + 1, 10**30, "x", "x" * 100_000, None, [], [1], {"a": 1}, True, 1.5]
)
def test_numbers_of_any_type(tmp_path: Path, odd: Any) -> None:
    keys = [f"{semconv.OWN_SPENT_NS}.{what}" for what in ("start", "writing", "\x1b[31m", "", "a|b")]
    keys += [f"{semconv.OWN_TIMES}.start", semconv.OWN_NS, semconv.SPANS_RECORDED, semconv.OVERHEAD_NS]
    path = _file(tmp_path, **dict.fromkeys(keys, odd))
    for options in ([], ["--json"], ["--markdown"], ["--steps", "1"]):
        done = command("overhead", path, *options)
        assert (done.code, done.err) == (0, "")
        assert all(char == "\n" or char.isprintable() for char in done.out)


def test_names_of_unknown_work_stay_on_their_line(tmp_path: Path) -> None:
    names = ["new_work", "a|b`c", "\x1b[31mred", "two\nlines", "x" * 1000, *map(str, range(1000))]
    path = _file(tmp_path, **{f"{semconv.OWN_SPENT_NS}.{name}": 10**6 + len(name) for name in names})
    for options in ([], ["--markdown"]):
        text = command("overhead", path, *options).out
        assert all(char == "\n" or char.isprintable() for char in text)
        assert max(map(len, text.splitlines())) < 300
        assert len(text.splitlines()) < 120
    assert "new_work" in command("overhead", path).out
    said = _json(path)
    added = sum(row["spent_ms"] for row in said["clocked"] if row["added"])
    assert said["total_ms"] == pytest.approx(said["events_ms"] + added)


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (None, [], 3),
        (b"", [], 3),
        (b"{}", [], 3),
        (b'{"resourceSpans":[]}', [], 4),
        (b"x", ["--steps", "x"], 2),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(
    tmp_path: Path, content: Any, options: List[str], code: int
) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    done = command("overhead", path, *options)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert done.err.startswith("nutrace: error: ")
