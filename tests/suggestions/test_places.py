"""Whose code a file is, and the name of its module."""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path
from typing import Any, Dict

import pytest
from fakes.otlp import RESOURCE, trace_of

import nutrace
from nutrace.suggestions.modules import Modules
from nutrace.suggestions.origin import Origin, origin


@pytest.mark.parametrize(
    ("file", "module", "whose"),
    [
        ("/home/me/checkout/planner.py", "", Origin.OWN),
        ("/home/me/tuplan_garage/tuplan_garage/planning/pdm.py", "tuplan_garage.planning.pdm", Origin.OWN),
        ("/opt/conda/envs/nuplan/src/mine/a.py", "", Origin.OWN),
        ("C:\\Users\\me\\planner.py", "planner", Origin.OWN),
        ("/home/me/nuplan-devkit/nuplan/planning/a.py", "nuplan.planning.a", Origin.DEVKIT),
        ("/home/me/nuplan-devkit/nuplan/planning/a.py", "", Origin.DEVKIT),
        ("/usr/lib/python3/site-packages/nuplan/common/a.py", "nuplan.common.a", Origin.DEVKIT),
        # A folder of that name is not the devkit if the module says so.
        ("/home/me/nuplan/planning/mine.py", "mine", Origin.OWN),
        ("/venv/lib/python3.9/site-packages/scipy/a.py", "scipy.a", Origin.PACKAGE),
        ("/usr/lib/python3/dist-packages/numpy/a.py", "", Origin.PACKAGE),
        ("C:\\Python39\\Lib\\site-packages\\numpy\\a.py", "", Origin.PACKAGE),
        ("/opt/python/lib/python3.12/json/decoder.py", "json.decoder", Origin.STANDARD),
        ("/opt/python/lib/python3.13t/json/decoder.py", "", Origin.STANDARD),
        ("C:\\Python39\\Lib\\json\\decoder.py", "", Origin.STANDARD),
        (os.path.join(sysconfig.get_path("stdlib"), "copy.py"), "copy", Origin.STANDARD),
        (nutrace.__file__, "nutrace", Origin.NOBODY),
        ("<frozen importlib._bootstrap>", "", Origin.NOBODY),
        ("/lib/libc.so.6", "", Origin.NOBODY),
        ("", "", Origin.NOBODY),
    ],
)
def test_origin(file: str, module: str, whose: Origin) -> None:
    assert origin(file, module) is whose


def _modules(folder: Path, function: str = "", file: str = "", **resource: Any) -> Modules:
    attributes: Dict[str, Any] = {"code.function.name": function, "code.file.path": file}
    return Modules(trace_of(folder, ("a", 0, 1, attributes), resource={**RESOURCE, **resource}))


def _touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_names_that_the_process_has_written_come_first(tmp_path: Path) -> None:
    samples = {"version": 1, "functions": [], "nodes": [], "notes": [], "modules": {"/x/a.py": "far.away"}}
    assert _modules(tmp_path, **{"nutrace.samples": json.dumps(samples)}).name("/x/a.py") == "far.away"
    assert _modules(tmp_path, **{"nutrace.samples": "{"}).name("/x/a.py") == "a"


def test_packages_go_up_as_far_as_there_is_an_init(tmp_path: Path) -> None:
    package = tmp_path / "outer" / "package"
    _touch(package / "__init__.py", package / "inner" / "__init__.py", package / "inner" / "a.py")
    modules = _modules(tmp_path)
    assert modules.name(str(package / "inner" / "a.py")) == "package.inner.a"
    assert modules.name(str(package / "inner" / "__init__.py")) == "package.inner"
    assert modules.name(str(tmp_path / "outer" / "b.py")) == "b"


def test_a_span_tells_from_where_namespace_packages_are_imported(tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    _touch(root / "space" / "planning" / "a.py", root / "space" / "regular" / "__init__.py")
    modules = _modules(
        tmp_path, "space.planning.a.Planner.compute", str(root / "space" / "planning" / "a.py")
    )
    assert modules.name(str(root / "space" / "other" / "b.py")) == "space.other.b"
    assert modules.name(str(root / "space" / "regular" / "c.py")) == "space.regular.c"


def test_the_program_itself_has_no_name(tmp_path: Path) -> None:
    modules = _modules(
        tmp_path,
        **{"process.command_args": ["python", "main.py"], "process.working_directory": str(tmp_path)},
    )
    assert modules.name(modules.absolute("main.py")) == "__main__"
    assert modules.name(modules.absolute("other.py")) == "other"


def test_files_that_no_import_reaches(tmp_path: Path) -> None:
    assert _modules(tmp_path).name(str(tmp_path / "not-a-name.py")) == ""
