"""The list of commands: ``nutrace --help``, the dispatcher and the README's table come from it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class Command:
    """A row of the list: the word typed, its module, and one line of help.

    The module has ``configure(parser)``, which adds arguments, and ``run(args) -> int``, which
    returns the exit code or raises :class:`nutrace.errors.NutraceError`.
    """

    name: str
    module: str
    help: str

    def load(self) -> ModuleType:
        """Import the module; only the command that runs is imported."""
        return importlib.import_module(self.module)


COMMANDS = (
    Command("run", "nutrace.cli.run", "run a program under nutrace, options as flags"),
    Command("report", "nutrace.cli.report", "what each component costs per step"),
    Command("flamegraph", "nutrace.cli.flamegraph", "draw a run: HTML, speedscope, SVG, collapsed, Chrome"),
    Command("cprofile", "nutrace.cli.cprofile", "why cProfile's counts differ from the true ones"),
    Command("deepcopy", "nutrace.cli.deepcopy", "who copies, what, how much, inside or outside the steps"),
    Command("sql", "nutrace.cli.sql", "what the database really does: statements, repeats, plans, indexes"),
    Command("index", "nutrace.cli.index", "the indexes that a run's statements lack: shown, made, dropped"),
    Command("speedups", "nutrace.cli.speedups", "what makes runs faster: listed, or what it did in a run"),
    Command("verify", "nutrace.cli.verify", "whether speedups change anything: a program with and without"),
    Command("probes", "nutrace.cli.probes", "list the probes, check them against the installed devkit"),
    Command("synth", "nutrace.cli.synth", "write a synthetic nuPlan log and maps"),
    Command("demo", "nutrace.cli.demo", "trace a simulation now: no devkit, no data set"),
)
