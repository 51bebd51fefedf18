"""The real devkit's ORM reads generated logs; test_devkit_tracing.py simulates on them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from devkit import devkit_environment, needs_devkit, run_python

pytestmark = [pytest.mark.timeout(900)]


@needs_devkit
def test_devkits_orm_reads_every_table(devkit_data: Path) -> None:
    log = next(devkit_data.rglob("*.db"))
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
