"""Every target of the planners' probes is in the planner's source, which is not imported."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import List, Optional

import pytest
from devkit import devkit_environment, needs_devkit, run_python
from source_tree import missing_in_source

from nutrace.probes.catalogue import planner_catalogues
from nutrace.probes.catalogue.registry import Catalogue

_VARIABLE = "NUTRACE_PLANNER_SOURCES"
_FILE = Path.home() / ".config" / "nutrace" / "planner-sources"


def _sources() -> Optional[Path]:
    """The folder with a checkout of each planner, named as its repository is."""
    path = os.environ.get(_VARIABLE, "")
    if not path and _FILE.exists():
        path = _FILE.read_text(encoding="utf-8").strip()
    return Path(path) if path and Path(path).is_dir() else None


def _checkout(planner: Catalogue) -> Path:
    folder = _sources()
    if folder is None:
        pytest.skip(f"no checkouts of planners: name a folder with them in {_VARIABLE} or {_FILE}")
    checkout = folder / planner.name
    if not checkout.is_dir():
        pytest.skip(f"no checkout of {planner.name} in {folder}")
    return checkout


@pytest.mark.parametrize("planner", planner_catalogues(), ids=lambda planner: str(planner.name))
def test_the_source_has_every_target(planner: Catalogue) -> None:
    checkout = _checkout(planner)
    missing: List[Optional[str]] = [
        missing_in_source(target, [checkout])
        for probe in planner.load()
        for target in (probe.target, probe.until)
        if target is not None
    ]
    assert [reason for reason in missing if reason] == []
    assert missing_in_source(f"{planner.sign}:nothing", [checkout]) != f"no module {planner.sign}"


@pytest.mark.parametrize("planner", planner_catalogues(), ids=lambda planner: str(planner.name))
def test_a_planners_sign_is_in_no_other_planner(planner: Catalogue) -> None:
    _checkout(planner)
    for other in planner_catalogues():
        if other is not planner:
            reason = missing_in_source(f"{planner.sign}:nothing", [_checkout(other)])
            assert reason == f"no module {planner.sign}"


@needs_devkit
def test_tuplan_garage_has_every_target_when_it_is_imported() -> None:
    planner = next(planner for planner in planner_catalogues() if planner.name == "tuplan_garage")
    path = os.pathsep.join((str(Path(__file__).parents[2]), str(_checkout(planner))))
    done = run_python(
        ["-m", "nutrace.cli.main", "probes", "--check", "--json"], devkit_environment(PYTHONPATH=path)
    )
    assert done.returncode == 0, done.stderr[-2000:]
    document = json.loads(done.stdout)
    (found,) = [row for row in document["planners"] if row["name"] == planner.name]
    assert found["installed"]
    rows = [row for row in document["probes"] if row["planner"] == planner.name]
    # PGP's models need packages that the devkit's environment may lack.
    reasons = [row["missing"] for row in rows if not row["present"] and "models.pgp" not in row["target"]]
    assert reasons == []


def test_what_the_search_says(tmp_path: Path) -> None:
    package = tmp_path / "pkg" / "inner"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "base.py").write_text("class Base:\n    def method(self): ...\n", encoding="utf-8")
    (package / "heir.py").write_text(
        "from .base import Base as Parent\nfrom elsewhere import Other\n"
        "class Heir(Parent, Other): ...\nclass Grandchild(Heir): ...\ndef function(): ...\n",
        encoding="utf-8",
    )
    expected = {
        "pkg.inner.heir:Heir.method": None,
        "pkg.inner.heir:Grandchild.method": None,
        "pkg.inner.heir:function": None,
        "pkg.inner.heir:Grandchild.other": "pkg.inner.heir has no Grandchild.other",
        "pkg.inner.heir:Parent.method": "pkg.inner.heir has no Parent.method",
        "pkg.inner.heir:gone": "pkg.inner.heir has no gone",
        "pkg.inner.gone:f": "no module pkg.inner.gone",
        "pkg.inner:f": "pkg.inner has no f",
    }
    assert {target: missing_in_source(target, [tmp_path]) for target in expected} == expected
