"""How text and tables are fitted into the width of a terminal, and the units of columns."""

from __future__ import annotations

import shlex
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nutrace.cli.fitting import columns_of, shortened, wrapped
from nutrace.cli.table import Column
from nutrace.cli.table_layout import GAP, laid_out
from nutrace.cli.terminal_style import TerminalStyle
from nutrace.cli.units import MS, US, S, unit_of

NUMBERS = some.integers(0, 10**9).map("{:,}".format)
TEXTS = some.text("ab c.\u8eca\u0301", max_size=60)


@given(some.text("ab /.,1\u8eca\u0301%ms", max_size=200), some.integers(10, 80), some.integers(0, 30))
def test_lines_fit_and_nothing_is_lost(text: str, width: int, hanging: int) -> None:
    lines = wrapped(text, width, hanging)
    assert all(columns_of(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_sentences_are_wrapped_at_words_but_not_before_a_unit() -> None:
    assert wrapped("it took 12.5 ms and more", 12) == ["it took", "12.5 ms and", "more"]
    assert wrapped("the share of 7 % is", 14) == ["the share of", "7 % is"]
    assert wrapped("7 spans", 6) == ["7", "spans"]


def test_later_lines_hang_and_long_words_are_broken_at_their_joints() -> None:
    assert wrapped("  a list of words", 10, 4) == ["  a list", "    of", "    words"]
    assert wrapped("see package.module.function", 12) == ["see package.", "module.", "function"]


@given(TEXTS, some.integers(1, 60))
def test_a_shortened_text_fits(text: str, width: int) -> None:
    short = shortened(text, width, "\u2026")
    assert columns_of(short) <= width
    assert short == text or columns_of(text) > width


def test_a_text_is_shortened_in_its_middle() -> None:
    assert shortened("scenario.get_tracked_objects", 11, "\u2026") == "scena\u2026jects"
    assert shortened("scenario.get_tracked_objects", 11, "...") == "scen...ects"


@given(some.lists(some.tuples(TEXTS, TEXTS, NUMBERS, NUMBERS, NUMBERS), max_size=5), some.integers(12, 120))
def test_a_table_fits_and_no_number_is_narrower_than_it_is(rows: List[List[str]], width: int) -> None:
    columns = [
        *(Column("name", right=False, least=4), Column("where it is", right=False, rank=5, least=4)),
        *(Column("calls", rank=3), Column("total ms", bar=True), Column("mean us", rank=4)),
    ]
    layout = laid_out(columns, rows, width)
    assert layout.width <= width or list(layout.widths) == [0]
    assert 0 in layout.widths
    for at, size in layout.widths.items():
        if columns[at].right:
            assert all(columns_of(row[at]) <= size for row in rows)
        assert all(columns_of(word) <= size for word in columns[at].heading.split())


def test_columns_of_the_highest_rank_are_left_out_first() -> None:
    columns = [Column("name", right=False), *(Column(f"c{rank}", rank=rank) for rank in (2, 9, 5))]
    rows = [["a name", "123,456", "123,456", "123,456"]]
    assert laid_out(columns, rows, 6 + 3 * (7 + GAP)).left_out == ()
    assert laid_out(columns, rows, 6 + 3 * (7 + GAP) - 1).left_out == (2,)
    assert laid_out(columns, rows, 6 + 7 + GAP).left_out == (2, 3)


def test_headings_are_wrapped_before_texts_are_shortened() -> None:
    columns = [Column("name", right=False, least=2), Column("a long heading")]
    layout = laid_out(columns, [["a name of a span", "12"]], 16 + GAP + 7)
    assert layout.widths == {0: 16, 1: 7}


@pytest.mark.parametrize(
    ("largest_ns", "least", "unit"),
    [(9_999_999, US, US), (10_000_000, US, MS), (5, MS, MS), (99e9, US, MS), (100e9, MS, S), (0, US, US)],
)
def test_a_column_has_the_unit_that_fits_its_largest_time(
    largest_ns: float, least: object, unit: object
) -> None:
    assert unit_of([0, largest_ns], least) is unit  # type: ignore[arg-type]


def test_small_times_keep_their_digits() -> None:
    assert [MS.text(ns) for ns in (31_350, 2_500, 1_916_000, 67_590_000, 2_816_462_000)] == [
        *("0.0314", "0.00250", "1.916", "67.59", "2,816")
    ]


def test_a_command_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    command = (
        "NUTRACE=1 python -c 'import gc; gc.collect(); print(1, 2, 3)' \"$HOME/a b\" --option value > out.txt"
    )
    drawn = TerminalStyle().command(command, indent=4)
    assert max(map(len, drawn.splitlines())) <= 50
    assert len(drawn.splitlines()) > 1
    assert shlex.split(drawn.replace("\\\n", "")) == shlex.split(command)
