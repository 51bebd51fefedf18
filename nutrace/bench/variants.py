"""The variants of a benchmark: what each changes in the command that is run."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import Dict, FrozenSet, List, Mapping, Sequence, Tuple

from nutrace.bench.folder import RESERVED
from nutrace.errors import SettingsError, UsageError
from nutrace.printable import printable
from nutrace.recording.command_line import without_secrets
from nutrace.speedups.registry import VARIABLE, chosen

FORM = "NAME, NAME:SPEEDUPS, NAME:VARIABLE=VALUE or 'NAME:-- OTHER COMMAND'"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}\Z")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
#: Variables that bench sets itself.
_OURS = ("NUTRACE", "NUTRACE_OUTPUT", "NUTRACE_PARENT", VARIABLE)


@dataclass(frozen=True)
class Variant:
    """One way to run the program.

    Attributes
    ----------
    speedups:
        As in ``NUTRACE_SPEEDUPS``; empty for none.
    environment:
        Variables that are set for it.
    command:
        What is run in the place of the command that follows ``--``; empty for that one.
    """

    name: str
    speedups: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    command: Tuple[str, ...] = ()

    @property
    def parts(self) -> FrozenSet[str]:
        """What it changes, apart from a whole other command: speedups with their options, and variables."""
        speedups = {f"{each.speedup.name} {each.options}" for each in chosen(self.speedups)}
        return frozenset(speedups | {f"{name}={value}" for name, value in self.environment.items()})

    @property
    def description(self) -> str:
        """What it changes, as it was typed, without what looks like a secret."""
        assigned = without_secrets(f"{name}={value}" for name, value in self.environment.items())
        words = [
            f"{name}={shlex.quote(value)}" for name, _, value in (each.partition("=") for each in assigned)
        ]
        words += [self.speedups] if self.speedups else []
        words += ["--", shlex.join(without_secrets(self.command))] if self.command else []
        return " ".join(words)


def parse_variant(text: str) -> Variant:
    """Read ``NAME[:[VARIABLE=VALUE ...] [SPEEDUPS] [-- COMMAND]]``, whose words are quoted as in a shell.

    Raises
    ------
    UsageError
        If the text has another form, or names speedups that there are not.
    """
    name, _, rest = text.partition(":")
    shown = printable(text, 100)
    if not _NAME.match(name) or name in RESERVED:
        reason = "is the name of a folder of bench" if name in RESERVED else "is no name"
        raise UsageError(f"--variant {shown}: {printable(name)!r} {reason}: use letters, digits, - and _")
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise UsageError(f"--variant {shown}: {str(error).lower()}") from None
    command: List[str] = []
    if "--" in words:
        at = words.index("--")
        words, command = words[:at], words[at + 1 :]
        if not command:
            raise UsageError(f"--variant {shown}: there is no command after --")
    assigned = [word for word in words if _ASSIGNMENT.match(word)]
    others = [word for word in words if word not in assigned]
    if len(others) > 1:
        raise UsageError(f"--variant {shown}: cannot read {printable(others[1])!r}: write {FORM}")
    environment: Dict[str, str] = {}
    for word in assigned:
        variable, _, value = word.partition("=")
        if variable in _OURS:
            raise UsageError(f"--variant {shown}: bench sets {variable} itself; speedups are written as such")
        environment[variable] = value
    speedups = others[0] if others else ""
    try:
        chosen(speedups)
    except SettingsError as error:
        raise UsageError(f"--variant {shown}: {str(error).partition(': ')[2] or error}") from None
    return Variant(name, speedups, environment, tuple(command))


def check(variants: Sequence[Variant]) -> None:
    """Check that every variant has a name of its own, and does something of its own.

    Raises
    ------
    UsageError
        If not, or if there is only one.
    """
    if len(variants) < 2:
        raise UsageError("a benchmark compares variants: give --variant twice or more times")
    by_name: Dict[str, Variant] = {}
    for variant in variants:
        if variant.name in by_name:
            raise UsageError(f"two variants are called {variant.name}: give each a name of its own")
        for other in by_name.values():
            if (variant.parts, variant.command) == (other.parts, other.command):
                raise UsageError(f"variants {other.name} and {variant.name} run the same: leave one out")
        by_name[variant.name] = variant


@dataclass(frozen=True)
class Combination:
    """A variant that changes what several others change one by one.

    Attributes
    ----------
    rest:
        What it changes besides, by name. With such a rest it cannot be compared with the sum of its parts.
    """

    whole: Variant
    parts: Tuple[Variant, ...]
    rest: Tuple[str, ...] = ()


def combinations(variants: Sequence[Variant]) -> List[Combination]:
    """The variants of which each changes what two or more others, taken together, change.

    The first variant is what all are compared with. Variants with a command of their own have no parts.
    """
    found: List[Combination] = []
    candidates = [each for each in variants[1:] if each.parts and not each.command]
    for whole in candidates:
        parts: List[Variant] = []
        rest = whole.parts
        # The largest first: of a, b, ab and c, abc is ab and c.
        for part in sorted(candidates, key=lambda each: -len(each.parts)):
            if part.parts < whole.parts and part.parts <= rest:
                parts.append(part)
                rest -= part.parts
        if len(parts) > 1 and not variants[0].parts and not variants[0].command:
            parts.sort(key=list(variants).index)
            names = tuple(sorted(part.partition(" ")[0] for part in rest))
            found.append(Combination(whole, tuple(parts), names))
    return found
