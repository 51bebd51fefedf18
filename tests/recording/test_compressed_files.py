"""Run files that are compressed: as readable as the others, by our reader and by everybody's."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

import pytest
from fakes.programs import Ended, counts, losses, run
from recording.test_otlp_validity import proto, spans_of

from nutrace.cli.main import main
from nutrace.recording.compressed import HEAD, packing
from nutrace.recording.joining import join, join_compressed
from nutrace.semconv import OPEN_SCOPE
from nutrace.trace import Trace, load, source

_LONGEST_LINE = 1 << 20  # that the collector's file receivers read, unless they are told otherwise

#: Three processes, of which one is killed; the first dies when it is about to join them.
FAMILY = """
    import os
    import nutrace
    from nutrace import session
    from nutrace.recording import runfile
    runfile.join = runfile.join_compressed = lambda *_: os.kill(os.getpid(), 9)
    def work(name, count):
        for number in range(count):
            with nutrace.span(name, component="planner", number=number):
                pass
    with nutrace.span("outer"):
        for name in ("ends", "is killed"):
            if os.fork() == 0:
                with nutrace.span("around"):
                    work(name, 250)
                    session._session.recorder.flush()
                    if name == "is killed":
                        os.kill(os.getpid(), 9)
                os._exit(0)
        work("parent", 250)
        session._session.recorder.flush()
        os.wait()
        os.wait()
"""
QUICK = {"NUTRACE_FLUSH_SECONDS": "0.05", "NUTRACE_COMPRESS_US": "0"}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> List[Path]:
    """The partial files of a run, not compressed, the first process's first."""
    folder = tmp_path_factory.mktemp("family")
    ended = run(folder, FAMILY, variables=QUICK)
    assert ended.code == -signal.SIGKILL
    files = [folder / name for name in ended.files if name.endswith(".partial")]
    assert len(files) == 3
    return sorted(files, key=lambda file: file.name != "run.json.partial")


def _compressed(files: Sequence[Path], folder: Path) -> List[Path]:
    pack = packing(Path("run.json.gz"))
    folder.mkdir()
    made = []
    for file in files:
        to = folder / file.name.replace("run.json", "run.json.gz")
        to.write_bytes(b"".join(map(pack, file.read_bytes().splitlines(keepends=True))))
        made.append(to)
    return made


