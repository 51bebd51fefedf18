"""The line that says how far a simulation is, in a kernel, in a terminal and in other processes."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, List, NamedTuple, Tuple

import pytest
from fakes.programs import environment
from fakes.terminals import read_all

from nutrace.synthetic import LogSpec, write_log

pytest.importorskip("IPython")
manager = pytest.importorskip("jupyter_client.manager")
pytest.importorskip("ipykernel")

_SIMULATION = """
from nutrace.session import instrument
from nutrace.demo.probes import PROBES
instrument().engine.add(PROBES)
from nutrace.demo.miniature.config import compose, group
from nutrace.demo.miniature.runner import SequentialWorker, _run, build_runner
from nutrace.demo.miniature.scenario import ScenarioBuilder
config = compose(["scenario.frames=61"])
[scenario] = ScenarioBuilder({log!r}).get_scenarios(group(config, "scenario"), 2.0)
SequentialWorker().map(_run, [build_runner(scenario, config, "out") for _ in range(3)])
"""
_STEPS = """
import os, time, nutrace
def simulate():
    for _ in range(2):
        with nutrace.span("simulation.run"):
            for index in range(20):
                with nutrace.span("simulation.step"):
                    time.sleep(0.02)
"""
_IN_CHILDREN = f"""{_STEPS}
children = []
for _ in range(2):
    children.append(os.fork())
    if not children[-1]:
        simulate()
        nutrace.uninstrument()
        os._exit(0)
for child in children:
    os.waitpid(child, 0)
"""


class Shown(NamedTuple):
    """What a kernel tells a notebook to show."""

    kind: str
    at_s: float
    display: str
    text: str
    html: str


class Notebook:
    """A kernel, and the cells that were run in it."""

    def __init__(self, folder: Path) -> None:
        self._kernel, self._client = manager.start_new_kernel(cwd=str(folder), env=environment())

    def cell(self, code: str) -> List[Shown]:
        """Run a cell."""
        asked = self._client.execute(code)
        shown = []
        while True:
            message = self._client.get_iopub_msg(timeout=120)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != asked:
                continue
            if kind == "status" and content["execution_state"] == "idle":
                return shown
            assert kind != "error", content
            if kind in ("display_data", "update_display_data"):
                data = content["data"]
                where = content.get("transient", {}).get("display_id", "")
                text = data["text/plain"], data.get("text/html", "")
                shown.append(Shown(kind, time.monotonic(), where, *text))

    def close(self) -> None:
        """End the kernel."""
        self._client.stop_channels()
        self._kernel.shutdown_kernel(now=True)


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    made = Notebook(tmp_path)
    try:
        made.cell("%load_ext nutrace")
        yield made
    finally:
        made.close()


def _lines(shown: List[Shown]) -> Tuple[List[Shown], Shown]:
    """The updates of the one line, and what it says in the end."""
    lines = [each for each in shown if not each.html]
    assert [each.kind for each in lines] == ["display_data"] + ["update_display_data"] * (len(lines) - 1)
    assert len({each.display for each in lines}) == 1
    return lines[:-1], lines[-1]


def test_a_kernel_shows_one_line_that_is_updated(tmp_path: Path, notebook: Notebook) -> None:
    log = str(tmp_path / "log.db")
    write_log(log, LogSpec(seconds=27, agents=20, traffic_lights=23))
    shown = notebook.cell(f"%%nutrace --no-flamegraph\n{_SIMULATION.format(log=log)}")
    updates, last = _lines(shown)
    pattern = r"scenario [123] of 3 · step \d+ · [\d.,]+ ms a step \([\d.]+x\) · \d\d:\d\d"
    assert any(re.fullmatch(pattern, each.text) for each in updates), updates
    assert re.fullmatch(r"traced 3 scenarios · 180 steps · \d\d:\d\d", last.text)
    # Nothing of the display is traced; a collection may strike on any thread.
    notebook.cell("assert len({s.thread for s in trace if s.component != 'gc'}) == 1, trace.threads")
    [card] = [each for each in shown if each.html]
    assert shown.index(card) == len(shown) - 1


@pytest.mark.parametrize("name", ["run.json", "run.json.gz"])
def test_other_processes_are_counted(notebook: Notebook, name: str) -> None:
    updates, last = _lines(notebook.cell(f"%%nutrace -o {name} --no-flamegraph\n{_IN_CHILDREN}"))
    texts = [each.text for each in updates]
    pattern = r"\d scenarios? over, 2 running · \d+ steps · [\d.,]+ ms a step · \d\d:\d\d"
    assert any(re.fullmatch(pattern, text) for text in texts), texts
    assert re.fullmatch(r"traced 4 scenarios · 80 steps · \d\d:\d\d", last.text)


def test_a_cell_that_simulates_nothing_has_no_line(notebook: Notebook) -> None:
    shown = notebook.cell(
        "%%nutrace --no-flamegraph\nimport nutrace, time\nwith nutrace.span('x'): time.sleep(1)"
    )
    assert [bool(each.html) for each in shown] == [True]


_IN_TERMINAL = f"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("%load_ext nutrace")
shell.run_cell('''%%nutrace --no-flamegraph
{_STEPS}
simulate()''').raise_error()
"""


def test_a_terminal_shows_the_line_in_place(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_TERMINAL], cwd=tmp_path, stderr=theirs, stdout=subprocess.DEVNULL,
        env=environment(),
    )  # fmt: skip
    os.close(theirs)
    written = read_all(ours).decode()
    os.close(ours)
    assert process.wait(60) == 0, written
    *meanwhile, last = [line.strip() for line in written.split("\r") if line.strip()]
    line = r"scenario [12] · step \d+ · [\d.,]+ ms a step · \d\d:\d\d"
    assert any(re.fullmatch(line, each) for each in meanwhile)  # between two scenarios it says something else
    assert re.fullmatch(r"traced 2 scenarios · 40 steps · \d\d:\d\d", last)
    assert written.count("\n") == 1
