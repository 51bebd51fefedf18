"""nutrace installs beside what is there, and works with the oldest of everything that it asks for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.programs import environment

from nutrace.extras import EXTRAS

try:
    import tomllib  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT_FILE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PROJECT_FILE["project"]
CORE = (
    *("tests/probes/test_sqlite.py", "tests/probes/test_sqlalchemy.py", "tests/probes/test_engine.py"),
    *(
        "tests/probes/test_context.py",
        "tests/patching",
        "tests/plans/test_advice.py",
        "tests/test_session.py",
    ),
    *("tests/recording/test_opentelemetry.py", "tests/jupyter/test_tables.py"),
    "tests/jupyter/test_plots.py",
)
#: What the tests need beside it. pandas 1.3 and matplotlib 3.3 use what later numpy and pyparsing deprecate.
TOOLS = (
    *("pytest>=7.4,<9.2", "pytest-timeout", "pytest-xdist", "hypothesis", "sqlalchemy<2.1"),
    *("numpy<1.25", "pyparsing<3.3"),
)

#: The oldest packages have no wheels for later Pythons, and once is enough for the others.
ON_THE_OLDEST = pytest.mark.skipif(sys.version_info[:2] != (3, 9), reason="installed on Python 3.9 only")


def test_what_is_said_to_be_missing_is_what_the_extras_ask_for() -> None:
    asked = {name: tuple(needed) for name, needed in PROJECT["optional-dependencies"].items()}
    assert {name: asked[name] for name in asked if name not in ("test", "dev")} == EXTRAS


@pytest.fixture
def python(tmp_path: Path) -> str:
    """An interpreter of a new environment, in which pip can install."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True, env=environment())
    made = str(tmp_path / "env" / "bin" / "python")
    needed = PROJECT_FILE["build-system"]["requires"]
    ended = _pip(made, "download", "-q", "--dest", str(tmp_path), *needed)
    if ended.returncode:
        pytest.skip(f"pip finds no packages here: {' '.join(ended.stderr.split())[-200:]}")
    return made


def _pip(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True)


def pip(python: str, *arguments: str) -> str:
    ended = _pip(python, *arguments)
    assert ended.returncode == 0, ended.stderr[-3_000:]
    return ended.stdout


def versions(python: str) -> Dict[str, str]:
    return {each["name"]: each["version"] for each in json.loads(pip(python, "list", "--format", "json"))}


def bounds(requirements: List[str]) -> Dict[str, str]:
    """The lowest version of each requirement, on Python 3.9."""
    lowest = {}
    for each in requirements:
        name, version, marker = re.fullmatch(r"([\w-]+)>=([\w.]+)(?:; (.*))?", each).groups()  # type: ignore[union-attr]
        if marker in (None, "python_version < '3.11'"):
            lowest[name] = version
    return lowest


def test_nothing_that_a_traced_program_needs_has_an_upper_bound() -> None:
    extras = PROJECT["optional-dependencies"]
    for requirement in (*PROJECT["dependencies"], *extras["jupyter"], *extras["sql"], *extras["maps"]):
        assert not re.search(r"<(?!.*')|==|~=|!=", requirement.partition(";")[0]), requirement


@pytest.mark.slow
@pytest.mark.timeout(600)
@ON_THE_OLDEST
@pytest.mark.parametrize("wrapt", ["wrapt>=2", "wrapt==1.14.2"])
def test_packages_that_are_there_stay_as_they_are(python: str, wrapt: str) -> None:
    pip(python, "install", "-q", wrapt, "typing-extensions<4.15", "packaging<25")
    before = versions(python)
    report: Any = json.loads(pip(python, "install", "-q", "--dry-run", "--report", "-", str(ROOT)))
    changed = {each["metadata"]["name"].lower(): each["metadata"]["version"] for each in report["install"]}
    assert changed["nutrace"] == PROJECT["version"]
    assert {name: version for name, version in changed.items() if name in before} == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@ON_THE_OLDEST
def test_the_oldest_of_everything(python: str, tmp_path: Path) -> None:
    extras = PROJECT["optional-dependencies"]
    oldest = bounds([*PROJECT["dependencies"], *extras["sql"], *extras["jupyter"]])
    of_tests = bounds([each for each in extras["test"] if each.startswith("opentelemetry-")])
    wanted = [f"{name}=={version}" for name, version in {**of_tests, **oldest}.items()]
    pip(python, "install", "-q", "-e", str(ROOT), *wanted, *TOOLS)
    there = versions(python)
    assert {name: there[name] for name in oldest if not there[name].startswith(oldest[name])} == {}
    ended = subprocess.run(
        [python, "-m", "pytest", "-q", "-n", "2", "-m", "not slow", "-p", "no:cacheprovider", *CORE],
        cwd=ROOT,
        env={**environment(), "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path), "PYTEST_ADDOPTS": ""},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout[-3_000:]