def _lines(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from lines


def _columns(trace: Trace) -> Dict[str, object]:
    tree = zip(trace.name, trace.start_ns, trace.parent, trace.self_ns)
    return {
        "spans": [(trace.span_id(row), *span) for row, span in enumerate(tree)],
        "attributes": [span.attributes for span in trace],
        "unfinished": [span.unfinished for span in trace],
        "resources": [resource.attributes for resource in trace.resources],
        "diagnostics": trace.diagnostics,
    }


def test_the_joined_files_hold_the_same(
    parts: List[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, merge, files in (
        ("run.json", join, parts),
        ("run.json.gz", join_compressed, _compressed(parts, tmp_path / "parts")),
    ):
        with open(tmp_path / name, "wb") as out:
            merge(list(files), out)
    one, other = load(tmp_path / "run.json"), load(tmp_path / "run.json.gz")
    assert counts(one) == {"outer": 1, "around": 2, "ends": 250, "is killed": 250, "parent": 250}
    assert losses(one) == {"unfinished": 1}
    assert _columns(one) == _columns(other)
    assert (tmp_path / "run.json.gz").stat().st_size < (tmp_path / "run.json").stat().st_size / 5
    said = []
    for name in ("run.json", "run.json.gz"):
        for command, *options in (["report"], ["report", "--json"], ["flamegraph", "-o-", "-f", "collapsed"]):
            assert main([command, str(tmp_path / name), *options]) == 0
        said.append(capsys.readouterr().out.replace("run.json.gz", "run.json"))
    assert said[0] == said[1]


def test_of_a_process_that_has_ended_nothing_is_there_twice(parts: List[Path], tmp_path: Path) -> None:
    """Open spans are announced while they run; who reads the file with another reader must not count them."""
    with open(tmp_path / "run.json.gz", "wb") as out:
        join_compressed(_compressed(parts, tmp_path / "parts"), out)
    scopes: Dict[str, List[str]] = {}
    ids = []
    for line in _lines(tmp_path / "run.json.gz"):
        (entry,) = json.loads(line)["resourceSpans"]
        (scope,) = entry["scopeSpans"]
        scopes.setdefault(scope["scope"]["name"], []).extend(span["name"] for span in scope["spans"])
        ids += [span["spanId"] for span in scope["spans"] if scope["scope"]["name"] != OPEN_SCOPE]
    assert set(scopes[OPEN_SCOPE]) == {"around"}, "the span of the process that was killed"
    assert len(set(ids)) == len(ids)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A run with a child, and with spans of two scopes in turn."""
    return run(
        tmp_path_factory.mktemp("run"),
        """
        import os
        import nutrace
        from opentelemetry import trace
        tracer = trace.get_tracer("theirs")
        for number in range(1000):
            with nutrace.span("work", component="planner", text="é" * 20, number=number):
                with tracer.start_as_current_span("by the API", attributes={"number": number}):
                    pass
        if os.fork() == 0:
            with nutrace.span("child"):
                pass
            os._exit(0)
        os.wait()
        """,
        output="run.json.gz",
        variables={"NUTRACE_COMPRESS_US": "0"},
    )


EXPECTED = {"work": 1000, "by the API": 1000, "child": 1}


def test_each_line_is_a_document_that_the_collector_takes(ended: Ended) -> None:
    """It is read line by line, by the collector's receiver for such files as well."""
    names: Dict[str, int] = {}
    for line in _lines(ended.folder / ended.output):
        assert len(line.encode()) < _LONGEST_LINE
        for span in spans_of(proto(line)):
            if span.name in EXPECTED:
                names[span.name] = names.get(span.name, 0) + 1
    assert names == EXPECTED == {name: counts(ended.trace)[name] for name in EXPECTED}


@pytest.mark.skipif(not shutil.which("jq") or not shutil.which("zcat"), reason="zcat or jq is not installed")
def test_stock_tools_show_every_attribute(ended: Ended) -> None:
    names = (
        '.resourceSpans[].scopeSpans[].spans[] | select(.name == "work") | [.attributes[].key] | join(",")'
    )
    command = f"zcat {ended.folder / ended.output} | jq -r '{names}' | sort | uniq -c"
    (line,) = subprocess.check_output(command, shell=True, text=True).splitlines()
    count, keys = line.split()
    assert count == "1000"
    assert {"nutrace.component", "thread.id", "text", "number"} <= set(keys.split(","))


def test_it_is_a_third_of_the_size_at_most(ended: Ended) -> None:
    size = (ended.folder / ended.output).stat().st_size
    assert size < len(gzip.decompress((ended.folder / ended.output).read_bytes())) / 3


#: A child that is killed, each span of which is a line.
TORN = """
    import os
    import nutrace
    from nutrace import session
    if os.fork() == 0:
        for number in range(50):
            with nutrace.span("child", number=number):
                pass
            session._session.recorder.flush()
        os.kill(os.getpid(), 9)
    os.wait()
    (shard,) = [name for name in os.listdir() if ".shard-" in name]
    {harm}
    with nutrace.span("parent"):
        pass
"""


def test_a_killed_childs_last_line_that_was_not_written_to_its_end(tmp_path: Path) -> None:
    harm = "os.truncate(shard, os.stat(shard).st_size - 20)"
    ended = run(tmp_path, TORN.replace("{harm}", harm), output="run.json.gz", variables=QUICK)
    trace = ended.trace
    assert ended.files == ["run.json.gz"]
    assert counts(trace)["parent"] == 1
    assert 49 <= counts(trace)["child"] <= 50
    assert gzip.decompress((tmp_path / "run.json.gz").read_bytes()).endswith(b"]}]}\n")


def test_a_damaged_shard_is_not_joined_and_nothing_else_is_lost(tmp_path: Path) -> None:
    middle = "os.stat(shard).st_size // 2"
    harm = f'with open(shard, "r+b") as file: file.seek({middle}), file.write(bytes(30))'
    ended = run(tmp_path, TORN.replace("{harm}", harm), output="run.json.gz", variables=QUICK)
    assert ended.code == 0
    assert "cannot join" in ended.err
    assert re.search(r"shard-\d+@[\w.]+-\w+\.partial has damaged gzip data; every command reads", ended.err)
    assert len(ended.files) == 2
    assert all(name.endswith(".partial") for name in ended.files)
    trace = ended.trace
    assert counts(trace)["parent"] == 1
    assert 48 <= counts(trace)["child"] <= 50  # there may be the end of a line in the middle
    assert any("damaged gzip data" in note for note in trace.diagnostics.notes)


def test_compressing_is_part_of_what_writing_costs(tmp_path: Path) -> None:
    """Of texts that cannot be compressed, it is by far the most."""
    spent = {}
    for output in ("run.json", "run.json.gz"):
        ended = run(
            tmp_path,
            """
            import random
            import nutrace
            for number in range(1500):
                with nutrace.span("work", text=random.randbytes(1500).hex(), number=number):
                    pass
            """,
            output=output,
            variables={"NUTRACE_COMPRESS_US": "0"},
        )
        (resource,) = ended.trace.resources
        spent[output] = resource.attributes["nutrace.own.spent_ns.writing"]
    assert spent["run.json.gz"] > 2 * spent["run.json"]


def test_a_name_without_json_is_compressed_and_numbered_as_well(tmp_path: Path) -> None:
    source = "import nutrace\nwith nutrace.span('work'): pass"
    first, second = (run(tmp_path, source, output="trace.gz") for _ in range(2))
    for ended, name in ((first, "trace.gz"), (second, "trace-1.gz")):
        assert f"wrote {tmp_path / name}: 1 spans" in ended.err
        assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b")
        assert counts(load(tmp_path / name)) == {"work": 1}


def test_each_line_begins_as_readers_and_those_who_tidy_up_expect() -> None:
    assert packing(Path("run.json.gz"))(b"line").startswith(HEAD)
    assert source._LINE == HEAD
