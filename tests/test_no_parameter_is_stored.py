"""A value that a program gives to its database is in no file that nutrace writes."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from fakes import programs
from fakes.tracing import Tracing

from nutrace.probes.catalogue.sqlite import PROBES
from nutrace.recording.span import process_state

CANARY = "Zq7vXjQw9LeakedValue"
NUMBER = "739184650271"
FORMATS = ("html", "speedscope", "svg", "collapsed", "chrome")


def _forms() -> List[bytes]:
    raw = CANARY.encode()
    # In base64 it looks different behind one or two other bytes; the ends depend on what is around it.
    inside = [base64.b64encode(b"x" * before + raw)[4:-4] for before in range(3)]
    return [raw, raw.hex().encode(), NUMBER.encode(), *inside]


def _contents(file: Path) -> Iterator[bytes]:
    data = file.read_bytes()
    yield data
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    # The page of a flamegraph has its data in base64.
    for word in data.split(b'"'):
        if len(word) > 1000:
            try:
                packed = base64.b64decode(word, validate=True)
                yield packed
                yield gzip.decompress(packed)
            except (ValueError, OSError, EOFError):
                continue


def _found(folder: Path) -> List[str]:
    """Where the value is, among the files below a folder."""
    found = []
    for file in folder.rglob("*"):
        if not file.is_file() or file.suffix in (".py", ".db"):
            continue
        for content in _contents(file):
            for form in _forms():
                at = content.lower().find(form.lower())
                if at >= 0:
                    found.append(f"{file.name}: {content[max(0, at - 300) : at + 60]!r}")
    return found


def _run(folder: Path, **variables: str) -> programs.Ended:
    source = Path(programs.__file__).with_name("leaking.py")
    shutil.copy(source, folder / source.name)
    given = {"CANARY": CANARY, "CANARY_NUMBER": NUMBER, "NUTRACE_FLUSH_SECONDS": "0.05", "NUTRACE": "1"}
    process = programs.start(folder, ["-W", "ignore", source.name], variables={**given, **variables})
    return programs.finish(folder, process, variables.get("NUTRACE_OUTPUT", "run.json"))


def _kinds(ended: programs.Ended) -> Dict[str, int]:
    kinds: Dict[str, int] = json.loads(ended.out.splitlines()[0])
    return {name.rpartition(".")[2]: count for name, count in kinds.items()}


@pytest.mark.parametrize(
    "variables",
    [
        {"NUTRACE_LEVEL": "coarse", "NUTRACE_SQL_TEXT": "0"},
        {"NUTRACE_LEVEL": "normal", "THEN": "fork", "NUTRACE_COMPRESS_US": "100000"},
        {"NUTRACE_LEVEL": "fine", "NUTRACE_SQL_TEXT": "0", "NUTRACE_SPEEDUPS": "all"},
        {"NUTRACE_LEVEL": "fine", "THEN": "kill", "NUTRACE_TEXT_LIMIT": "1000000"},
        {"NUTRACE_LEVEL": "fine", "THEN": "kill", "NUTRACE_OUTPUT": "run.json.gz"},
    ],
    ids=["coarse", "normal, forked", "fine, with speedups", "fine, killed", "fine, killed, compressed"],
)
def test_no_value_is_in_a_file(tmp_path: Path, variables: Dict[str, str]) -> None:
    ended = _run(tmp_path, **variables)
    assert ended.code == (-9 if variables.get("THEN") == "kill" else 0), ended.err
    kinds = _kinds(ended)
    for kind in (
        *("IntegrityError", "OperationalError", "ProgrammingError", "DataError", "DatabaseError"),
        *("NotSupportedError", "InternalError", "OverflowError", "UnicodeEncodeError", "ValueError"),
        *("LookupError", "Own", "RuntimeError", "StatementError", "ArgumentError"),
    ):
        assert kinds[kind], kinds
    assert len(ended.trace) > 400
    assert not _found(tmp_path)
    # The lines at exit are no file, but they are often kept in one.
    assert CANARY not in ended.err


def test_no_value_is_in_what_is_made_of_a_run_file(tmp_path: Path) -> None:
    _run(tmp_path, NUTRACE_LEVEL="fine")
    commands = [["flamegraph", "run.json", "-f", name] for name in FORMATS]
    commands += [["report", "run.json"], ["sql", "run.json", "--limit", "0"], ["sql", "run.json", "--json"]]
    for number, command in enumerate(commands):
        ended = subprocess.run(
            [sys.executable, "-m", "nutrace.cli.main", *command],
            cwd=tmp_path,
            env=programs.environment(),
            capture_output=True,
            check=True,
        )
        (tmp_path / f"printed-{number}.txt").write_bytes(ended.stdout + ended.stderr)
    assert not _found(tmp_path)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """As nothing is found above."""
    page = gzip.compress(json.dumps({"filler": list(range(1000)), "value": CANARY}).encode())
    contents: Dict[str, Any] = {
        "raw": CANARY.encode(),
        "hex": CANARY.encode().hex().upper().encode(),
        "packed": gzip.compress(b"x" + CANARY.encode()),
        "base64": b"{" + base64.b64encode(b"xy" + CANARY.encode() + b"z") + b"}",
        "page": b'<script>"' + base64.b64encode(page) + b'"</script>',
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert {line.partition(":")[0] for line in _found(tmp_path)} == set(contents)


def test_the_key_of_hashes_is_in_no_file_and_in_no_environment(recorded: Tracing) -> None:
    with recorded(*PROBES):
        key = process_state.secret
        connection = sqlite3.connect(":memory:")
        connection.execute("SELECT ?", (CANARY,)).fetchall()
        connection.close()
        environment = repr(dict(os.environ)).encode()
    assert recorded.path is not None
    written = recorded.path.read_bytes()
    for form in (key, key.hex().encode(), base64.b64encode(key)[:-2], repr(key)[2:-1].encode()):
        assert form not in environment + written
