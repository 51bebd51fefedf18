"""kernprof, pytest and IPython's %autoreload do with probed functions what they do with plain ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest
from fakes.programs import environment, write

pytestmark = pytest.mark.slow  # starts many programs

TRACED = {"NUTRACE": "1", "NUTRACE_SUMMARY": "0"}
#: With the probes as decorators, without tracing and with it; and declared in a file.
WAYS: Dict[str, Dict[str, str]] = {
    "off": {},
    "decorated": TRACED,
    "declared": {**TRACED, "NUTRACE_PROBES": "probes.toml", "WITHOUT_DECORATORS": "1"},
}
UNCHANGED = str(Path(__file__).parent / "unchanged")  # common.py has the decorator


def output(folder: Path, command: List[str], variables: Dict[str, str]) -> str:
    """What a command prints; times and addresses are left out."""
    more = {"PYTHONPATH": UNCHANGED, "IPYTHONDIR": str(folder), "HOME": str(folder), **variables}
    more["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    done = subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, check=False
    )
    assert "fault in nutrace" not in done.stderr, done.stderr
    return re.sub(r" at 0x[0-9a-f]+| in [0-9.]+s|==+", "", done.stdout) + f"exit code {done.returncode}"


def compared(folder: Path, way: str, command: List[str]) -> str:
    """What a command prints, which has to be what it prints without nutrace."""
    plain = output(folder, command, {"WITHOUT_DECORATORS": "1"})
    assert output(folder, command, WAYS[way]) == plain
    return plain


@pytest.mark.parametrize("way", ["off", "decorated"])
def test_kernprof(tmp_path: Path, way: str) -> None:
    pytest.importorskip("line_profiler", reason="line_profiler is not installed")
    write(
        tmp_path,
        """
        from common import probe

        @profile
        @probe
        def inside(x):
            y = x + 1
            return y

        @probe
        @profile
        def outside(x):
            y = inside(x)
            return y

        class Planner:
            @profile
            @probe
            def rows(self):
                yield inside(1)
                yield 2

        for number in range(3):
            outside(number)
            list(Planner().rows())
        """,
    )
    kernprof = [sys.executable, "-m", "kernprof", "-l", "-o", "lines.lprof", "program.py"]
    shown = [
        sys.executable,
        "-c",
        "import line_profiler\n"
        "for (_, _, name), lines in sorted(line_profiler.load_stats('lines.lprof').timings.items()):\n"
        "    print(name, [(line, hits) for line, hits, _ in lines])\n",
    ]
    hits = []
    for variables in ({"WITHOUT_DECORATORS": "1"}, WAYS[way]):
        output(tmp_path, kernprof, variables)
        hits.append(output(tmp_path, shown, {}))
    assert hits[0] == hits[1]
    assert "inside [(7, 6), (8, 6)]" in hits[0]


@pytest.mark.parametrize("way", WAYS)
def test_pytest(tmp_path: Path, way: str) -> None:
    write(
        tmp_path,
        """
        import asyncio
        import unittest
        import pytest
        from common import probe

        @pytest.fixture
        @probe
        def number():
            return 3

        @pytest.fixture(params=[1, 2])
        @probe
        def each(request, number):
            yield request.param + number

        @pytest.mark.parametrize("x", [1, 2])
        @probe
        def test_each(each, x, tmp_path):
            '''Is right.'''
            assert each + x > 4

        @probe
        @pytest.mark.parametrize("x", [1, 2])
        def test_outside(number, x):
            assert number == x + 1, "one of them"

        @probe
        @pytest.mark.skip(reason="not now")
        def test_skipped(): ...

        @pytest.mark.xfail
        @probe
        def test_expected_to_fail():
            assert plan(1) == 1

        @probe
        def plan(x):
            '''Plan.

            >>> plan(1)
            2
            '''
            return x + 1

        class TestClass:
            @classmethod
            @probe
            def setup_class(cls):
                cls.x = 1

            @probe
            def setup_method(self, method):
                assert method.__name__.startswith("test_")

            @probe
            def test_method(self, number, monkeypatch):
                monkeypatch.setattr(f"{__name__}.plan", lambda x: 9)
                assert plan(number) == 9

        class TestUnit(unittest.TestCase):
            @probe
            def test_unit(self):
                self.assertEqual(plan(1), 2)
        """,
        "test_program.py",
    )
    names = ("number", "each", "test_each", "plan", "TestClass.test_method", "TestClass.setup_method")
    write(tmp_path, "".join(f"[[probe]]\ntarget = 'test_program:{name}'\n" for name in names), "probes.toml")
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider"]
    printed = compared(tmp_path, way, [*command, "--doctest-modules", "--tb=line", "test_program.py"])
    assert "1 failed, 8 passed, 1 skipped, 1 xfailed" in printed


CELLS = """
import os, sys, time
sys.path.insert(0, os.getcwd())
sys.dont_write_bytecode = True
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
SOURCE = '''
from common import probe

class Planner:
    kind = "{0}"

    @probe
    def compute(self, x="{0}"):
        return "{0}", x

    @property
    @probe
    def size(self):
        return "{0}"

    @staticmethod
    @probe
    def static():
        return "{0}"

    @classmethod
    @probe
    def klass(cls):
        return cls.kind

    @probe
    def rows(self):
        yield "{0}"
{1}

class Heir(Planner):
    @probe
    def compute(self):
        return "heir", super().compute()

@probe
def score(*, key="{0}"):
    return "{0}", key
'''
ADDED = '''
    @probe
    def added(self):
        return "added"
'''

