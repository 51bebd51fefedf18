"""The real devkit on generated data: it simulates the whole scenario, and its metrics have all they need."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from devkit import COMMON, SETUPS, devkit_environment, devkit_script, needs_devkit, run_python

pytestmark = [pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest log that can be asked for, and the maps, by `nutrace synth`."""
    directory = tmp_path_factory.mktemp("synth") / "data"
    command = ["-m", "nutrace.cli.main", "synth", str(directory), "--seconds", "27"]
    done = run_python(command, devkit_environment())
    assert done.returncode == 0, done.stderr
    return directory


@needs_devkit
@pytest.mark.parametrize("setup", sorted(SETUPS))
def test_devkit_simulates_149_steps(data: Path, tmp_path: Path, setup: str) -> None:
    environ = devkit_environment(
        NUPLAN_DATA_ROOT=str(data / "dataset"),
        NUPLAN_MAPS_ROOT=str(data / "dataset" / "maps"),
        NUPLAN_EXP_ROOT=str(tmp_path),
    )
    counter = str(Path(__file__).with_name("count_steps.py"))
    # The pictures of the summary are of no interest here, and take half of the time.
    callbacks = "main_callback=[time_callback,metric_file_callback,metric_aggregator_callback]"

    done = run_python([counter, devkit_script(), *SETUPS[setup], *COMMON, callbacks], environ)

    assert done.returncode == 0, done.stderr[-2000:]
    assert "steps: 149" in done.stdout
    assert "Number of failed simulations: 0" in done.stdout + done.stderr
    assert list(tmp_path.rglob("*.msgpack.xz"))


@needs_devkit
def test_devkits_orm_reads_every_table(data: Path) -> None:
    log = next(data.rglob("*.db"))
    code = f"""
import sqlalchemy, sqlalchemy.orm
import nuplan.database.nuplan_db_orm.nuplandb
from nuplan.database.nuplan_db_orm import models
base = models.Base
session = sqlalchemy.orm.sessionmaker(sqlalchemy.create_engine("sqlite:///{log}"))()
for mapper in sorted(base.registry.mappers, key=str):
    row = session.query(mapper.class_).first()
    print(mapper.class_.__tablename__, [type(getattr(row, c.key)).__name__ for c in mapper.column_attrs])
"""
    done = run_python(["-c", code], devkit_environment())
    assert done.returncode == 0, done.stderr[-2000:]
    tables = {line.split()[0] for line in done.stdout.splitlines()}
    connection = sqlite3.connect(log)
    written = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert tables == written
