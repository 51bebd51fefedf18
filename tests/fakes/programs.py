"""Start programs, traced through the start-up file like a user's program."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from nutrace.trace import Diagnostics, SpanView, Trace, load

TIMEOUT_S = 90  # pytest ends a test after 120 s, and would not say what the program printed

#: Names of run files, of which the second makes the run's files compressed.
OUTPUTS = ("run.json", "run.json.gz")

#: The counts of a :class:`Diagnostics` that are zero if nothing was lost.
LOSSES = tuple(name for name, kind in Diagnostics.__annotations__.items() if kind == "int")


@dataclass
class Ended:
    """A program that has ended."""

    folder: Path
    code: int
    out: str
    err: str
    output: str = "run.json"

    @property
    def trace(self) -> Trace:
        """Its run file."""
        return load(self.folder / self.output)

    @property
    def files(self) -> list[str]:
        """The names of the files that nutrace wrote."""
        return sorted(file.name for file in self.folder.iterdir() if file.name.startswith("run"))


def environment(**variables: Optional[str]) -> Dict[str, str]:
    """This process's environment without settings of nutrace, and with `variables` (None: absent)."""
    kept = {
        key: text
        for key, text in os.environ.items()
        if not key.startswith(("NUTRACE", "OTEL_", "COVERAGE", "PYTEST"))
    }
    kept.update({key: text for key, text in variables.items() if text is not None})
    return kept


def write(folder: Path, source: str, name: str = "program.py") -> Path:
    """Write a program; indented source is dedented."""
    file = folder / name
    file.write_text(textwrap.dedent(source), encoding="utf-8")
    return file


def start(
    folder: Path, arguments: Sequence[str], *, traced: bool = True, **options: Any
) -> subprocess.Popen[str]:
    """Start ``python arguments`` in `folder`; `variables` go to its environment, `output` is its run file."""
    output = {"NUTRACE_OUTPUT": options.pop("output")} if "output" in options else {}
    variables = {"NUTRACE": "1" if traced else None, **output, **options.pop("variables", {})}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=environment(**variables), text=True, **options
    )


def run(folder: Path, source: str, **options: Any) -> Ended:
    """Run `source` to its end as ``python program.py``."""
    process = start(folder, [write(folder, source).name], **options)
    return finish(folder, process, options.get("output", "run.json"))


def finish(folder: Path, process: subprocess.Popen[str], output: str = "run.json") -> Ended:
    """Wait for a program; fail if it does not end in 90 s."""
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the program hangs; it printed {out!r} and {err!r}") from None
    return Ended(folder, process.returncode, out or "", err or "", output)


def text_in(file: Path) -> bytes:
    """What is in a file of a run, of which all lines are whole; decompressed if it is."""
    data = file.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def counts(trace: Trace) -> Counter[str]:
    """Calls by span name, without copies, pickles and garbage collections, which come by themselves."""
    by_name: Counter[str] = Counter()
    for name, component, calls in zip(trace.name, trace.component, trace.calls):
        if component not in ("deepcopy", "gc"):
            by_name[name] += calls
    return by_name


def without_collections(trace: Trace) -> List[SpanView]:
    """The spans, without garbage collections, which may strike anywhere."""
    return [span for span in trace if span.component != "gc"]


def losses(trace: Trace) -> Dict[str, int]:
    """The counts of lost spans that are not zero; empty if nothing was lost."""
    return {name: getattr(trace.diagnostics, name) for name in LOSSES if getattr(trace.diagnostics, name)}


def path_to(trace: Trace, name: str) -> list[str]:
    """The names of the spans from the root to the first span called `name`."""
    node = next(span for span in trace if span.name == name)
    names = [node.name]
    while node.parent is not None:
        node = node.parent
        names.insert(0, node.name)
    return names
