"""``%%nutrace`` in a real IPython."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("IPython")

_PROGRAM = """
import io, json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell = InteractiveShell.instance()
def cell(text):
    with capture_output() as shown:
        result = shell.run_cell(text)
    error = result.error_before_exec or result.error_in_exec
    kinds = [kind for output in shown.outputs for kind in output.data]
    print("|", type(error).__name__, error if error else "", kinds, shown.stdout.strip()[-300:])

cell("%load_ext nutrace")
cell("import nutrace\\n@nutrace.probe(component='planner')\\ndef plan(n):\\n    return sum(range(n))")
cell("%%nutrace\\nx = plan(10)\\nplan(20)")
def traced(name):  # collections may strike
    return [(span.name, span.calls) for span in shell.user_ns[name] if span.component == "planner"]

print("|", shell.user_ns["x"], traced("trace"))
cell("%%nutrace mine -o kept.json --no-flamegraph\\nplan(3)\\n1/0")
print("|", traced("mine"))
cell("%%nutrace\\ny = 1")
cell("%%nutrace two words\\nplan(1)")
cell("%%nutrace 1x\\nplan(1)")
cell("%%nutrace --level nothing\\nplan(1)")
sys.stderr, kept = None, sys.stderr
cell("%%nutrace\\nplan(1)")
sys.stderr = kept
cell("nutrace.instrument()")
cell("%%nutrace\\nplan(1)")
cell("nutrace.uninstrument()")
import os
os.environ.update(NUTRACE_LEVEL="coarse", NUTRACE_SQL_TEXT="0", NUTRACE_OUTPUT="other.json")
cell("%%nutrace set --no-flamegraph\\nplan(1)")
print("|", json.loads(shell.user_ns["set"].resources[0].attributes["nutrace.settings"]))
"""


def test_a_cell_is_traced_and_shown(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    said = [line[2:] for line in done.stdout.splitlines() if line.startswith("| ")]
    (
        loaded,
        defined,
        shown,
        values,
        failed,
        mine,
        nothing,
        words,
        name,
        level,
        no_stderr,
        _,
        twice,
        _,
        _,
        of_set,
    ) = said
    assert loaded.startswith("NoneType"), loaded
    assert defined.startswith("NoneType"), defined
    assert shown.count("text/html") == 2
    assert values == "45 [('plan', 2)]"
    assert failed.startswith("ZeroDivisionError")
    assert failed.count("text/html") == 1
    assert mine == "[('plan', 1)]"
    assert (tmp_path / "kept.json").is_file()
    assert "nothing of this cell was traced" in nothing
    assert words.startswith("UsageError %%nutrace: unrecognized arguments: words")
    assert name.startswith("UsageError %%nutrace: '1x' cannot be a variable's name")
    assert "SettingsError" in level
    assert no_stderr.startswith("NoneType"), no_stderr
    assert no_stderr.count("text/html") == 2
    assert "traced already" in twice
    assert "'level': 'coarse'" in of_set  # settings hold for cells, too, but for where the file is
    assert "'sql_text': False" in of_set
    assert not (tmp_path / "other.json").exists()
