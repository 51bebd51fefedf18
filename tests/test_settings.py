"""Settings: where each is read from, what takes precedence, and errors of one line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, Dict

import pytest

from nutrace.errors import SettingsError
from nutrace.settings import OTHER_VARIABLES, Settings, variable

OTHER: Dict[str, Any] = {
    "output": "other.json",
    "level": "fine",
    "probes": "mine.toml",
    "summary": False,
    "flush_seconds": 2.5,
    "compress_us": 10.0,
    "text_limit": 99,
    "deepcopy": "detail",
    "sql_text": False,
    "sample": 250.0,
    "sample_native": True,
}


def _project(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    inner = folder / "inner"
    inner.mkdir(exist_ok=True)
    return inner


def test_defaults_need_nothing(tmp_path: Path) -> None:
    assert Settings.load({}, tmp_path) == Settings()


def test_every_setting_is_a_variable(tmp_path: Path) -> None:
    assert {option.name for option in fields(Settings)} == set(OTHER)
    environ = {
        variable(name): str(int(value) if isinstance(value, bool) else value) for name, value in OTHER.items()
    }
    assert Settings.load(environ, tmp_path) == Settings(**OTHER)


def test_every_setting_has_a_help_text() -> None:
    assert all(option.metadata["help"] for option in fields(Settings))


def test_variables_over_the_projects_table_over_defaults(tmp_path: Path) -> None:
    inner = _project(tmp_path, '[tool.nutrace]\nlevel = "fine"\nflush_seconds = 5\nsummary = false\n')
    loaded = Settings.load({"NUTRACE_LEVEL": "coarse"}, inner)
    assert loaded == Settings(level="coarse", flush_seconds=5.0, summary=False)


def test_the_nearest_project_counts(tmp_path: Path) -> None:
    inner = _project(tmp_path, '[tool.nutrace]\nlevel = "fine"\n')
    (inner / "pyproject.toml").write_text("[project]\nname = 'inner'\n")
    assert Settings.load({}, inner) == Settings()


@pytest.mark.parametrize("text", ["tool = 3", "not toml at all", "", "[tool.other]\nnutrace = 1", "\0\xff"])
def test_projects_that_do_not_mention_us(tmp_path: Path, text: str) -> None:
    assert Settings.load({}, _project(tmp_path, text)) == Settings()


def test_declarations_of_probes_are_no_setting(tmp_path: Path) -> None:
    inner = _project(tmp_path, '[[tool.nutrace.probes]]\ntarget = "a:b"\n')
    assert Settings.load({}, inner) == Settings()


@pytest.mark.parametrize("name", sorted(OTHER_VARIABLES))
def test_variables_that_are_no_settings(tmp_path: Path, name: str) -> None:
    assert Settings.load({name: "x", "NUTRACE": "1"}, tmp_path) == Settings()


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"NUTRACE_OUTPT": "x"}, "unknown variable NUTRACE_OUTPT: the settings are "),
        ({"NUTRACE_LEVEL": "loud"}, "use coarse, normal, fine"),
        ({"NUTRACE_OUTPUT": ""}, "NUTRACE_OUTPUT is empty"),
        ({"NUTRACE_FLUSH_SECONDS": "soon"}, "'soon' is not a number"),
        ({"NUTRACE_FLUSH_SECONDS": "nan"}, "between 0.05 and 3600"),
        ({"NUTRACE_FLUSH_SECONDS": "0"}, "between 0.05 and 3600"),
        ({"NUTRACE_COMPRESS_US": "-1"}, "between 0 and 1e9"),
        ({"NUTRACE_COMPRESS_US": "inf"}, "between 0 and 1e9"),
        ({"NUTRACE_TEXT_LIMIT": "1.5"}, "is not a number"),
        ({"NUTRACE_TEXT_LIMIT": "1"}, "between 16 and 10000000"),
        ({"NUTRACE_SUMMARY": "perhaps"}, "use 1 or 0"),
        ({"NUTRACE_SAMPLE": "abc"}, "'abc' is not a number: use 1 (100 Hz), 0 (off), or a whole number of 2"),
        ({"NUTRACE_SAMPLE": "10000"}, "NUTRACE_SAMPLE=10000 is no rate: use 1 (100 Hz), 0 (off), or a"),
        ({"NUTRACE_SAMPLE": "1.5"}, "is no rate"),
        ({"NUTRACE_SAMPLE": "nan"}, "is no rate"),
        ({"NUTRACE_SAMPLE": "inf"}, "is no rate"),
        ({"NUTRACE_SAMPLE": "-1"}, "is no rate"),
    ],
)
def test_bad_variables(tmp_path: Path, environ: Dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ, tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.nutrace]\nlevle = 1", "unknown key tool.nutrace.levle"),
        ("[tool.nutrace]\nlevel = ", "is not valid TOML"),
        ("[tool]\nnutrace = 1 # [tool.nutrace", "tool.nutrace must be a table"),
        ("[tool.nutrace]\nsummary = 2", "use 1 or 0"),
        ("[tool.nutrace]\nflush_seconds = [1]", "is not a number"),
    ],
)
def test_bad_projects(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({}, _project(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings().level = "fine"  # type: ignore[misc]
