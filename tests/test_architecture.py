"""The dependency rule: which rooms may know of which."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Tuple

import pytest
from fakes.programs import environment

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nutrace"
EXPORTERS = ROOT / "exporters" / "nutrace_exporters"

#: What code in a room may import of ours, besides the room itself.
ALLOWED = (
    (PACKAGE / "trace", ("nutrace.errors", "nutrace.semconv")),
    (PACKAGE / "analysis", ("nutrace.errors", "nutrace.semconv", "nutrace.trace")),
    (PACKAGE / "plans", ("nutrace.errors", "nutrace.analysis")),
    # The registry's errors are for the command line.
    (EXPORTERS, ("nutrace.anyvalue", "nutrace.errors", "nutrace.semconv", "nutrace.trace")),
)

#: What it must not import, whatever else it does.
FORBIDDEN = (
    (PACKAGE / "probes", ("nutrace.analysis", "nutrace.cli", "nutrace.jupyter", "nutrace_exporters")),
    (PACKAGE / "recording", ("nutrace.analysis", "nutrace.cli", "nutrace.jupyter", "nutrace_exporters")),
    (PACKAGE / "recording", ("nutrace.trace", "nutrace.probes")),
    (PACKAGE / "probes", ("nutrace.trace",)),
    (PACKAGE / "probes", ("nutrace.speedups",)),
    (PACKAGE / "recording", ("nutrace.speedups",)),
    (PACKAGE / "speedups", ("nutrace.analysis", "nutrace.cli", "nutrace.jupyter", "nutrace_exporters")),
    (PACKAGE / "speedups", ("nutrace.trace", "nutrace.session", "nutrace.verify")),
    (PACKAGE / "verify", ("nutrace.analysis", "nutrace.cli", "nutrace.jupyter", "nutrace_exporters")),
    (PACKAGE / "verify", ("nutrace.trace", "nutrace.session")),
)


def _imports(room: Path) -> Iterator[Tuple[str, str]]:
    """(place, full name) of every import of ours below `room`, those within functions included."""
    top = room.parent.parent if room.parent == PACKAGE else room.parent
    for file in sorted(room.rglob("*.py")):
        module = file.relative_to(top).with_suffix("").parts
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                above = ".".join(module[: -node.level]) if node.level else ""
                base = ".".join(part for part in (above, node.module) if part)
                names = [f"{base}.{alias.name}" for alias in node.names]
            for name in names:
                if name.split(".")[0] in ("nutrace", "nutrace_exporters"):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", name  # type: ignore[attr-defined]


def _below(name: str, rooms: Tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


@pytest.mark.parametrize(("room", "allowed"), ALLOWED, ids=[room.name for room, _ in ALLOWED])
def test_a_room_imports_only_what_it_may(room: Path, allowed: Tuple[str, ...]) -> None:
    found = list(_imports(room))
    assert found
    own = f"nutrace.{room.name}" if room.parent == PACKAGE else room.name
    assert [each for each in found if not _below(each[1], (own, *allowed))] == []


@pytest.mark.parametrize(("room", "forbidden"), FORBIDDEN)
def test_what_is_traced_knows_nothing_of_what_looks(room: Path, forbidden: Tuple[str, ...]) -> None:
    found = list(_imports(room))
    assert found
    assert [each for each in found if _below(each[1], forbidden)] == []


def test_a_traced_process_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    code = "import sys; print('|'.join(sys.modules))"
    variables = {"NUTRACE": "1", "NUTRACE_OUTPUT": str(tmp_path / "run.json")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(**variables),
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    loaded = done.stdout.strip().split("|")
    assert "nutrace.session" in loaded
    heavy = ("pandas", "numpy", "rich", "IPython", "nutrace_exporters")
    ours = (
        "nutrace.cli",
        "nutrace.jupyter",
        "nutrace.analysis",
        "nutrace.trace",
        "nutrace.demo",
        "nutrace.plans",
        "nutrace.speedups",
        "nutrace.verify",
    )
    assert [name for name in loaded if _below(name, (*heavy, *ours))] == []
