"""docs/compare.yml: its commands run as a shell runs them in continuous integration."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import List, Tuple

import pytest
from fakes.programs import environment

ROOT = Path(__file__).parents[1]
WORKFLOW = (ROOT / "docs" / "compare.yml").read_text(encoding="utf-8")
_STEP = re.compile(
    r"^      - name: (?P<name>.+)\n        run: (?P<one>[^|\n].*)?(?:\|\n(?P<many>(?: {10}.*\n)+))?",
    re.MULTILINE,
)


def _commands() -> List[Tuple[str, str]]:
    """The names of the steps that run commands, and the commands."""
    return [(step["name"], step["one"] or textwrap.dedent(step["many"])) for step in _STEP.finditer(WORKFLOW)]


def _run(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    # Without "shell: bash", commands are given to bash -e, which does not look at what is before a pipe.
    programs = os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"]))
    return subprocess.run(
        ["bash", "-e", "-c", command], cwd=folder, env=environment(PATH=programs, **variables),
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip


def test_every_step_has_a_command_or_an_action() -> None:
    steps = re.findall(r"^      - ", WORKFLOW, re.M)
    assert len(_commands()) + len(re.findall(r"^      - uses: \S+@v\d+$", WORKFLOW, re.M)) == len(steps)


@pytest.mark.once
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git repository")
def test_its_commands_run_as_they_stand(tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True, timeout=60)
    branch = subprocess.run(
        ["git", "branch", "--show-current"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()
    summary = tmp_path / "summary.md"
    variables = {"GITHUB_BASE_REF": branch, "GITHUB_STEP_SUMMARY": str(summary), "RUNS": "1"}
    names = [name for name, _ in _commands()]
    assert names[0] == "Install"  # the test has installed it
    for name, command in _commands()[1:]:
        done = _run(command, folder, **variables)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
    assert summary.read_text().startswith("# nutrace compare: bench/base/01.json against bench/new/01.json")
    assert (folder / "compare.html").stat().st_size > 1000
    # With more statements than before, the step fails.
    counts = next(command for name, command in _commands() if name == "Compare counts")
    swapped = counts.replace("statements_per_step > +0", "statements_per_step >= +0")
    assert swapped != counts
    assert _run(swapped, folder, **variables).returncode == 1
