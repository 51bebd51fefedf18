"""The quickstart notebook runs, and is stored with its outputs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("pandas")

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
LARGEST_BYTES = 400_000


def outputs(notebook: Any) -> List[List[Dict[str, Any]]]:
    """The outputs of each code cell."""
    return [list(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]


def kinds(shown: List[Dict[str, Any]]) -> List[str]:
    """For each output ``stream``, or its richest type of data."""
    return [max(output["data"]) if "data" in output else output["output_type"] for output in shown]


def pages(notebook: Any) -> str:
    """All HTML in the outputs."""
    return "".join(
        output["data"].get("text/html", "")
        for shown in outputs(notebook)
        for output in shown
        if "data" in output
    )


def check(notebook: Any) -> None:
    """Check what the stored notebook and a new run have in common."""
    shown = outputs(notebook)
    assert all(shown), "a cell of code shows nothing"
    assert not [output for each in shown for output in each if output["output_type"] == "error"]
    printed = "".join(output["text"] for output in shown[0])
    assert "150 steps" in printed
    assert "none lost" in printed
    page = pages(notebook)
    assert '<div class="nutrace-card">' in page
    assert '<iframe class="nutrace-flamegraph"' in page
    assert page.count('class="dataframe"') == 3


def test_stored_with_its_outputs() -> None:
    stored = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(stored)
    check(stored)
    counts = [cell.execution_count for cell in stored.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "not run from top to bottom"
    assert NOTEBOOK.stat().st_size < LARGEST_BYTES


@pytest.mark.filterwarnings("default")  # jupyter_client and zmq warn
@pytest.mark.timeout(300)
def test_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", ""))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("NUTRACE", raising=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    stored = [kinds(each) for each in outputs(notebook)]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = nbclient.NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    check(notebook)
    assert [kinds(each)[-1] for each in outputs(notebook)] == [each[-1] for each in stored]
