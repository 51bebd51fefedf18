"""Every public name has a docstring, with units, and with an example that is so.

Examples are about the runs of :mod:`fakes.examples`, in the folder where they are; ``trace`` is what
``nutrace.load("run.json")`` gives. Those of the cell magic are written as IPython shows cells.
"""

from __future__ import annotations

import dataclasses
import doctest
import inspect
import re
from pathlib import Path
from typing import Any, List

import pytest
from fakes.cells import in_ipython
from fakes.docstrings import columns, doc, public, tables
from fakes.examples import write_examples

import nutrace

pytest.importorskip("pandas")
pytest.importorskip("IPython")

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated - use:DeprecationWarning")  # matplotlib's

PUBLIC = public()
_CELL = re.compile(r"^In \[\d+\]: ", re.MULTILINE)
#: Words that name the unit, by the end of a name.
UNITS = {
    "ns": r"\bns\b|nanosecond",
    "us": r"\bus\b|microsecond",
    "ms": r"\bms\b|millisecond",
    "s": r"\bs\b|second",
    "seconds": "second",
    "mb": "million bytes|millions of bytes|megabyte",
    "hz": "Hz",
}
#: Numbers without a unit.
PLAIN = re.compile(
    r"(realtime_factor|(total_)?share|\w+_(low|high)|objects\w*|rows\w*|nested_\w+|depth|root_calls\w*)\Z"
)
TABLES = [name for name, _ in tables()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("examples")
    write_examples(made)
    return made


@pytest.fixture
def trace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> nutrace.Trace:
    monkeypatch.chdir(folder)
    return nutrace.load("run.json")


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_an_example(name: str) -> None:
    said = doc(PUBLIC[name])
    assert said, f"{name} has no docstring"
    assert ">>> " in said or _CELL.search(said), f"the docstring of {name} has no example"


@pytest.mark.parametrize("name", PUBLIC)
def test_examples_say_what_is_so(name: str, trace: nutrace.Trace) -> None:
    said = doc(PUBLIC[name])
    given = {"nutrace": nutrace, "trace": trace}
    example = doctest.DocTestParser().get_doctest(said, given, name, None, None)
    told: List[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=told.append)
    assert not runner.failures, "".join(told)
    if _CELL.search(said):
        assert in_ipython([cell for cell, _ in cells(said)]) == [shown for _, shown in cells(said)]


def cells(said: str) -> List[Any]:
    """The cells of a docstring, each with what it shows."""
    found = []
    for part in _CELL.split(said)[1:]:
        lines = part.partition("\n\n")[0].splitlines()
        code = [lines[0], *(re.sub(r"^ +\.\.\.: ?", "", line) for line in lines[1:] if _continued(line))]
        shown = [re.sub(r"^Out\[\d+\]: ", "", line) for line in lines[1:] if not _continued(line)]
        found.append(("\n".join(code), "\n".join(shown)))
    return found


def _continued(line: str) -> bool:
    return re.match(r" +\.\.\.:", line) is not None


@pytest.mark.parametrize("name", PUBLIC)
def test_units_are_named(name: str) -> None:
    member = PUBLIC[name]
    said = doc(member)
    of = getattr(member, "fget", None) or getattr(member, "func", None) or member
    quantities = [name.rpartition(".")[2]]
    if inspect.isfunction(of):
        quantities += inspect.signature(of).parameters
    if dataclasses.is_dataclass(member):
        quantities += [field.name for field in dataclasses.fields(member)]
    for quantity in quantities:
        unit = UNITS.get(quantity.rpartition("_")[2] if "_" in quantity else "")
        if unit is not None and not (inspect.isclass(member) and quantity == name):
            assert re.search(unit, said), f"the docstring of {name} does not say the unit of {quantity}"


@pytest.mark.parametrize("name", [name for name, kind in PUBLIC.items() if dataclasses.is_dataclass(kind)])
def test_fields_are_told_of(name: str) -> None:
    said = doc(PUBLIC[name])
    for field in dataclasses.fields(PUBLIC[name]):
        assert re.search(rf"\b{field.name}\b", said), f"the docstring of {name} does not tell of {field.name}"


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_told_of(name: str, trace: nutrace.Trace) -> None:
    kind, _, table = name.partition(".")
    of = trace if kind == "Trace" else nutrace.compare("bench/base", "bench/cache")
    frame = getattr(of, table)()
    assert len(frame), "the examples have nothing of it"
    told = [name for each in columns(PUBLIC[name]) for name in each.names]
    assert len(told) == len(set(told))
    assert [column for column in frame.columns if column not in told] == []
    if table != "steps":  # which has columns of the components that there are
        assert [column for column in told if column not in frame.columns] == []
    for column, dtype in frame.dtypes.items():
        if dtype.kind == "f" and kind == "Trace":  # a comparison has figures of many units in a column
            named = PLAIN.match(column) or column.rpartition("_")[2] in UNITS
            assert named, f"{column} of {name} has no unit"
    for label in filter(None, frame.index.names):
        assert re.search(rf"\b{label}\b", doc(PUBLIC[name]).partition("Columns\n")[0])
