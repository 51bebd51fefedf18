"""The tables of README and docs come from the registries: run this file to write them anew.

python tests/test_readme.py
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Dict, List, Sequence, Type

import pytest

from nutrace.cli.commands import COMMANDS
from nutrace.errors import NutraceError
from nutrace.settings import Settings
from nutrace_exporters.registry import FORMATS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
#: The page that has a table.
PAGES = {
    "commands": README,
    "settings": ROOT / "docs" / "settings.md",
    "errors": ROOT / "docs" / "settings.md",
    "formats": ROOT / "docs" / "formats.md",
}


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def kinds(base: Type[NutraceError] = NutraceError) -> List[Type[NutraceError]]:
    """The kinds of errors, by exit code."""
    found = {base, *(kind for below in base.__subclasses__() for kind in kinds(below))}
    shared = (kind for kind in found - {NutraceError} if kind.__module__ == NutraceError.__module__)
    return sorted(shared, key=lambda kind: (kind.exit_code, kind.__name__))


def tables() -> Dict[str, str]:
    """Every generated table, by the name in its marks."""
    settings = [
        (f"`NUTRACE_{field.name.upper()}`", _default(field.default), str(field.metadata["help"]))
        for field in fields(Settings)
    ]
    errors = [
        (str(kind.exit_code), (kind.__doc__ or "").partition("; exit code")[0].strip()) for kind in kinds()
    ]
    return {
        "commands": table(
            ("command", "what it does"), [(f"`nutrace {row.name}`", row.help) for row in COMMANDS]
        ),
        "settings": table(("variable", "default", "what it says"), settings),
        "formats": table(
            ("`-f`", "what it is"),
            [(f"`{row.name}`", f"{row.description}: `*{row.suffix}`") for row in FORMATS],
        ),
        "errors": table(("exit code", "what was wrong"), [("0", "Nothing."), *errors]),
    }


def _default(value: object) -> str:
    """As it is typed in a shell."""
    if isinstance(value, bool):
        value = int(value)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`" if value != "" else "none"


def written(text: str, name: str, content: str) -> str:
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    assert marks.search(text), f"{PAGES[name]} has no place for {name}"
    return marks.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


@pytest.mark.parametrize("name", tables())
def test_table_is_what_the_registry_says(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    assert written(text, name, tables()[name]) == text, "python tests/test_readme.py writes it anew"


#: Where a page names a file, a section of it, or both.
LINK = re.compile(r"""(?:\]\(|src="|srcset=")([^)":#]*)(?:#([^)"]*))?[)"]""")


@pytest.mark.parametrize("page", [README, *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name)
def test_pictures_files_and_sections_that_it_names_are_there(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    for link, section in links:
        there = (page.parent / link) if link else page
        assert there.is_file(), link
        if section:
            titles = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert section in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_is_named_in_readme() -> None:
    text = README.read_text(encoding="utf-8")
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in text] == []


def test_every_command_that_it_shows_there_is() -> None:
    pages = [README, *(ROOT / "docs").glob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    shown = set(re.findall(r"(?:^    |`|/)nutrace ([a-z]+)\b", text, re.MULTILINE))
    assert {row.name for row in COMMANDS} == shown


if __name__ == "__main__":
    for title, content in tables().items():
        page = PAGES[title]
        page.write_text(written(page.read_text(encoding="utf-8"), title, content), encoding="utf-8")
