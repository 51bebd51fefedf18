"""The dependency rule: which packages may know of which."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest
from fakes.programs import environment

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nutrace"
EXPORTERS = ROOT / "exporters" / "nutrace_exporters"
_BESIDE = str(PACKAGE / "sampling" / "beside.py")

#: One definition for what is recorded and for what reads it.
SHARED = (
    *("nutrace.intervals", "nutrace.percentiles", "nutrace.prices", "nutrace.printable"),
    *("nutrace.sketch", "nutrace.sql"),
)

#: Errors, and what to install where one says that something is missing.
ERRORS = ("nutrace.errors", "nutrace.extras")

#: What code in a package may import of ours, besides the package itself.
ALLOWED = (
    (PACKAGE / "patching", ("nutrace.errors", "nutrace.forks")),
    (PACKAGE / "trace", (*ERRORS, "nutrace.prices", "nutrace.semconv", "nutrace.sketch")),
    (PACKAGE / "analysis", ("nutrace.errors", "nutrace.semconv", "nutrace.trace", *SHARED)),
    (
        PACKAGE / "comparison",
        (*ERRORS, "nutrace.semconv", "nutrace.trace", "nutrace.analysis", *SHARED),
    ),
    (
        PACKAGE / "dashboard",
        (*ERRORS, "nutrace.semconv", "nutrace.comparison", "nutrace_exporters"),
    ),
    (
        PACKAGE / "push",
        ("nutrace.__version__", "nutrace.errors", "nutrace.printable", "nutrace.semconv", "nutrace.trace"),
    ),
    (PACKAGE / "plans", (*ERRORS, "nutrace.log_file", "nutrace.analysis")),
    (
        PACKAGE / "advice",
        (
            *("nutrace.errors", "nutrace.semconv", "nutrace.settings", "nutrace.trace", "nutrace.analysis"),
            *("nutrace.plans", "nutrace.suggestions", "nutrace.probes.catalogue", *SHARED),
        ),
    ),
    # The registry's errors are for the command line.
    (EXPORTERS, ("nutrace.anyvalue", *SHARED, "nutrace.errors", "nutrace.semconv", "nutrace.trace")),
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
    (PACKAGE / "bench", ("nutrace.cli", "nutrace.jupyter", "nutrace.session", "nutrace.probes")),
    (PACKAGE / "suggestions", ("nutrace.cli", "nutrace.jupyter", "nutrace.session", "nutrace_exporters")),
)


def _imports(package: Path) -> Iterator[Tuple[str, str]]:
    """(place, full name) of every import of ours below `package`, those within functions included."""
    top = package.parent.parent if package.parent == PACKAGE else package.parent
    for file in sorted(package.rglob("*.py")):
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


def _below(name: str, packages: Tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize(("package", "allowed"), ALLOWED, ids=[package.name for package, _ in ALLOWED])
def test_a_package_imports_only_what_it_may(package: Path, allowed: Tuple[str, ...]) -> None:
    found = list(_imports(package))
    assert found
    own = f"nutrace.{package.name}" if package.parent == PACKAGE else package.name
    assert [each for each in found if not _below(each[1], (own, *allowed))] == []


def _names_of_ours(node: ast.AST) -> Iterator[str]:
    """The modules of ours that an expression looks up in ``sys.modules``."""
    keys: List[ast.expr] = []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_modules(node.func.value):
        keys = node.args[:1]
    elif isinstance(node, ast.Subscript) and _is_modules(node.value):
        keys = [node.slice]
    elif isinstance(node, ast.Compare) and any(map(_is_modules, node.comparators)):
        keys = [node.left]
    for key in keys:
        if isinstance(key, ast.JoinedStr):
            key = key.values[0]
        text = getattr(key, "value", None)
        if isinstance(text, str) and text.split(".")[0] in ("nutrace", "nutrace_exporters"):
            yield text


def _is_modules(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "modules"


def test_no_package_looks_for_a_neighbour_in_sys_modules() -> None:
    """What a package offers to a package on its left it registers there."""
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"  # type: ignore[attr-defined]
        for package in (PACKAGE, EXPORTERS)
        for file in sorted(package.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if list(_names_of_ours(node))
    ]
    assert found == []


@pytest.mark.parametrize("source", ['sys.modules.get("nutrace.session")', 'sys.modules["nutrace.cli"]'])
def test_such_a_look_is_seen(source: str) -> None:
    assert [name for node in ast.walk(ast.parse(source)) for name in _names_of_ours(node)]


@pytest.mark.parametrize(("package", "forbidden"), FORBIDDEN)
def test_what_is_traced_knows_nothing_of_what_looks(package: Path, forbidden: Tuple[str, ...]) -> None:
    found = list(_imports(package))
    assert found
    assert [each for each in found if _below(each[1], forbidden)] == []


@pytest.mark.parametrize("sample", ["0", "1"])
def test_a_traced_process_loads_no_more_than_it_needs(tmp_path: Path, sample: str) -> None:
    code = "import sys; print('|'.join(sys.modules))"
    variables = {"NUTRACE": "1", "NUTRACE_SAMPLE": sample, "NUTRACE_OUTPUT": str(tmp_path / "run.json")}
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
        "nutrace.sampling.join",
        "nutrace.sampling.collapsed",
    )
    # What only sampling needs.
    sampling = () if sample == "1" else ("nutrace.sampling", "ctypes")
    assert [name for name in loaded if _below(name, (*heavy, *ours, *sampling))] == []
    assert ("nutrace.sampling.process" in loaded) is (sample == "1")


@pytest.mark.parametrize(
    "command", ["report", "overhead", "flamegraph", "sql", "deepcopy", "history", "whatif", "export"]
)
def test_a_command_that_reads_runs_loads_nothing_of_what_traces(command: str) -> None:
    code = f"import sys, nutrace.cli.{command}; print('|'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    loaded = done.stdout.strip().split("|")
    assert f"nutrace.cli.{command}" in loaded
    tracing = ("nutrace.patching", "nutrace.probes", "nutrace.recording", "nutrace.session", "wrapt")
    assert [name for name in loaded if _below(name, tracing)] == []


def test_what_samples_beside_a_run_needs_the_standard_library_only() -> None:
    code = f"""
import runpy, sys, types
package = types.ModuleType("nutrace")
package.__path__ = [{str(PACKAGE)!r}]
sys.modules["nutrace"] = package
runpy.run_path({_BESIDE!r}, run_name="not main")
print("|".join(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    loaded = done.stdout.strip().split("|")
    assert "nutrace.sampling.target" in loaded
    assert [name for name in loaded if _below(name, ("nutrace.recording", "opentelemetry", "msgspec"))] == []
