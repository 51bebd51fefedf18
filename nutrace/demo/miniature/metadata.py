"""A log's metadata and scenario tags, read through SQLAlchemy if it is installed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, List, Optional

from nutrace.demo.miniature.query_session import execute_many, execute_one

_LOG = "SELECT logfile, map_version FROM log"
_TAGS = """
    SELECT tag.type, sweep.token, sweep.timestamp
    FROM scenario_tag AS tag JOIN lidar_pc AS sweep ON sweep.token = tag.lidar_pc_token
    WHERE tag.type = ? ORDER BY sweep.timestamp
"""


@dataclass(frozen=True)
class LogMetadata:
    """A log's name and the map it was driven on."""

    name: str
    map_name: str


@dataclass(frozen=True)
class Tag:
    """A scenario's type, its sweep, and the sweep's time in microseconds since 1970."""

    type: str
    token: bytes
    time_us: int


def _imported(name: str) -> Optional[Any]:
    # Imported by name, because SQLAlchemy is not a dependency.
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_sqlalchemy, _orm = _imported("sqlalchemy"), _imported("sqlalchemy.orm")


def has_sqlalchemy() -> bool:
    """Whether metadata are read through SQLAlchemy and not through sqlite3."""
    return _sqlalchemy is not None


def read_log_metadata(log_file: str) -> LogMetadata:
    """Read the only row of the table ``log``.

    Raises
    ------
    LookupError
        If the table is empty.
    """
    if has_sqlalchemy():
        rows = _through_sqlalchemy(log_file, "log")
        logs = [LogMetadata(row.logfile, row.map_version) for row in rows]
    else:
        row = execute_one(_LOG, (), log_file)
        logs = [] if row is None else [LogMetadata(row["logfile"], row["map_version"])]
    if not logs:
        raise LookupError(f"{log_file} describes no log")
    return logs[0]


def read_tags(log_file: str, scenario_type: str) -> List[Tag]:
    """Read the sweeps that are tagged with a type, in the order of time."""
    if not has_sqlalchemy():
        rows = execute_many(_TAGS, (scenario_type,), log_file)
        return [Tag(row["type"], row["token"], row["timestamp"]) for row in rows]
    tags = [
        Tag(row.type, row.sweep.token, row.sweep.timestamp)
        for row in _through_sqlalchemy(log_file, "scenario_tag", type=scenario_type)
    ]
    return sorted(tags, key=lambda tag: tag.time_us)


def _through_sqlalchemy(log_file: str, table: str, **where: Any) -> List[Any]:
    """Read rows as mapped objects."""
    sa: Any = _sqlalchemy
    orm: Any = _orm
    base = orm.declarative_base()

    def mapped(name: str, **columns: Any) -> Any:
        token = sa.Column(sa.LargeBinary, primary_key=True)
        return type(name, (base,), {"__tablename__": name, "token": token, **columns})

    tables = {
        "log": mapped("log", logfile=sa.Column(sa.String), map_version=sa.Column(sa.String)),
        "lidar_pc": mapped("lidar_pc", timestamp=sa.Column(sa.Integer)),
        "scenario_tag": mapped(
            "scenario_tag",
            type=sa.Column(sa.String),
            lidar_pc_token=sa.Column(sa.LargeBinary, sa.ForeignKey("lidar_pc.token")),
            sweep=orm.relationship("lidar_pc", lazy="joined"),
        ),
    }
    engine = sa.create_engine(f"sqlite:///{log_file}")
    try:
        with orm.Session(engine) as session:
            rows: List[Any] = session.query(tables[table]).filter_by(**where).all()
            session.expunge_all()
            return rows
    finally:
        engine.dispose()
