"""docs/notebooks.md: its cells are executed and print what is below them, its tables are what docstrings say.

Run this file to write both anew:

python tests/test_notebooks_page.py
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple, Type

import pytest
from fakes.cells import in_ipython, in_python
from fakes.docstrings import columns, doc, members, tables
from fakes.examples import write_examples
from test_readme import table

import nutrace
from nutrace.jupyter.compared import Compared
from nutrace.trace.choosing import Choosing
from nutrace.trace.views import Viewed

PAGE = Path(__file__).parents[1] / "docs" / "notebooks.md"
#: A cell, and what it prints, if the page shows that.
_CELL = re.compile(
    r"^```(?P<kind>python|ipython)\n(?P<cell>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?", re.S | re.M
)
_UNITS = {"ms": "ms", "us": "us", "s": "s", "mb": "MB"}


def cells() -> List[Tuple[str, str, Any]]:
    """The kind of each cell, its text, and what is shown below it."""
    found = _CELL.finditer(PAGE.read_text(encoding="utf-8"))
    return [(each["kind"], each["cell"], each["shown"]) for each in found]


def executed() -> Iterator[str]:
    """What each cell prints, in the folder of the examples, all in one notebook."""
    names: Dict[str, Any] = {}
    asked = [cell for kind, cell, _ in cells() if kind == "ipython"]
    told = iter(in_ipython(asked))
    import pandas

    with pandas.option_context("display.width", 110, "display.max_columns", 20):
        for kind, cell, _ in cells():
            yield next(told) if kind == "ipython" else in_python(cell, names)
    names["plt"].close("all")


def of_docstrings() -> Dict[str, str]:
    """The tables that the page has of what docstrings say, by the names in their marks."""
    trace = nutrace.load("run.json")
    rows = []
    details = []
    for name, member in tables():
        kind, _, method = name.partition(".")
        call = f"{'trace' if kind == 'Trace' else 'compared'}.{method}()"
        of = trace if kind == "Trace" else nutrace.compare("bench/base", "bench/cache")
        label = ", ".join(f"`{each}`" for each in getattr(of, method)().index.names if each)
        if kind == "Trace":
            rows.append((f"`{call}`", _first(member), label))
        about = [
            (re.sub(r"(?<!`)\b(\w+)\b(?!`)(?=,|\Z)", r"`\1`", _code(column.written)), _code(column.says))
            for column in columns(member)
        ]
        told = f"{_first(member)} Label: {label or 'none'}."
        details.append("\n\n".join((f"### {call}", told, table(("column", "what it says"), about))))
    return {
        "notebook-tables": table(("table", "what is in it", "label"), rows),
        "notebook-columns": "\n\n".join(details),
    }


def _first(member: Any) -> str:
    """The first line, without the words that all of them have."""
    line = doc(member).partition("\n\n")[0].replace("\n", " ")
    return _code(re.sub(r",? as a(?:nother)? pandas table(?=[,.])|,? as a pandas table", "", line))


def _code(text: str) -> str:
    return re.sub(r":\w+:`([^`]*)`", r"`\1`", text).replace("``", "`").replace("<NA>", "`<NA>`")


def written(text: str, contents: Dict[str, str]) -> str:
    for name, content in contents.items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
        assert marks.search(text), f"{PAGE} has no place for {name}"
        text = marks.sub(lambda match, content=content: f"{match[1]}{content}\n{match[2]}", text)
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page")
    write_examples(made)
    return made


@pytest.mark.filterwarnings("ignore:.*deprecated - use:DeprecationWarning")  # matplotlib, of pyparsing
def test_cells_print_what_is_below_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pandas", "IPython", "matplotlib", "pyarrow", "scipy"):
        pytest.importorskip(module)
    monkeypatch.chdir(folder)
    for (_, cell, shown), said in zip(cells(), executed()):
        if shown is not None:
            assert said == shown.rstrip("\n"), f"{cell}: python tests/test_notebooks_page.py writes it anew"


def test_tables_are_what_docstrings_say(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("scipy")
    monkeypatch.chdir(folder)
    text = PAGE.read_text(encoding="utf-8")
    assert written(text, of_docstrings()) == text, "python tests/test_notebooks_page.py writes it anew"


@pytest.mark.parametrize("kind", [Viewed, Choosing, Compared])
def test_every_method_is_named(kind: Type[Any]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name, _ in members(kind) if f"{name}(" not in text] == []


def write() -> None:
    """Write what cells print, and the tables, into the page."""
    os.environ.setdefault("MPLBACKEND", "agg")
    with tempfile.TemporaryDirectory() as made:
        os.chdir(made)
        write_examples(Path(made))
        said = executed()

        def anew(match: re.Match[str]) -> str:
            printed = next(said)
            cell = f"```{match['kind']}\n{match['cell']}```\n"
            return cell if match["shown"] is None else f"{cell}\n```text\n{printed}\n```\n"

        page = _CELL.sub(anew, PAGE.read_text(encoding="utf-8"))
        PAGE.write_text(written(page, of_docstrings()), encoding="utf-8")


if __name__ == "__main__":
    write()
