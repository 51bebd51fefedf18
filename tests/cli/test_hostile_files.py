"""Files that are damaged, or made to do harm: each command answers, or says in one line what is wrong."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from fakes.otlp import EPOCH_NS, attributes, document, spans, write
from fuzz.watch import COMMANDS, check_output, look, run_command

from nutrace.cli.main import main

#: Commands that other tests have, as these open databases.
_ELSEWHERE = ("index", "--explain", "cprofile")


def _every_command(path: Path) -> Dict[Tuple[str, ...], str]:
    """What all commands print on a file."""
    texts = {}
    for command in COMMANDS:
        if any(word in command for word in _ELSEWHERE):
            continue
        words = [str(path) if word == "FILE" else word for word in command]
        code, out, err = run_command(words)
        check_output(words, code, out, err)
        texts[command] = out.decode() + err
    look(path)
    return texts


_STATEMENT = {
    "nutrace.component": "database",
    "db.system.name": "sqlite",
    "db.query.text": "SELECT 1",
    "nutrace.sql.statement": "ab",
    "nutrace.sql.execute_ns": 5,
}
_ODD: Tuple[Any, ...] = (
    [2], ["x"], [[]], {}, {"a": 1}, True, -1, 2**63 - 1, -(2**63), 10**12, 1e308, float("inf"), float("nan"),
    "", "9" * 5000, "\x1b[31m\nx", "\u202ex", "x" * 5000,
)  # fmt: skip
_KEYS = (
    *(
        "nutrace.generator.continues",
        "nutrace.generator.yielded",
        "nutrace.busy_ns",
        "nutrace.composite.count",
    ),
    *("nutrace.composite.min_ns", "nutrace.composite.max_ns", "nutrace.composite.times"),
    *("nutrace.step.index", "nutrace.step.simulated_interval_s", "thread.id"),
    *("thread.name", "code.function.name", "code.file.path", "code.line.number", "nutrace.component"),
    *("nutrace.sql.took_ns", "nutrace.sql.parameters", "nutrace.sql.runs", "db.response.returned_rows"),
    *("db.query.text", "db.namespace", "nutrace.sql.statement", "nutrace.sql.execute_ns", "db.statement"),
    *(
        "nutrace.deepcopy.root_type",
        "nutrace.deepcopy.types",
        "nutrace.deepcopy.objects",
        "nutrace.unfinished",
    ),
    *("nutrace.sql.open_connections", "nuplan.scenario.token", "nuplan.planner.name", "nutrace.sql.fetch_ns"),
)


@pytest.mark.parametrize("odd", _ODD, ids=range(len(_ODD)))
def test_attributes_of_any_type_and_size(tmp_path: Path, odd: Any) -> None:
    """Each attribute in its turn, on each kind of span: a span for each pair."""
    names = ("simulation.step", "sqlite3.statement", "copy.deepcopy", "sqlite3.connect", "SELECT")
    tree: List[Any] = [
        (name, at * 100 + 20 * place, at * 100 + 20 * place + 10, {**_STATEMENT, key: odd})
        for at, key in enumerate(_KEYS)
        for place, name in enumerate(names)
    ]
    keys = (
        *("process.pid", "process.command_args", "host.name", "nutrace.run.id", "nutrace.spans.dropped"),
        *("nutrace.overhead.estimated_ns", "nutrace.speedups", "nutrace.probes", "nutrace.run.complete"),
        *("nutrace.own.prices", "nutrace.own.spent_ns.start", "nutrace.own.times.start"),
    )
    resource = dict.fromkeys(keys, odd)
    run = ("simulation.run", 0, 100_000, tree, {"nuplan.scenario.type": odd, "nuplan.planner.name": odd})
    _every_command(write(tmp_path / "run.json", document(run, resource=resource)))


@pytest.mark.parametrize("count", [10**12, 2**53, 2**53 + 1, 2**63 - 1])
def test_a_count_sets_the_length_of_nothing(tmp_path: Path, count: int) -> None:
    calls = {**_STATEMENT, "nutrace.composite.count": count}
    texts = _every_command(write(tmp_path / "run.json", document(("sqlite3.statement", 0, 1, calls))))
    kept = count if count <= 2**53 else 1
    report = json.loads(texts["report", "FILE", "--json"])
    assert report["spans"][0]["calls"] == kept
    assert any("out of bounds" in note for note in report["notes"]) == (count > 2**53)
    assert f"{kept:,} execution" in texts["sql", "FILE"]


_TIMES = (0, 1, -1, 2**62, 2**62 + 1, 2**63 - 1, 2**63, 2**64, 10**30, EPOCH_NS, "x", None, [], True)


@pytest.mark.parametrize("start", _TIMES, ids=range(len(_TIMES)))
def test_times_of_any_size(tmp_path: Path, start: Any) -> None:
    """All ends of all spans, below a generator that lasts as long as can be."""
    generator = {"nutrace.busy_ns": 2**53, "nutrace.generator.yielded": 1}
    made = spans(*(("g", 0, 1, [("leaf", 0, 1)], generator) for _ in _TIMES))
    for at, end in enumerate(_TIMES):
        outer, inner = made[2 * at : 2 * at + 2]
        outer.update(startTimeUnixNano=1, endTimeUnixNano=2**62)
        inner.update(startTimeUnixNano=start, endTimeUnixNano=end)
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": made}]}]}))
    _every_command(path)


@pytest.mark.parametrize(
    "status",
    [{"code": [2]}, {"code": {}}, {"code": "x"}, {"code": 1e400}, [], {"code": 2, "message": ["x"]}, 2],
)
def test_a_status_of_any_type(tmp_path: Path, status: Any) -> None:
    made = spans(("a", 0, 1, {"nutrace.component": "database"}), ("sqlite3.connect", 2, 3))
    for span in made:
        span["status"] = status
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": made}]}]}))
    _every_command(path)


@pytest.mark.parametrize(
    "parents",
    [[1], [2, 1], [2, 3, 2], [2, 3, 1, 1], [0, 0, 0], [3, 3, 3]],
    ids=["itself", "two", "a tail", "three and a tail", "none", "its own and others"],
)
@pytest.mark.parametrize("time", [0, EPOCH_NS])
def test_parents_in_circles_with_times_and_without(tmp_path: Path, parents: List[int], time: int) -> None:
    made = [
        {
            "spanId": f"{number:016x}",
            "parentSpanId": f"{parent:016x}" if parent else "",
            "name": f"s{number}",
            "startTimeUnixNano": time,
            "endTimeUnixNano": time,
        }
        for number, parent in enumerate(parents, 1)
    ]
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": made}]}]}))
    texts = _every_command(path)
    assert len(json.loads(texts["report", "FILE", "--json"])["spans"]) == len(parents)


@pytest.mark.parametrize("value", [{"arrayValue": {"values": []}}, {"kvlistValue": {"values": []}}])
@pytest.mark.parametrize("depth", [60, 400, 5_000, 100_000])
def test_values_inside_values(tmp_path: Path, value: Dict[str, Any], depth: int) -> None:
    ((kind, _),) = value.items()
    inner = '{"values":[' if kind == "arrayValue" else '{"values":[{"key":"k","value":'
    closing = "]}" if kind == "arrayValue" else "}]}"
    nested = f'{{"{kind}":{inner}' * depth + '{"intValue":1}' + f"{closing}}}" * depth
    mark = '{"stringValue":"here"}'
    text = json.dumps(document(("a", 0, 1, {"x": "here"}), resource={"y": "here"})).replace(" ", "")
    assert text.count(mark) == 2
    path = tmp_path / "run.json"
    path.write_text(text.replace(mark, nested))
    _every_command(path)


def test_many_events_and_links_and_long_names(tmp_path: Path) -> None:
    made = document(
        ("n" * 1_000_000, 0, 10, [("", 1, 2), ("\0", 3, 4), ("\ud800\n", 5, 6), ("\u202ex\x9b\u2028", 7, 9)])
    )
    span = made["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    event = {"name": "e", "timeUnixNano": "x", "attributes": attributes({"exception.type": "E"})}
    span["events"], span["links"] = [event] * 2_000, [{"traceId": 5, "spanId": []}] * 2_000
    texts = _every_command(write(tmp_path / "run.json", made))
    page = texts["flamegraph", "FILE", "-o", "-", "-f", "html"]
    assert page.count("event e") == 1  # the texts are stored once
    assert "1,900 more" in page


@pytest.mark.parametrize("name", ["a\nb.json", "\x1b[31m.json", "\u202egnp.json", "\udcff.json", "x" * 250])
def test_names_of_files_are_shown_and_never_sent_to_the_terminal(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    for content in (b"", b"{}", b"PK\x03\x04", b'{"resourceSpans":[]}'):
        path.write_bytes(content)
        _every_command(path)
    write(path, document(("simulation.step", 0, 1)))
    _every_command(path)
    missing = str(tmp_path / ("no" + name))
    assert main(["report", missing]) == 3
    assert main(["report", missing * 30]) == 3
    assert main(["cprofile", missing]) == 3
    for arguments in (["report", str(path), f"--\x1b[31m{name}"], ["report", str(path), "--steps", name]):
        with contextlib.suppress(SystemExit):
            assert main(arguments) == 2
    err = capsys.readouterr().err
    assert all(line.isprintable() for line in err.split("\n"))


def test_a_drawing_never_replaces_a_run_file(tmp_path: Path) -> None:
    path = write(tmp_path / "run.json", document(("copy.deepcopy", 0, 1, {"nutrace.component": "deepcopy"})))
    before = path.read_bytes()
    assert main(["deepcopy", str(path), "--flamegraph", str(path)]) == 5
    assert main(["flamegraph", str(path), "-o", str(path)]) == 5
    assert path.read_bytes() == before
