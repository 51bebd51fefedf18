"""nutrace, as its report and its table of statements say it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict

from truth.tools.tool import Said, Seen, Tool

#: Spans that are not named as the functions are.
_FUNCTIONS = {"simulation.step": "step", "copy.deepcopy": "deepcopy"}


class Nutrace(Tool):
    """Started by the environment, like a user's program; read through ``--json``, like a user's script."""

    name = "nutrace"
    title = "nutrace"
    meaning = (
        "Wall time between a probe's two clock readings, without the probed functions that it calls and "
        "without nutrace's own time; every call is counted. Only probed functions are seen."
    )
    modules = ("nutrace",)
    #: Further words of the command.
    options: tuple[str, ...] = ()

    def variables(self, folder: Path) -> Dict[str, str]:
        return {"NUTRACE": "1", "NUTRACE_OUTPUT": str(folder / "run.json"), "NUTRACE_SUMMARY": "0"}

    def read(self, folder: Path, program: str) -> Said:
        if not (folder / "run.json").exists():  # nothing was recorded
            return Said()
        report = self._answer("report", folder)
        functions = {
            _FUNCTIONS.get(span["name"], span["name"]): Seen(
                span["calls"],
                span["self_ms"] * 1e6,
                span["total_ms"] * 1e6,
                span["p50_us"] * 1e3,
                span["p95_us"] * 1e3,
            )
            for span in report["spans"]
        }
        facts = {}
        if report["overhead"]["estimated_ms"] is not None:
            facts["own_ns"] = report["overhead"]["estimated_ms"] * 1e6
            facts["start_and_exit_ns"] = _start_and_exit_ns(folder)
        if report["steps"]["count"]:
            facts["step_p99_ns"] = report["steps"]["p99_ms"] * 1e6
            facts["step_mean_ns"] = report["steps"]["mean_ms"] * 1e6
        if "sqlite3.statement" in functions:
            for statement in self._answer("sql", folder)["statements"]:
                facts[f"statement: {statement_name(statement['statement'])}"] = statement["total_ms"] * 1e6
        return Said(functions, facts)

    def _answer(self, command: str, folder: Path) -> Dict[str, Any]:
        options = self.options if command == "report" else ()
        words = [
            sys.executable,
            "-m",
            "nutrace.cli.main",
            command,
            str(folder / "run.json"),
            "--json",
            *options,
        ]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=120)
        if ended.returncode:
            raise RuntimeError(f"nutrace {command} failed: {ended.stderr.strip()}")
        document: Dict[str, Any] = json.loads(ended.stdout)
        return document

    def probe(self, component: str = "other") -> Callable[[Any], Any]:
        import nutrace

        names = {function: span for span, function in _FUNCTIONS.items()}

        def decorate(function: Any) -> Any:
            name = names.get(function.__name__, function.__name__)
            return nutrace.probe(component=component, name=name)(function)

        return decorate


def _start_and_exit_ns(folder: Path) -> int:
    from nutrace import semconv
    from nutrace.trace import load

    attributes = load(folder / "run.json").resources[0].attributes
    return sum(attributes.get(f"{semconv.OWN_SPENT_NS}.{what}", 0) for what in ("start", "exit"))


def statement_name(text: str) -> str:
    """The name of one of the laboratory's queries: it is its table's; other statements are as they are."""
    for name in ("slow_execute", "slow_fetch"):
        if text.startswith("SELECT") and name in text:
            return name
    return text


TOOL = Nutrace()
