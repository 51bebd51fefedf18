"""Errors that a user can cause: each is one line that says what to do, and an exit code.

The command line prints ``nutrace: error: <message>`` and leaves with ``exit_code``.
Anything that is not a :class:`NutraceError` is a fault of ours.
"""

from __future__ import annotations


class NutraceError(Exception):
    """Base of every error that nutrace raises on purpose; exit code 1."""

    exit_code = 1


class DifferenceError(NutraceError):
    """Outputs that differ with speedups from those without; exit code 1."""


class UsageError(NutraceError):
    """A bad option or argument (unknown format, bad ``--steps``); exit code 2."""

    exit_code = 2


class InputError(NutraceError):
    """A file that is missing, unreadable, empty, binary or not a trace; exit code 3."""

    exit_code = 3


class EmptyTraceError(InputError):
    """A readable trace file without a single span; exit code 4."""

    exit_code = 4


class OutputError(NutraceError):
    """An output that cannot be written (permission, full disk, a directory); exit code 5."""

    exit_code = 5


class SettingsError(NutraceError):
    """An unknown NUTRACE_* variable, an unknown key, a bad value; exit code 6."""

    exit_code = 6


class ProbeError(NutraceError):
    """A probe declaration that cannot be right (bad target, unknown component); exit code 7."""

    exit_code = 7


class MissingDependencyError(NutraceError):
    """An optional package or the devkit is not installed; exit code 8."""

    exit_code = 8


class VerificationError(NutraceError):
    """A run that cannot be verified: it failed, simulated nothing, or lacked the speedup; exit code 9."""

    exit_code = 9
