"""Compare the records of two runs: the first difference of each simulation and of each file."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from nutrace.errors import VerificationError
from nutrace.verify.difference import ABSENT, Difference, first
from nutrace.verify.files import LOGS
from nutrace.verify.record import LATER, SUFFIX, WITHOUT_RUNNER

_NOTHING = b""
_END = b'{"end"'
_FILES = "files.jsonl"


class CutShortError(VerificationError):
    """A record was not written to its end."""


@dataclass
class Compared:
    """What was compared, and the differences.

    Parameters
    ----------
    differences:
        The first difference of each simulation and then of each file, if it has one.
    scenarios, steps, files, values:
        Numbers of what was compared.
    failed:
        Number of simulations that failed in the same way in both runs.
    skipped:
        By name, the reason for each file that was not compared.
    opaque:
        By type, the number of values that showed nothing to compare.
    """

    differences: List[Difference] = field(default_factory=list)
    scenarios: int = 0
    steps: int = 0
    files: int = 0
    values: int = 0
    failed: int = 0
    skipped: Dict[str, str] = field(default_factory=dict)
    opaque: Dict[str, int] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def compare(stock: Path, changed: Path) -> Compared:
    """Compare the records in two folders.

    Raises
    ------
    CutShortError
        If a record has no end, or says that not everything could be noted.
    """
    for end in (*ends(stock), *ends(changed)):
        if end["faults"]:
            raise CutShortError(f"not everything could be noted: {end['faults'][0]}")
    result = Compared()
    ours, theirs = _simulations(stock), _simulations(changed)
    for where in sorted({*ours, *theirs}):
        mine, other = ours.get(where), theirs.get(where)
        if mine is None or other is None:
            presence = ("simulated", ABSENT) if mine else (ABSENT, "simulated")
            result.differences.append(Difference(_named(where), None, "simulation", "", *presence))
        else:
            _simulation(_named(where), mine, other, result)
    _compare_files(stock / _FILES, changed / _FILES, result)
    return result


def ends(folder: Path) -> Iterator[Dict[str, Any]]:
    """Yield the last line of each record: how the simulation ended, and with which speedups.

    Raises
    ------
    CutShortError
        If a record has no such line.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        line = _NOTHING
        for line in _lines(path):  # noqa: B007
            pass
        if not line.startswith(_END):
            raise CutShortError(f"{path} has no end: its process ended while it simulated")
        yield json.loads(line)


_Key = Tuple[str, str, str, str, int]


def _simulations(folder: Path) -> Dict[_Key, Path]:
    """The record of each simulation, by scenario and planner, numbered in order if they repeat."""
    begun = []
    for path in folder.glob(f"*{SUFFIX}"):
        head = json.loads(next(_lines(path)))
        identity = head["simulation"]
        key = identity["log"], identity["type"], identity["scenario"], identity["planner"]
        begun.append((head["began_ns"], path.name, key, path))
    paths: Dict[_Key, Path] = {}
    earlier: Counter[Tuple[str, str, str, str]] = Counter()
    for _, _, key, path in sorted(begun):
        paths[(*key, earlier[key])] = path
        earlier[key] += 1
    return paths


