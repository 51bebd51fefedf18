"""The notebooks run, with the devkit and with the miniature, and are stored with what they show.

After a change to a notebook: ``python tests/notebooks/store.py NAME``.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Optional

import nbformat
import pytest
from devkit import devkit_python, needs_devkit
from notebooks.running import (
    LARGEST_BYTES,
    NAMES,
    NOTEBOOKS,
    TIMES,
    dead_links,
    execute,
    faults,
    kinds,
    outputs,
    read,
    unasserted,
)

MATRIX = os.environ.get("NUTRACE_DEVKIT_MATRIX", "0") not in ("", "0")


@pytest.mark.parametrize("name", NAMES)
def test_is_stored_as_it_ran_from_top_to_bottom(name: str) -> None:
    stored = read(name)
    nbformat.validate(stored)
    counts = [cell.execution_count for cell in stored.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert faults(stored) == []
    assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < LARGEST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_cells_of_times_only_assert(name: str) -> None:
    """What they claim may be wrong beside other tests, and nothing else may go wrong in them."""
    cells = [cell.source for cell in read(name).cells if TIMES in cell.metadata.get("tags", ())]
    plain = {ast.Assert, ast.Assign}
    assert all(type(line) in plain for source in cells for line in ast.parse(source).body)


@pytest.mark.parametrize("name", NAMES)
def test_figures_of_the_prose_are_in_the_code(name: str) -> None:
    assert unasserted(read(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_links(name: str) -> None:
    assert dead_links(read(name)) == []


def _run(name: str, folder: Path, simulated_by: Optional[str]) -> None:
    """Run it; a second time if a claim is not so: some are of times, and other tests run beside it.

    Claims of times in cells that are marked need a quiet machine: the matrix looks at them.
    """
    import matplotlib.font_manager  # makes a cache of fonts, of which a notebook would tell
    from nbclient.exceptions import CellExecutionError  # nbclient warns when it is imported

    assert matplotlib.font_manager.fontManager
    notebook = read(name)
    stored = [kinds(each) for each in outputs(notebook)]
    (folder / "first").mkdir()
    try:
        execute(notebook, folder / "first", simulated_by, is_quiet=MATRIX)
    except CellExecutionError as error:
        if error.ename != "AssertionError":
            raise
        (folder / "second").mkdir()
        execute(notebook, folder / "second", simulated_by, is_quiet=MATRIX)
    assert faults(notebook) == []
    assert [kinds(each) for each in outputs(notebook)] == stored


@pytest.mark.xdist_group("notebooks")  # beside each other they would change each other's times
@pytest.mark.filterwarnings("default")  # jupyter_client and zmq warn
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "name", [name if name == "quickstart" else pytest.param(name, marks=pytest.mark.once) for name in NAMES]
)
def test_runs_with_the_miniature(name: str, tmp_path: Path) -> None:
    _run(name, tmp_path, None)


@needs_devkit
@pytest.mark.xdist_group("notebooks")
@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", NAMES)
def test_runs_with_the_devkit(name: str, tmp_path: Path) -> None:
    if name != "quickstart" and not MATRIX:
        pytest.skip("minutes a notebook: NUTRACE_DEVKIT_MATRIX=1")
    _run(name, tmp_path, devkit_python())
