"""The programs in ``unchanged`` print and raise the same without nutrace, and traced in each way."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import pytest

import nutrace

FOLDER = Path(__file__).parent / "unchanged"
MODULES = sorted(FOLDER.glob("same_*.py"))
#: What is in the environment; ``file`` has no decorators, but declared probes on all functions and methods.
WAYS: Dict[str, Dict[str, str]] = {
    "off": {},
    "midway": {},
    "taken_back": {},
    "coarse": {"NUTRACE": "1", "NUTRACE_LEVEL": "coarse"},
    "normal": {"NUTRACE": "1"},
    "fine": {"NUTRACE": "1", "NUTRACE_LEVEL": "fine", "NUTRACE_DEEPCOPY": "detail"},
    "file": {"NUTRACE": "1", "WITHOUT_DECORATORS": "1"},
}
Said = Dict[str, Tuple[str, str]]  # by program: what it prints, and what it prints to stderr


def programs() -> Iterator[str]:
    for file in MODULES:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("program_"):
                yield f"{file.stem} {node.name}"


def targets() -> Iterator[str]:
    """Each function and method of the programs."""

    def walk(body: List[ast.stmt], above: str) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{above}{node.name}.")
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield above + node.name

    for file in MODULES:
        for name in walk(ast.parse(file.read_text(encoding="utf-8")).body, ""):
            yield f"{file.stem}:{name}"


def run(way: str, folder: Path) -> Said:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    environment.update(PYTHONHASHSEED="0", NUTRACE_SUMMARY="0", NUTRACE_OUTPUT=str(folder / "run.json"))
    environment.update(WAYS.get(way, {"WITHOUT_DECORATORS": "1"}))
    if way == "file":
        file = folder / "probes.toml"
        file.write_text(
            "".join(f'[[probe]]\ntarget = "{target}"\n' for target in targets()), encoding="utf-8"
        )
        environment["NUTRACE_PROBES"] = str(file)
    command = [sys.executable, "-B", str(FOLDER / "run.py"), way]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    faults = [line for line in done.stderr.splitlines() if "fault in nutrace" in line]
    # A class of connections without weak references that was made before tracing was switched on.
    assert all(way == "midway" and "tracing Slotted: " in fault for fault in faults), faults
    printed, errors = (_by_program(text) for text in (done.stdout, done.stderr))
    return {name: (printed[name], errors[name]) for name in printed}


def _by_program(text: str) -> Dict[str, str]:
    # A class made in Python cannot have a dot in the name that messages of C give.
    text = re.sub(r" at 0x[0-9a-f]+", "", text).replace("'sqlite3.Connection' object", "'Connection' object")
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("nutrace: ")]
    parts = "".join(lines).split("== ")[1:]
    return dict(part.split("\n", 1) for part in parts)  # type: ignore[arg-type, misc]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Said]:
    """What the programs say in each way."""
    return {way: run(way, tmp_path_factory.mktemp(way)) for way in ("plain", *WAYS)}


def test_declared_probes_record(said: Dict[str, Said], tmp_path: Path) -> None:
    run("file", tmp_path)
    recorded = {span.name for span in nutrace.load(tmp_path / "run.json")}
    for name in (
        "scale",
        "Base.__init_subclass__",
        "Base.__class_getitem__",
        "Base.__new__",
        "Meta.__call__",
    ):
        assert name in recorded


pytestmark = pytest.mark.xdist_group("unchanged")  # one run of each way is enough


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("program", list(programs()))
def test_a_program_does_what_it_does_without_nutrace(said: Dict[str, Said], program: str, way: str) -> None:
    assert said[way][program] == said["plain"][program]
    assert said["plain"][program][0], "it prints nothing"
