from __future__ import annotations

import dataclasses
from importlib.metadata import entry_points

import pytest

from nutrace.errors import UsageError
from nutrace_exporters import FORMATS, find


def test_unknown_format_is_told_with_those_there_are() -> None:
    with pytest.raises(
        UsageError, match="unknown format 'gif': use one of html, speedscope, svg, collapsed, chrome"
    ):
        find("gif")


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_each_row_has_a_module_that_keeps_the_contract(row: object) -> None:
    module = row.load()  # type: ignore[attr-defined]
    assert callable(module.export)
    assert dataclasses.is_dataclass(module.Options)
    assert module.Options.__dataclass_params__.frozen
    assert module.Options() == module.Options()


def test_names_and_suffixes_differ() -> None:
    assert len({row.name for row in FORMATS}) == len({row.suffix for row in FORMATS}) == len(FORMATS)


def test_each_format_is_a_stock_exporter_too() -> None:
    result = entry_points()
    group = "opentelemetry_traces_exporter"
    ours = result.select(group=group) if hasattr(result, "select") else result.get(group, [])
    classes = {entry.name: entry.load() for entry in ours if entry.value.startswith("nutrace_exporters")}
    assert {cls.format for cls in classes.values()} == {row.name for row in FORMATS}
    assert all(cls.entry_point == name for name, cls in classes.items())
