"""The list of commands, from which ``nutrace --help``, the dispatcher and the README's table are made."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

from nutrace_exporters.registry import FORMATS


@dataclass(frozen=True)
class Command:
    """One command: the word that a user types, its module, and one line of help.

    The module has ``configure(parser)``, which adds arguments, and ``run(args) -> int``, which
    returns the exit code or raises :class:`nutrace.errors.NutraceError`.
    """

    name: str
    module: str
    help: str

    def load(self) -> ModuleType:
        """Import the module; done only for the command that runs."""
        return importlib.import_module(self.module)


COMMANDS = (
    Command("run", "nutrace.cli.run", "run a program under nutrace, options as flags"),
    Command("report", "nutrace.cli.report", "what each component costs per step"),
    Command("scenarios", "nutrace.cli.scenarios", "a row a scenario: steps, times, worker, memory, outcome"),
    Command("workers", "nutrace.cli.workers", "what each worker did, and what more or fewer would take"),
    Command("overhead", "nutrace.cli.overhead", "what nutrace itself cost, by event, component and step"),
    Command("flamegraph", "nutrace.cli.flamegraph", "draw a run: " + ", ".join(row.name for row in FORMATS)),
    Command("export", "nutrace.cli.export", "convert many runs: Parquet tables for queries, or drawings"),
    Command("compare", "nutrace.cli.compare", "what changed between runs, with limits for CI"),
    Command("bench", "nutrace.cli.bench", "run a program under several variants, and compare them"),
    Command("suggest", "nutrace.cli.suggest", "which functions are worth a probe: a file for NUTRACE_PROBES"),
    Command("cprofile", "nutrace.cli.cprofile", "why cProfile's counts differ from the true ones"),
    Command("deepcopy", "nutrace.cli.deepcopy", "who copies what, how much, in the steps or outside"),
    Command("sql", "nutrace.cli.sql", "what the database does: statements, repeats, plans, indexes"),
    Command("index", "nutrace.cli.index", "show, make or drop the indexes that a run's statements lack"),
    Command("advise", "nutrace.cli.advise", "what is worth doing, what it would bring, how to prove it"),
    Command("whatif", "nutrace.cli.whatif", "which time follows if parts take less, or with more workers"),
    Command("speedups", "nutrace.cli.speedups", "list what makes runs faster, or show what it did in a run"),
    Command("join", "nutrace.cli.join", "put files and shards of one run together, from several machines"),
    Command("history", "nutrace.cli.history", "step time and counts over the git revisions of many runs"),
    Command("push", "nutrace.cli.push", "send a run's spans to an OpenTelemetry collector, Jaeger or Tempo"),
    Command("verify", "nutrace.cli.verify", "run a program with and without speedups, compare the results"),
    Command("probes", "nutrace.cli.probes", "list the probes, or check them against the installed devkit"),
    Command("synth", "nutrace.cli.synth", "write a synthetic nuPlan log and maps"),
    Command("demo", "nutrace.cli.demo", "trace a simulation now: no devkit, no data set"),
)

#: What a user wants to do, and the commands for it, in the order of the help.
WISHES = (
    ("Record a run", ("demo", "run", "probes", "synth")),
    ("See where the time goes", ("report", "flamegraph", "scenarios", "workers", "overhead")),
    ("Find what to change", ("advise", "sql", "deepcopy", "suggest", "cprofile", "whatif")),
    ("Change it, and prove it", ("index", "speedups", "verify", "bench")),
    ("Many runs", ("compare", "history", "export", "join", "push")),
)

#: The commands that print text which may be long, all at once: in a terminal it goes through a pager.
LISTING = frozenset(
    (
        *("report", "scenarios", "workers", "overhead", "compare", "suggest", "cprofile", "deepcopy", "sql"),
        *("advise", "whatif", "speedups", "history", "probes"),
    )
)