def write(name, answer, added, seconds):
    with open(name + ".py", "w") as file:
        file.write(SOURCE.format(answer, added))
    os.utime(name + ".py", (seconds, seconds))

LOOK = '''
print(p.compute(), p.size, p.static(), p.klass(), list(p.rows()), heir.compute(), score(), bound())
print(Planner().compute(), Heir().compute(), edited.score(), mapped[0](), hasattr(p, "added"))
'''
shell.run_cell("%load_ext autoreload")
for mode, before, reload in (
    ("one", "%autoreload 1\\n%aimport edited_one", "pass"),
    ("two", "%autoreload 2", "pass"),
    ("three", "%autoreload 3", "pass"),
    ("now", "%autoreload 0", "%autoreload"),
    ("by_hand", "%autoreload 0", "import importlib; importlib.reload(edited)"),
):
    print(mode)
    name = "edited_" + mode
    write(name, "old", "", time.time())
    shell.run_cell(before)
    shell.run_cell(f"import {name} as edited\\nfrom {name} import Planner, Heir, score")
    shell.run_cell("p, heir = Planner(), Heir()\\nbound, mapped = p.compute, [score]")
    shell.run_cell(LOOK)
    for number, answer in enumerate(("newer", "newest"), 1):
        write(name, answer, ADDED, time.time() + 10 * number)
        shell.run_cell(reload)
        shell.run_cell(LOOK)
"""


@pytest.mark.parametrize("way", WAYS)
def test_autoreload_of_edited_code(tmp_path: Path, way: str) -> None:
    pytest.importorskip("IPython", reason="IPython is not installed")
    write(tmp_path, CELLS)
    names = ("Planner.compute", "Planner.size", "Planner.static", "Planner.klass", "Planner.rows")
    targets = [
        f"edited_{mode}:{name}"
        for mode in ("one", "two", "three", "now", "by_hand")
        for name in (*names, "Heir.compute", "score")
    ]
    write(tmp_path, "".join(f"[[probe]]\ntarget = '{target}'\n" for target in targets), "probes.toml")
    printed = compared(tmp_path, way, [sys.executable, "program.py"])
    assert printed.count("newest") > 50
    assert (tmp_path / "run.json").exists() is (way != "off")
