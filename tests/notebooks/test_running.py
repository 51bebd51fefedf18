"""The checks of notebooks see what they should."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any, Dict, Sequence

import nbformat
import pytest
from notebooks.running import dead_links, execute, faults, kinds, unasserted

TABLE = '<table class="dataframe"></table>'


def _notebook(*cells: str, outputs: Sequence[Dict[str, Any]] = ()) -> Any:
    v4 = nbformat.v4
    code = [v4.new_code_cell(cell) for cell in cells or ("1",)]
    code[0].outputs = [nbformat.from_dict(each) for each in outputs]
    return v4.new_notebook(cells=[v4.new_markdown_cell("# Why?"), *code])


def _stream(text: str, name: str = "stdout") -> Dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def _shown(**data: str) -> Dict[str, Any]:
    return {
        "output_type": "display_data",
        "data": {kind.replace("_", "/"): value for kind, value in data.items()},
        "metadata": {},
    }


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        ({"output_type": "error", "ename": "KeyError", "evalue": "7", "traceback": []}, "raises KeyError: 7"),
        (_stream("a warning", "stderr"), "stderr: a warning"),
        (_stream("in /root/notes.txt"), "/root/notes.txt"),
        (_stream("on testhost"), "this machine's"),
        (_shown(text_html="<b>1</b>"), "without words"),
        (_shown(text_html=TABLE, text_plain="0.1234567"), "not rounded"),
        (_shown(text_html="<iframe></iframe><iframe></iframe>", text_plain=""), "more than one interactive"),
    ],
)
def test_faults(output: Dict[str, Any], fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "testhost")
    (told,) = faults(_notebook(outputs=[output]))
    assert fault in told


def test_no_fault() -> None:
    fine = [
        _stream("wrote /tmp/run.json, 0.1234567 of /opt/nuplan/bin"),
        _shown(text_html=TABLE, text_plain="1.25"),
    ]
    assert faults(_notebook(outputs=fine)) == []


def test_a_title_that_asks_nothing() -> None:
    notebook = _notebook()
    notebook.cells[0].source = "# Introduction"
    assert faults(notebook) == ["the title is no question"]


def test_figures_that_nothing_checks() -> None:
    notebook = _notebook("assert calls == 705_871", "ratio < 2.55")
    notebook.cells.append(
        nbformat.v4.new_markdown_cell("## 1,050 objects\n705,871 calls, 12 `9999` and 2.5, 149 steps, 2.55")
    )
    assert unasserted(notebook) == ["2.5", "149"]


def test_dead_links() -> None:
    notebook = _notebook()
    notebook.cells[
        0
    ].source = "# [a](quickstart.ipynb) [b](../README.md#use) [c](gone.md) [d](https://x.org/y)"
    assert dead_links(notebook) == ["gone.md"]
    notebook.cells[
        0
    ].source = "# *inside_a_planner*, *gone_with_it*, the notebook `gone_too`, `no_name`, **no_name_either**?"
    assert dead_links(notebook) == ["gone_with_it.ipynb", "gone_too.ipynb"]


def test_kinds() -> None:
    streams = [_stream("a"), _stream("b"), _shown(text_plain="", text_html="", image_png=""), _stream("c")]
    assert kinds(streams) == ["stream", "text/plain", "stream"]


@pytest.mark.filterwarnings("default")  # jupyter_client and zmq warn
def test_outputs_name_no_folder_of_this_machine(tmp_path: Path) -> None:
    notebook = _notebook(
        "import os, sys, tempfile, nutrace\nprint(os.getcwd(), tempfile.mkdtemp(), sys.executable)",
        "print(nutrace.__file__, pow.__name__)",
    )
    execute(notebook, tmp_path, None)
    here, temporary, python = notebook.cells[1].outputs[0]["text"].split()
    assert here == "."
    assert temporary.startswith("/tmp/tmp")
    assert python.startswith("/opt/nuplan/bin/python")
    assert notebook.cells[2].outputs[0]["text"].startswith("/opt/nuplan/lib/python3.")
    assert faults(notebook) == []
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2]


@pytest.mark.filterwarnings("default")
def test_a_failing_assertion_fails(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="AssertionError"):
        execute(_notebook("assert 1 == 2"), tmp_path, None)
