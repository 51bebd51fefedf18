"""Probes as tables of a TOML file."""

from __future__ import annotations

from typing import List

from nutrace.printable import LINE, printable
from nutrace.probes.probe import Probe


def table(probe: Probe) -> str:
    """A ``[[probe]]`` table, for :func:`nutrace.probes.catalogue.user_file.read_probe_file`."""
    lines = ["[[probe]]", f"target = {_quoted(probe.target)}", f"component = {_quoted(probe.component)}"]
    if probe.name is not None:
        lines.append(f"name = {_quoted(probe.name)}")
    if probe.level != "normal":
        lines.append(f"level = {_quoted(probe.level)}")
    if probe.subclasses:
        lines.append("subclasses = true")
    if probe.until is not None:
        lines.append(f"until = {_quoted(probe.until)}")
    return "\n".join(lines) + "\n"


def comment(text: str) -> str:
    """A line of a comment. A comment may hold any text but control characters, and ends with the line."""
    return f"# {printable(text, LINE)}".rstrip()


def commented(lines: str) -> List[str]:
    """Lines that are switched off."""
    return [f"# {line}".rstrip() for line in lines.splitlines()]


def _quoted(text: str) -> str:
    """A string in ASCII: standard output may have an encoding that lacks a letter of a name."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    return char if " " <= char <= "~" and char not in '"\\' else f"\\U{ord(char):08x}"
