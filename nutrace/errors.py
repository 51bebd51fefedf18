"""Errors that a user can cause. Each has a message of one line that says what to do, and an exit code.

The command line prints ``nutrace: error: <message>`` and exits with ``exit_code``. Any other exception that
reaches a user is a fault of nutrace.
"""

from __future__ import annotations

from typing import Iterable


class NutraceError(Exception):
    """Base of every error that nutrace raises on purpose; exit code 1.

    >>> try:
    ...     nutrace.load("runs/mine.json")
    ... except nutrace.NutraceError as error:
    ...     print(error, "(exit code", error.exit_code, "on the command line)")
    runs/mine.json does not exist; did you mean runs/new.json? (exit code 3 on the command line)
    """

    exit_code = 1


class DifferenceError(NutraceError):
    """The outputs with speedups differ from those without; exit code 1."""


class PushError(NutraceError):
    """Not all spans that were sent to a server arrived; exit code 1."""

    exit_code = 1


class UsageError(NutraceError):
    """A bad option or argument (unknown format, bad ``--steps``); exit code 2."""

    exit_code = 2


class InputError(NutraceError):
    """A file is missing, unreadable, empty, binary or not a trace; exit code 3."""

    exit_code = 3


class EmptyTraceError(InputError):
    """A trace file can be read, and has no spans; exit code 4."""

    exit_code = 4


class OutputError(NutraceError):
    """An output cannot be written (permission, full disk, a directory); exit code 5."""

    exit_code = 5


class SettingsError(NutraceError):
    """An unknown NUTRACE_* variable, an unknown key, a bad value; exit code 6."""

    exit_code = 6


class ProbeError(NutraceError):
    """A probe declaration is wrong (bad target, unknown component); exit code 7."""

    exit_code = 7


class MissingDependencyError(NutraceError):
    """An optional package or the devkit is not installed; exit code 8."""

    exit_code = 8


class VerificationError(NutraceError):
    """A run cannot be verified: it failed, simulated nothing, or ran without the speedup; exit code 9."""

    exit_code = 9


class BenchError(NutraceError):
    """A program that ``nutrace bench`` runs fails too often; exit code 10."""

    exit_code = 10


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The end of a message on a word that is not known: ``; did you mean report?``.

    If nothing that is known is written alike, it is `otherwise`.
    """
    from difflib import get_close_matches  # here, as traced processes import this module

    spelled = {name.lower(): name for name in reversed(list(known))}
    near = get_close_matches(word[:_LONGEST_WORD].lower(), spelled, 1)
    return f"; did you mean {spelled[near[0]]}?" if near else otherwise


_LONGEST_WORD = 200
