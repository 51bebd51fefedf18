"""Tables as text and as Markdown."""

from __future__ import annotations

from nutrace.cli.table import Column, markdown_table, text_table
from nutrace.printable import printable

COLUMNS = [Column("name", right=False), Column("n")]


def test_columns_are_aligned_and_lines_drawn() -> None:
    assert text_table(COLUMNS, [["a", "1"], [""], ["longer", "20"]], indent="") == (
        "name     n\na        1\n----------\nlonger  20"
    )


def test_wide_characters_take_two_columns() -> None:
    assert (
        text_table(COLUMNS, [["\u8eca", "1"], ["e\u0301e", "2"]], indent="")
        == "name  n\n\u8eca    1\ne\u0301e    2"
    )


def test_markdown_escapes() -> None:
    assert (
        markdown_table(COLUMNS, [["a|b", "<1>"], [""]])
        == "| name | n |\n| :--- | ---: |\n| a\\|b | &lt;1&gt; |"
    )


def test_printable_keeps_one_short_line() -> None:
    assert printable("a\nb\x1b[0m") == "a\\nb\\x1b[0m"
    assert printable("x" * 100, 11) == "xxxx...xxxx"
    assert printable("caf\u00e9") == "caf\u00e9"
