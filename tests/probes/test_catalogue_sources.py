"""Probes that users add: a TOML file, tables of the settings, entry points."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from nutrace.errors import ProbeError
from nutrace.probes.catalogue import at_level, built_in, collect, for_settings
from nutrace.probes.catalogue.registry import from_entry_points
from nutrace.probes.catalogue.user_file import read_probe_file, read_project
from nutrace.probes.probe import Probe
from nutrace.settings import Settings

GOOD = """
[[probe]]
target = "my_pkg.planner:MyPlanner.plan"
component = "planner"
name = "planner.plan"
level = "fine"
subclasses = true

[[probe]]
target = "my_pkg.loop:Loop.begin"
until = "my_pkg.loop:Loop.end"
"""


def _file(folder: Path, content: str) -> Path:
    path = folder / "probes.toml"
    path.write_text(content, encoding="utf-8")
    return path


def test_file_declares_probes(tmp_path: Path) -> None:
    assert read_probe_file(_file(tmp_path, GOOD)) == (
        Probe("my_pkg.planner:MyPlanner.plan", "planner", "planner.plan", "fine", subclasses=True),
        Probe("my_pkg.loop:Loop.begin", until="my_pkg.loop:Loop.end"),
    )


def test_empty_file_declares_nothing(tmp_path: Path) -> None:
    assert read_probe_file(_file(tmp_path, "# later\n")) == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[probe]\n", "not a TOML file"),
        ("[[probes]]\ntarget = 'a:b'", "unknown key 'probes': declare probes as [[probe]] tables"),
        ("[probe]\ntarget = 'a:b'", "write it with two brackets"),
        ("probe = 3", "write it with two brackets"),
        ("probe = 'a:b'", "write it with two brackets"),
        ("[[probe]]\ntarget = 'a:b'\nlevle = 'fine'", "number 1: unknown key 'levle': use target, component"),
        ("[[probe]]\ntarget = 'a:b'\nsubclasses = 'yes'", "subclasses is 'yes': it has to be a bool"),
        ("[[probe]]\nname = 'a.b'", 'number 1: no target: write target = "package.module:Class.method"'),
        ("[[probe]]\ntarget = 'a:b'\n[[probe]]\ntarget = 'a.b'", "number 2: bad probe target 'a.b'"),
        ("[[probe]]\ntarget = 'a:b'\ncomponent = 'plan'", "number 1: unknown component 'plan': use one of"),
        ("[[probe]]\ntarget = 'a:b'\nuntil = 'b'", "number 1: bad probe target 'b'"),
    ],
)
def test_bad_file_is_one_line_that_says_where(tmp_path: Path, content: str, message: str) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(ProbeError, match=re.escape(message)) as error:
        read_probe_file(path)
    assert str(error.value).startswith(f"{path}:")
    assert "\n" not in str(error.value)


def test_file_that_is_not_there_is_a_probe_error(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="cannot read the probe file: No such file or directory"):
        read_probe_file(tmp_path / "none.toml")


def test_pipes_and_folders_are_not_waited_for(tmp_path: Path) -> None:
    for name in ("probes.toml", "pyproject.toml"):
        os.mkfifo(tmp_path / name)
    for path in (tmp_path / "probes.toml", tmp_path):
        with pytest.raises(ProbeError, match="it is a folder, a pipe or a device"):
            read_probe_file(path)
    assert read_project(tmp_path) == ()
    assert Settings.load(environ={}, folder=tmp_path) == Settings()


def test_file_that_is_not_text_is_a_probe_error(tmp_path: Path) -> None:
    path = tmp_path / "probes.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProbeError, match="not a TOML file"):
        read_probe_file(path)


PROJECT = "[[tool.nutrace.probes]]\ntarget = 'project.planner:plan'\n"


def test_nearest_pyproject_declares_probes(tmp_path: Path) -> None:
    nested = tmp_path / "src" / "deeper"
    nested.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    assert read_project(nested) == (Probe("project.planner:plan"),)
    (tmp_path / "src" / "pyproject.toml").write_text("[project]\nname = 'nearer'\n")
    assert read_project(nested) == ()


@pytest.mark.parametrize("content", ["[tool.nutrace]\nprobes = 'p.toml'\n", "[tool]\nnutrace = 3\n"])
def test_pyproject_without_tables_declares_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "pyproject.toml").write_text(content)
    assert read_project(tmp_path) == ()


def test_bad_table_of_pyproject_says_where(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT + "levle = 'fine'\n")
    with pytest.raises(
        ProbeError, match=re.escape("pyproject.toml: [[tool.nutrace.probes]] number 1: unknown")
    ):
        read_project(tmp_path)


def test_pyproject_that_is_not_toml_declares_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[[tool.nutrace.probes]\n")
    assert read_project(tmp_path) == ()


def test_collect_adds_the_users_to_the_shipped(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    probes = collect(_file(tmp_path, GOOD), tmp_path)
    assert set(probes) > set(built_in())
    assert {"project.planner:plan", "my_pkg.planner:MyPlanner.plan"} < {probe.target for probe in probes}


def test_a_users_declaration_replaces_that_of_the_catalogue(tmp_path: Path) -> None:
    shipped = next(probe for probe in built_in() if probe.level == "fine")
    probes = collect(_file(tmp_path, f"[[probe]]\ntarget = '{shipped.target}'\nlevel = 'coarse'\n"))
    assert [probe.level for probe in probes if probe.target == shipped.target] == ["coarse"]
    assert len(probes) == len(built_in())


def test_settings_name_file_and_level(tmp_path: Path) -> None:
    settings = Settings(level="coarse", probes=str(_file(tmp_path, GOOD)))
    probes = for_settings(settings, tmp_path)
    # Of the two in the file, one is at fine and the other, without a level, at normal.
    assert set(probes) == set(at_level(built_in(), "coarse"))
    finer = for_settings(Settings(level="fine", probes=settings.probes), tmp_path)
    assert "my_pkg.planner:MyPlanner.plan" in {probe.target for probe in finer}


def _install(folder: Path, module: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[nutrace.probes]\nmine = {module}:PROBES\n")
    monkeypatch.syspath_prepend(folder)


def test_entry_points_add_probes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from nutrace.probes.probe import Probe\nPROBES = iter([Probe('their.module:f', 'map')])\n"
    _install(tmp_path, "plugin_of_probes", source, monkeypatch)
    assert Probe("their.module:f", "map") in collect()


@pytest.mark.parametrize(
    ("module", "source", "message"),
    [
        ("plugin_that_raises", "raise ValueError('no GPU')", "cannot be loaded: ValueError: no GPU"),
        ("plugin_of_strings", "PROBES = ['a:b']", "gives str: make it an iterable of nutrace Probe"),
        ("plugin_of_nothing", "PROBES = None", "cannot be loaded: TypeError"),
    ],
)
def test_bad_entry_point_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, source: str, message: str
) -> None:
    _install(tmp_path, module, source, monkeypatch)
    with pytest.raises(ProbeError, match=re.escape(message)) as error:
        from_entry_points()
    assert f"entry point 'mine' of group nutrace.probes ({module}:PROBES)" in str(error.value)
