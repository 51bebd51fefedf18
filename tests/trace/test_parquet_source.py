"""An exported run is read back as what it was: every command says the same as of the run file."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from fakes.exported import everything, exported, rows, with_named_numbers
from fakes.otlp import EPOCH_NS, RESOURCE, attributes, document, envelope, merged, spans, write
from fakes.priced import clocked, priced, step
from fakes.programs import environment
from fuzz.watch import COMMANDS, check_output, run_command
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tree_invariants import anything

import nutrace
from nutrace import semconv
from nutrace.cli.main import main
from nutrace.errors import InputError
from nutrace.sampling.stacks import Stacks
from nutrace.trace import load
from nutrace_exporters import parquet

C = "nutrace.component"
#: Commands that open databases and profiles, or put run files together.
_ELSEWHERE = ("index", "--explain", "cprofile", "compare", "join")


def _two_processes(path: Path) -> Path:
    """Prices, clocked time, merged calls, generators, a thread, spans without an end, an announced one."""
    trees = [step(index, own_ns=3000 if index == 1 else 0) for index in range(4)]
    unfinished = (
        "simulation.step",
        9000,
        9100,
        {C: "simulation", semconv.STEP_INDEX: 4, semconv.UNFINISHED: True},
    )
    beside = ("load", 100, 700, {C: "model", "thread.id": 2, "thread.name": "loader"})
    token = {"nuplan.scenario.token": "5f3a", "nuplan.scenario.type": "stopping", C: "simulation"}
    first = spans(("simulation.run", 0, 9500, [*trees, beside, unfinished], token))
    other = spans(
        ("simulation.run", 500, 3000, [step(0)], {**token, "nuplan.scenario.token": "77"}), first_id=500
    )
    announced = spans(("never.ended", 9600, 9600), first_id=900)
    return write(
        path,
        envelope(first, priced(**{"spans.recorded": 93})),
        envelope(other, {**priced(), **clocked(flushed=5000, start=70_000), "process.pid": 101}),
        envelope(announced, priced(), "nutrace.open"),
    )


def _foreign(path: Path) -> Path:
    """Spans of another program: events, links, an error, odd ids, two traces, numbers that JSON lacks."""
    made = spans(
        (
            "GET /",
            0,
            1000,
            [("SELECT shop", 100, 300, {"db.system": "postgresql", "db.statement": "SELECT 1"})],
        ),
        (
            "numbers",
            1100,
            1200,
            {"ratio": float("nan"), "most": float("inf"), "list": [1, 2.0, float("-inf")]},
        ),
        (
            "task",
            1150,
            1300,
            {"text": "\u202e\0 é", "empty": "", "deep": {"a": [{"b": 1}]}, "yes": True, "n": -5},
        ),
    )
    made[0]["events"] = [
        {
            "name": "exception",
            "timeUnixNano": str(EPOCH_NS + 5),
            "attributes": attributes({"exception.type": "ValueError", "size": float("nan")}),
        },
        {"name": "odd"},
    ]
    made[1]["events"] = [{"name": "retry", "timeUnixNano": EPOCH_NS + 7, "attributes": attributes({"n": 2})}]
    made[0]["status"] = {"code": 2, "message": "it broke"}
    made[0]["links"] = [{"traceId": made[0]["traceId"], "spanId": "00000000000000aa"}]
    made[2]["kind"], made[2]["status"] = "SPAN_KIND_CLIENT", {"code": "STATUS_CODE_OK"}
    other = spans(("lone", 50, 60, {"thread.id": None}), trace_id="f" * 32)
    other[0]["spanId"] = "no hex digits"
    resource = {"service.name": "shop", "service.namespace": "eu", "load": float("nan")}
    documents = envelope(made, resource, "io.shop"), envelope(other, {})
    return write(path, *map(with_named_numbers, documents))


def _sampled(path: Path) -> Path:
    """Stacks that a sampler saw, in the resource."""
    place = {"code.function.name": "planner.compute", "code.file.path": "/p.py", "code.line.number": 10}
    steps = [
        (
            "simulation.step",
            index * 1000,
            index * 1000 + 900,
            [("plan", index * 1000 + 100, index * 1000 + 800, {C: "planner", **place})],
            {C: "simulation", semconv.STEP_INDEX: index},
        )
        for index in range(5)
    ]
    stacks = Stacks("py-spy 0.4.3", 100.0)
    stacks.add([("compute", "/p.py", 10)], 30)
    stacks.add([("compute", "/p.py", 10), ("search", "/p.py", 30)], 60)
    resource = {**RESOURCE, semconv.SAMPLES: stacks.text()}
    return write(path, document(("simulation.run", 0, 9000, steps, {C: "simulation"}), resource=resource))


def _damaged(path: Path) -> Path:
    """Everything that has to be mended, cut in the middle of a line."""
    made = spans(("a", 0, 100, [("b", 10, 120, [("c", 20, 30)]), ("d", 15, 40)]), ("e", 50, 40), ("f", 0, 0))
    made += spans(("a", 0, 90), first_id=1)
    made[5]["startTimeUnixNano"] = made[5]["endTimeUnixNano"] = "0"
    made[1]["parentSpanId"], made[2]["parentSpanId"] = made[2]["spanId"], made[1]["spanId"]
    made.append({**made[3], "spanId": "00000000000000ff", "parentSpanId": "00000000000000fe"})
    made.append(
        {**made[0], "spanId": "00000000000000fd", "attributes": attributes({"nutrace.busy_ns": 2**60})}
    )
    write(path, envelope(made))
    path.write_bytes(path.read_bytes() + b'{"resourceSpans":[{"sco')
    return path


def _machines(path: Path, ahead_us: int = 50_000) -> Path:
    """A worker on a host whose clock is ahead, with an event."""
    served = spans(
        ("served", ahead_us, ahead_us + 900, [("inner", ahead_us + 5, ahead_us + 9)]),
        first_id=9,
        parent=f"{1:016x}",
    )
    for each, more in zip(served, ({"n": 1}, {"n": float("nan")})):
        each["events"] = [
            {
                "name": "e",
                "timeUnixNano": str(EPOCH_NS + (ahead_us + 7) * 1000),
                "attributes": attributes(more),
            }
        ]
    worker = {**RESOURCE, "host.name": "node-1", "process.pid": 7, semconv.RUN_PARENT_PID: 100}
    return write(
        path, envelope(spans(("call", 0, 1000)), RESOURCE), with_named_numbers(envelope(served, worker))
    )


def _rounded(path: Path) -> Path:
    """A span that began 1 us before its parent, by a rounded clock, beside one of another thread."""
    inside = ("late", 99.5, 150, {"thread.id": 2})
    return write(path, envelope(spans(("a", 100, 200, [("early", 99.2, 180), inside, ("b", 100, 100.1)]))))


def _demo(path: Path) -> Path:
    """A simulation that was traced."""
    words = [
        sys.executable,
        "-m",
        "nutrace",
        "demo",
        "--miniature",
        "--steps",
        "3",
        "--output",
        str(path.parent),
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=100, env=environment())
    return path


FILES = {
    "demo": _demo,
    "two processes": _two_processes,
    "foreign": _foreign,
    "sampled": _sampled,
    "damaged": _damaged,
    "rounded": _rounded,
    "machines": _machines,
    "agreeing machines": lambda path: _machines(path, 0),
}


@pytest.fixture(scope="module", params=FILES.values(), ids=list(FILES))
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, Path]:
    """A run file, and its export, of one name in different folders: some drawings have it as their title."""
    folder = tmp_path_factory.mktemp("both")
    for name in ("file", "tables"):
        (folder / name).mkdir()
    file = request.param(folder / "file" / "run.json")
    exported(file, folder / "tables" / "run.json")
    return file, folder / "tables" / "run.json"


def _answers(both: Tuple[Path, Path], path: Path, command: Tuple[str, ...]) -> Tuple[int, str, str]:
    words = [str(path) if word == "FILE" else word for word in command]
    code, out, err = run_command(words)
    check_output(words, code, out, err)
    for name in both:  # a note on what was mended names the file that was read first
        for written in (str(name), str(name).replace("_", "\\_")):
            out, err = out.replace(written.encode(), b"FILE"), err.replace(written, "FILE")
    return code, out.decode(), err


RAW = (("report", "FILE", "--raw"), ("report", "FILE", "--raw", "--json"), ("overhead", "FILE", "--raw"))


@pytest.mark.parametrize(
    "command",
    [
        each
        for each in (*COMMANDS, *RAW, ("advise", "FILE"), ("advise", "FILE", "--json"))
        if not set(each) & set(_ELSEWHERE)
    ],
    ids=" ".join,
)
def test_every_command_says_the_same(both: Tuple[Path, Path], command: Tuple[str, ...]) -> None:
    file, tables = both
    if "--raw" in command and any(skew.offset_ns for skew in load(file).skews):
        pytest.skip("times as they were recorded are not in the tables")
    assert _answers(both, tables, command) == _answers(both, file, command)


@pytest.mark.parametrize("raw", [False, True], ids=["corrected", "raw"])
def test_the_trace_is_the_same(both: Tuple[Path, Path], raw: bool) -> None:
    file, tables = both
    if raw and any(skew.offset_ns for skew in load(file).skews):
        with pytest.raises(InputError, match="as they were recorded they are in the run file"):
            load(tables, raw=raw)
    else:
        assert everything(load(tables, raw=raw)) == everything(load(file, raw=raw))


@settings(max_examples=50, deadline=None)
@given(anything(), st.integers(0, 3000))
def test_any_trace_is_the_same(made: List[Dict[str, Any]], price_ns: int) -> None:
    resource = {**RESOURCE, "nutrace.own.prices": ""}
    if price_ns:
        resource = priced(own__spent_ns=price_ns)
    with tempfile.TemporaryDirectory() as directory:
        file = write(Path(directory) / "run.json", envelope(made, resource))
        spans_of = exported(file, Path(directory) / "out")
        assert everything(load(spans_of)) == everything(load(file))
        assert everything(load(spans_of, raw=True)) == everything(load(file, raw=True))


def test_numbers_that_json_lacks_are_read_back(tmp_path: Path) -> None:
    file = _foreign(tmp_path / "run.json")
    trace = load(exported(file, tmp_path / "out"))
    (numbers,) = (span for span in trace if span.name == "numbers")
    assert repr(numbers.attributes["ratio"]) == "nan"
    assert numbers.attributes["list"] == [1, 2.0, float("-inf")]
    (get,) = (span for span in trace if span.name == "GET /")
    assert repr(get.events[0].attributes["size"]) == "nan"
    assert [repr(each.attributes.get("load")) for each in trace.resources] == ["nan", "None"]


def test_more_rows_than_are_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_ROWS", 7)
    monkeypatch.setattr("nutrace.trace.parquet_file._ROWS", 5)
    file = _two_processes(tmp_path / "run.json")
    told: List[Tuple[int, int]] = []
    tables = exported(file, tmp_path / "out")
    assert everything(load(tables, progress=lambda *at: told.append(at))) == everything(load(file))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] == (tables / "part-0.parquet").stat().st_size
    assert [row["nutrace_span"] for row in rows(tables)] == list(range(len(load(file))))


def test_a_table_of_spans_is_read_by_any_of_its_names(tmp_path: Path) -> None:
    tables = exported(_two_processes(tmp_path / "run.json"), tmp_path / "out", "my run/50%")
    assert tables == tmp_path / "out" / "spans" / "run=my%20run%2F50%25"
    whole = everything(load(tables))
    for name in (
        tmp_path / "out",
        f"{tmp_path / 'out'}/",
        tables.parent,
        f"{tables}/",
        tables / "part-0.parquet",
    ):
        trace = load(name)
        assert trace.path == str(name)
        assert everything(trace) == whole
    assert everything(load(tmp_path / "out" / "steps" / tables.name)) == whole


def test_of_several_runs_one_has_to_be_named(tmp_path: Path) -> None:
    for number in (2, 10):
        resource = {**RESOURCE, semconv.RUN_ID: f"run{number}"}
        file = write(tmp_path / "run.json", document(("a", 0, 1), resource=resource))
        exported(file, tmp_path / "out", f"night {number}")
    with pytest.raises(InputError) as raised:
        load(tmp_path / "out")
    first = tmp_path / "out" / "spans" / "run=night%202"
    assert str(raised.value) == f"{tmp_path / 'out'} holds 2 runs: name one, such as {first}"
    assert len(load(first)) == 1


def _night(folder: Path, number: int, ms: float) -> Path:
    steps = []
    for index in range(6):
        begin = index * 1_000_000
        plan = ("planner.compute", begin, begin + ms * 400 + index, {C: "planner"})
        told = {C: "simulation", semconv.STEP_INDEX: index, semconv.STEP_INTERVAL_S: 0.1}
        steps.append(("simulation.step", begin, begin + ms * 1000 + number * 7 + index, [plan], told))
    says = {C: "simulation", "nuplan.scenario.token": "5f3a", "nuplan.scenario.type": "stopping"}
    resource = {
        **priced(),
        semconv.RUN_ID: f"{folder.name}{number}",
        "vcs.ref.head.revision": folder.name * 20,
    }
    folder.mkdir(exist_ok=True)
    tree = ("simulation.run", 0, 7_000_000, steps, says)
    return write(folder / f"run{number}.json", document(tree, resource=resource))


def _command(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([str(word) for word in words]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_many_runs_are_compared_and_have_a_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for side, ms in (("aa", 100.0), ("bb", 120.0)):
        for number in range(4):
            file = _night(tmp_path / side, number, ms)
            exported(file, tmp_path / f"{side}-tables", file.stem)

    def plain(text: str) -> str:
        for side in ("aa", "bb"):
            for number in range(4):
                text = text.replace(f"{side}-tables/spans/run=run{number}", f"{side}/run{number}.json")
            text = text.replace(f"{side}-tables/spans", side).replace(f"{side}-tables", side)
        return text

    files, tables = (Path("aa"), Path("bb")), (Path("aa-tables"), Path("bb-tables"))
    for command in (("compare", "--against", "--json"), ("history", "--json"), ("history",)):
        name, between, more = command[0], command[1:-1], command[1:][-1:]
        of_files = _command(capsys, name, files[0], *between, files[1], *more)
        assert plain(_command(capsys, name, tables[0], *between, tables[1], *more)) == of_files
    assert plain(_command(capsys, "history", f"{tables[0]}/", tables[1] / "spans")) == of_files
    drawn = [
        plain(_command(capsys, "flamegraph", base, "--against", new, "-f", "speedscope", "-o", "-"))
        for base, new in (files, tables)
    ]
    assert drawn[0] == drawn[1]


def test_run_files_and_their_export_in_one_folder_are_not_counted_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for side in ("aa", "bb"):
        for number in range(4):
            exported(_night(tmp_path / side, number, 100.0), tmp_path / side, f"run{number}")
    compared = json.loads(
        _command(capsys, "compare", tmp_path / "aa", "--against", tmp_path / "bb", "--json")
    )
    assert [compared[side]["runs"] for side in ("base", "new")] == [4, 4]
    history = json.loads(_command(capsys, "history", tmp_path / "aa", "--json"))
    assert [len(each["runs"]) for each in history["series"][0]["revisions"]] == [4]
    assert history["left_out"] == []


def test_a_drawing_is_not_put_among_the_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = exported(_two_processes(tmp_path / "run.json"), tmp_path / "out", "night 1")
    _command(capsys, "flamegraph", tables, "-f", "collapsed")
    assert (tmp_path / "out" / "night%201.collapsed.txt").exists()
    _command(capsys, "flamegraph", tmp_path / "out", "-f", "collapsed")
    assert (tmp_path / "out.collapsed.txt").exists()
    assert [path.name for path in tables.parent.iterdir()] == ["run=night%201"]


def test_notebooks_have_the_same_tables(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    file = _two_processes(tmp_path / "run.json")
    trace, back = nutrace.load(file), nutrace.load(exported(file, tmp_path / "out"))
    assert back.spans(["code.line.number"]).equals(trace.spans(["code.line.number"]))
    assert back.steps().equals(trace.steps())
    assert back.costs().equals(trace.costs())


def test_merged_calls_keep_their_percentiles(tmp_path: Path) -> None:
    many = merged([2_000, 3_000, 3_000, 4_000, 9_000])
    file = write(tmp_path / "run.json", document(("nearest", 0, 100, many)))
    assert load(exported(file, tmp_path / "out")).call_times(0) == load(file).call_times(0)
