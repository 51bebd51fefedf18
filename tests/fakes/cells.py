"""Cells of a notebook, executed: what they print."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import subprocess
import sys
from typing import Any, Dict, List

_SHELL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell = InteractiveShell.instance()
said = []
for cell in json.load(sys.stdin):
    with capture_output() as shown:
        shell.run_cell(cell).raise_error()
    printed = shown.stdout.strip()
    said.append(printed.partition("]: ")[2] if printed.startswith("Out[") else printed)
print(json.dumps(said))
"""


def in_ipython(cells: List[str]) -> List[str]:
    """What IPython, in a process of its own, prints for each cell; HTML is not among it."""
    done = subprocess.run(
        [sys.executable, "-c", _SHELL], input=json.dumps(cells), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr + done.stdout
    said: List[str] = json.loads(done.stdout)
    return said


def in_python(cell: str, names: Dict[str, Any]) -> str:
    """What a cell prints here, and the value of its last line, without blanks at the ends of lines."""
    module = ast.parse(cell)
    last = module.body.pop() if isinstance(module.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(module, "<cell>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
            if value is not None:
                print(repr(value))
    return "\n".join(line.rstrip() for line in printed.getvalue().strip("\n").splitlines())