def _named(key: _Key) -> str:
    log, kind, token, planner, number = key
    named = f"scenario {token} ({kind}) of {log}" + (f" with {planner}" if planner else "")
    return f"{named}, number {number + 1}" if number else named


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a record.

    Raises
    ------
    CutShortError
        If the record is empty, or its compressed data is incomplete.
    """
    empty = True
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                empty = False
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile, OSError):
        raise CutShortError(f"{path} is cut short: its process ended while it simulated") from None
    if empty:
        raise CutShortError(f"{path} is empty: its process ended when it began to simulate")


def _simulation(where: str, stock: Path, changed: Path, result: Compared) -> None:
    result.scenarios += 1
    ours, theirs = _lines(stock), _lines(changed)
    next(ours), next(theirs)
    for mine, other in zip(ours, theirs):
        if mine == other and not mine.startswith(_END):
            continue
        different = _difference(where, (stock, _load(mine)), (changed, _load(other)), result)
        if different is not None:
            result.differences.append(different)
        return  # later differences may follow from this one


def _load(line: bytes) -> Any:
    return json.loads(line) if line else None


_Side = Tuple[Path, Any]  # a record, and one of its lines


def _difference(where: str, mine: _Side, other: _Side, result: Compared) -> Optional[Difference]:
    """The difference between two lines with the same number in both records."""
    sides = (mine, other)
    lines = [line for _, line in sides]
    if all("end" in line for line in lines):
        return _ends(where, lines[0], lines[1], result)
    later = [line for line in lines if line.get("part", "").endswith(LATER)]
    if later and len(later) + sum("end" in line for line in lines) == len(lines):
        earliest = min(later, key=lambda line: (line["step"], line["part"]))
        values = [_in_the_end(path, line, earliest) for path, line in sides]
        return Difference(where, earliest["step"], earliest["part"], *first(*values))
    if any("end" in line for line in lines):
        longer = next(line for line in lines if "end" not in line)
        states = [f"ended: {line['end']}" if "end" in line else "went on" for line in lines]
        return Difference(where, longer["step"], longer["part"], "", *states)
    if (lines[0]["step"], lines[0]["part"]) != (lines[1]["step"], lines[1]["part"]):
        places = [f"step {line['step']}, {line['part']}" for line in lines]
        return Difference(where, lines[0]["step"], lines[0]["part"], "", *places)
    return Difference(where, lines[0]["step"], lines[0]["part"], *first(*(line["value"] for line in lines)))


def _in_the_end(path: Path, line: Any, wanted: Any) -> Any:
    """The value of the part `wanted` when the simulation ended.

    A record repeats a part at its end only if it has changed since its step; otherwise the value noted at
    the step still holds.
    """
    if (line.get("step"), line.get("part")) == (wanted["step"], wanted["part"]):
        return line["value"]
    head = f'{{"step":{wanted["step"]},"part":{json.dumps(wanted["part"][: -len(LATER)])},'.encode("ascii")
    return next((_load(each)["value"] for each in _lines(path) if each.startswith(head)), f"q{ABSENT}")


def _ends(where: str, mine: Any, other: Any, result: Compared) -> Optional[Difference]:
    result.steps += mine["steps"]
    result.values += mine["values"]
    for name, count in mine["opaque"].items():
        result.opaque[name] = result.opaque.get(name, 0) + count
    if mine["end"] != other["end"]:
        return Difference(where, None, "end", "", mine["end"], other["end"])
    result.failed += mine["end"] not in ("finished", WITHOUT_RUNNER)
    return None


def _compare_files(stock: Path, changed: Path, result: Compared) -> None:
    ours, theirs = _files(stock), _files(changed)
    for key in sorted({*ours, *theirs}):
        mine, other = ours.get(key, _NOTHING), theirs.get(key, _NOTHING)
        name = key[0]
        values = [_load(each) for each in (mine, other)]
        if mine == other:
            if "skipped" in values[0]:
                result.skipped[name] = values[0]["skipped"]
            else:
                result.files += 1
                result.values += values[0]["values"]
            continue
        absent_log = None in values and name.endswith(LOGS)
        if not absent_log and all(each is None or "skipped" in each for each in values):
            result.skipped[name] = next(each["skipped"] for each in values if each)
            continue
        result.files += 1
        if None in values:
            presence = ["there" if each else ABSENT for each in values]
            result.differences.append(Difference(name, None, "file", "", *presence))
        elif any("skipped" in each for each in values):
            states = [each.get("skipped", "readable") for each in values]
            result.differences.append(Difference(name, None, "file", "", *states))
        else:
            field_and_values = first(*(each["value"] for each in values))
            result.differences.append(Difference(name, None, "", *field_and_values))


def _files(path: Path) -> Dict[Tuple[str, int], bytes]:
    """The line of each file, by name and number; names that differ only in the time count as equal."""
    lines: Dict[Tuple[str, int], bytes] = {}
    earlier: Counter[str] = Counter()
    for line in path.read_bytes().splitlines() if path.exists() else ():
        name = json.loads(line)["file"]
        lines[name, earlier[name]] = line
        earlier[name] += 1
    return lines
