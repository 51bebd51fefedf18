"""Probes that users declare in TOML.

[[probe]]
target = "my_package.planner:MyPlanner.search"
component = "planner"
name = "planner.search"
level = "normal"
"""

from __future__ import annotations

import sys
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Mapping, Sequence, Tuple, Union

from nutrace.errors import ProbeError
from nutrace.probes.probe import Probe
from nutrace.text_file import read_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_KEYS = {"target": str, "component": str, "name": str, "level": str, "subclasses": bool, "until": str}


def read_probe_file(path: Union[str, PathLike[str]]) -> Tuple[Probe, ...]:
    """The probes of the ``[[probe]]`` tables of the TOML file at `path`.

    Raises
    ------
    ProbeError
        If the file cannot be read or is not TOML, or if a declaration is wrong.
    """
    where = fspath(path)
    try:
        content = tomllib.loads(read_text(path))
    except OSError as error:
        raise ProbeError(f"{where}: cannot read the probe file: {error.strerror}") from error
    except ValueError as error:  # it is not UTF-8, or not TOML
        raise ProbeError(f"{where}: not a TOML file: {error}") from error
    unknown = sorted(content.keys() - {"probe"})
    if unknown:
        raise ProbeError(f"{where}: unknown key {unknown[0]!r}: declare probes as [[probe]] tables")
    return read_probe_tables(content.get("probe", ()), f"{where}: [[probe]]")


def read_project(folder: Path) -> Tuple[Probe, ...]:
    """The probes of the ``[[tool.nutrace.probes]]`` tables of the nearest pyproject.toml.

    As with the settings, only the nearest one is read. One that is not valid TOML declares no probes.

    Raises
    ------
    ProbeError
        If a declaration is wrong.
    """
    for parent in (folder, *folder.parents):
        file = parent / "pyproject.toml"
        try:
            text = read_text(file)
        except (OSError, ValueError):
            continue
        # Most projects declare no probes, and need not parse their file at each start.
        tables = _project_tables(text) if "nutrace" in text else ()
        return read_probe_tables(tables, f"{file}: [[tool.nutrace.probes]]")
    return ()


def _project_tables(text: str) -> Any:
    try:
        table = tomllib.loads(text).get("tool", {}).get("nutrace", {})
    except tomllib.TOMLDecodeError:
        return ()
    tables = table.get("probes", ()) if isinstance(table, dict) else ()
    return () if isinstance(tables, str) else tables  # a string is the setting: the name of a file


def read_probe_tables(tables: Sequence[Mapping[str, Any]], where: str) -> Tuple[Probe, ...]:
    """The probes that `tables` declare; an error says `where` the tables are, and which of them is wrong.

    Raises
    ------
    ProbeError
        If a table lacks its target or has an unknown key or a value of the wrong type.
    """
    if not isinstance(tables, (list, tuple)) or not all(isinstance(table, Mapping) for table in tables):
        raise ProbeError(f"{where}: not a list of tables: write it with two brackets, [[...]]")
    return tuple(_probe(table, f"{where} number {number}") for number, table in enumerate(tables, start=1))


def _probe(table: Mapping[str, Any], where: str) -> Probe:
    for key, value in table.items():
        if key not in _KEYS:
            raise ProbeError(f"{where}: unknown key {key!r}: use {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            raise ProbeError(f"{where}: {key} is {value!r}: it has to be a {_KEYS[key].__name__}")
    if "target" not in table:
        raise ProbeError(f'{where}: no target: write target = "package.module:Class.method"')
    try:
        return replace(Probe(table["target"]), **table)
    except ProbeError as error:
        raise ProbeError(f"{where}: {error}") from error
