"""Two runs' records, held against each other: the first difference of each simulation and file."""

from __future__ import annotations

import gzip
import json
import zlib
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
    """A record that was not written to its end."""


@dataclass
class Compared:
    """What was compared, and what came of it.

    Parameters
    ----------
    differences:
        The first of each simulation and file that differs; those of simulations first.
    scenarios, steps, files, values:
        How many were compared.
    failed:
        Simulations that failed, in both runs alike.
    skipped:
        Files that were not compared, with the reason.
    opaque:
        By type, how many values showed nothing to compare.
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
        If a record is not whole, or says that it is not complete.
    """
    for end in (*ends(stock), *ends(changed)):
        if end["faults"]:
            raise CutShortError(f"not everything could be noted: {end['faults'][0]}")
    result = Compared()
    ours, theirs = _simulations(stock), _simulations(changed)
    for where in sorted({*ours, *theirs}):
        mine, other = ours.get(where), theirs.get(where)
        if mine is None or other is None:
            there = ("simulated", ABSENT) if mine else (ABSENT, "simulated")
            result.differences.append(Difference(_named(where), None, "simulation", "", *there))
        else:
            _simulation(_named(where), mine, other, result)
    _compare_files(stock / _FILES, changed / _FILES, result)
    return result


def ends(folder: Path) -> Iterator[Dict[str, Any]]:
    """The last line of each record: how it ended, with which speedups.

    Raises
    ------
    CutShortError
        If a record has none.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        line = _NOTHING
        for line in _lines(path):  # noqa: B007
            pass
        if not line.startswith(_END):
            raise CutShortError(f"{path} has no end: its process was ended while it simulated")
        yield json.loads(line)


_Key = Tuple[str, str, str, str, int]


def _simulations(folder: Path) -> Dict[_Key, Path]:
    """The record of each simulation, by what it is of, and the how manieth of that."""
    begun = []
    for path in folder.glob(f"*{SUFFIX}"):
        head = json.loads(next(_lines(path)))
        identity = head["simulation"]
        key = identity["log"], identity["type"], identity["scenario"], identity["planner"]
        begun.append((head["began_ns"], path.name, key, path))
    found: Dict[_Key, Path] = {}
    for _, _, key, path in sorted(begun):
        number = sum(known[:4] == key for known in found)
        found[(*key, number)] = path
    return found


def _named(key: _Key) -> str:
    log, kind, token, planner, number = key
    named = f"scenario {token} ({kind}) of {log}" + (f" with {planner}" if planner else "")
    return f"{named}, number {number + 1}" if number else named


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a record.

    Raises
    ------
    CutShortError
        If there are none, or it stops within one.
    """
    some = False
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                some = True
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile, OSError):
        raise CutShortError(f"{path} is cut short: its process was ended while it simulated") from None
    if not some:
        raise CutShortError(f"{path} is empty: its process was ended when it began to simulate")


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
        return  # the rest is what came of it


def _load(line: bytes) -> Any:
    return json.loads(line) if line else None


_Side = Tuple[Path, Any]  # a record, and one of its lines


def _difference(where: str, mine: _Side, other: _Side, result: Compared) -> Optional[Difference]:
    """What two lines say that stand at the same place in both records."""
    sides = (mine, other)
    lines = [line for _, line in sides]
    if all("end" in line for line in lines):
        return _ends(where, lines[0], lines[1], result)
    later = [line for line in lines if line.get("part", "").endswith(LATER)]
    if later and len(later) + sum("end" in line for line in lines) == len(lines):
        found = min(later, key=lambda line: (line["step"], line["part"]))
        values = [_in_the_end(path, line, found) for path, line in sides]
        return Difference(where, found["step"], found["part"], *first(*values))
    if any("end" in line for line in lines):
        longer = next(line for line in lines if "end" not in line)
        said = [f"ended: {line['end']}" if "end" in line else "went on" for line in lines]
        return Difference(where, longer["step"], longer["part"], "", *said)
    if (lines[0]["step"], lines[0]["part"]) != (lines[1]["step"], lines[1]["part"]):
        there = [f"step {line['step']}, {line['part']}" for line in lines]
        return Difference(where, lines[0]["step"], lines[0]["part"], "", *there)
    return Difference(where, lines[0]["step"], lines[0]["part"], *first(*(line["value"] for line in lines)))


def _in_the_end(path: Path, line: Any, found: Any) -> Any:
    """A part as it was when the simulation ended: what is not said again is what it was at its step."""
    if (line.get("step"), line.get("part")) == (found["step"], found["part"]):
        return line["value"]
    head = f'{{"step":{found["step"]},"part":{json.dumps(found["part"][: -len(LATER)])},'.encode("ascii")
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
            there = ["there" if each else ABSENT for each in values]
            result.differences.append(Difference(name, None, "file", "", *there))
        elif any("skipped" in each for each in values):
            said = [each.get("skipped", "readable") for each in values]
            result.differences.append(Difference(name, None, "file", "", *said))
        else:
            found = first(*(each["value"] for each in values))
            result.differences.append(Difference(name, None, "", *found))


def _files(path: Path) -> Dict[Tuple[str, int], bytes]:
    """The line of each file, by name; those whose names were made of the time are numbered."""
    found: Dict[Tuple[str, int], bytes] = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        name = json.loads(line)["file"]
        number = sum(known == name for known, _ in found)
        found[name, number] = line
    return found
