"""A program that gives one value to a database in all ways, and fails with it in all ways.

The value is in the environment variable CANARY, so it is in no source and no command line. Prints, as JSON,
the types of the errors that left the probed function ``plan``.
"""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
from typing import Any, Callable, Dict, Iterator, List

import sqlalchemy as sa
from opentelemetry import trace as otel
from sqlalchemy import orm

import nutrace
from nutrace.demo.miniature import query_session

CANARY = os.environ["CANARY"]
NUMBER = int(os.environ["CANARY_NUMBER"])
VALUES = (CANARY, CANARY.encode(), NUMBER)

calls: List[Callable[[], Any]] = []


def call(function: Callable[[], Any]) -> Callable[[], Any]:
    calls.append(function)
    return function


@nutrace.probe(component="planner")
def plan(function: Callable[[], Any]) -> Any:
    return function()


@nutrace.probe(component="simulation")
def step(function: Callable[[], Any]) -> Any:
    with otel.get_tracer("program").start_as_current_span("by hand") as span:
        try:
            return plan(function)
        except Exception as error:
            span.record_exception(error, {"exception.message": str(error)})
            span.add_event("exception", {"exception.type": "Repeated", "exception.message": str(error)})
            span.set_status(otel.StatusCode.ERROR, str(error))
            raise


# -- sqlite3 -------------------------------------------------------------------------------------


class Point:
    pass


class Conforming:
    def __conform__(self, protocol: Any) -> Any:
        raise LookupError(f"no form for {CANARY}")


class Own(sqlite3.OperationalError):
    """A class of the program's, whose parameters are attributes."""

    def __init__(self, value: str) -> None:
        super().__init__(f"not this: {value}", value)
        self.value = value


def adapt(point: Point) -> str:
    raise ValueError(f"cannot adapt {CANARY}")


def convert(value: bytes) -> Any:
    raise ValueError(f"cannot convert {value!r}")


sqlite3.register_adapter(Point, adapt)
sqlite3.register_converter("strange", convert)


def connection() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_COLNAMES)
    made.execute("CREATE TABLE t (a UNIQUE, b)")
    made.executemany("INSERT INTO t VALUES (?, ?)", [(value, 1) for value in VALUES])
    made.create_function("fail", 1, lambda value: int(value))
    return made


def query(text: str, parameters: Any = (), method: str = "execute") -> Callable[[], Any]:
    def run() -> Any:
        cursor = connection().cursor()
        return getattr(cursor, method)(text, *([parameters] if parameters is not None else [])).fetchall()

    return call(run)


for value in VALUES:
    query("SELECT * FROM t WHERE a = ?", (value,))
    query("SELECT * FROM t WHERE a = :value", {"value": value})
    query("INSERT INTO t VALUES (?, ?)", (value, 2))
    query("INSERT INTO t VALUES (?, ?)", [(value, 3), (value, 4)], "executemany")
    query("SELECT json_extract('{}', ?)", (value,))
    query("ATTACH ? AS other", (f"/nonexistent/{value!r}",))
    query("SELECT fail(?)", (value,))
    query("SELECT ?, ?", (value,))
    query("SELECT ?; SELECT 2", (value,))
    query("SELECT :missing", {"other": value})
    query("SELECT ?", ({"no": value},))
    query('SELECT ? AS "a [strange]"', (value,))
    query('SELECT ? AS "a [date]"', (value,))
    query('SELECT ? AS "a [timestamp]"', (value,))
    query("SELECT load_extension(?)", (value,))
    query("SELECT a FROM nowhere WHERE a = ?", (value,))
    query("SELECT ? LIKE 'b' ESCAPE ?", (value, value))
    query("SELECT a FROM t LIMIT ?", (f"x{value!r}",))
query("SELECT ?", (f"{CANARY}\ud800",))
query("SELECT ?", (10**30 + NUMBER,))
query("SELECT ?", (Point(),))
query("SELECT ?", (Conforming(),))
query("SELECT zeroblob(?)", (2**40,))
query(f"SELECT '{CANARY}' FROM t WHERE a = '{CANARY}'")
query(f'SELECT "{CANARY}", \'{CANARY}')
query(f"SELECT 'O'{CANARY} and more' FROM t")
query(f"SELECT 'O'Neil {CANARY}' FROM t WHERE b = '1'")
query(f"SELECT x'{CANARY.encode().hex()}', {NUMBER}, -{NUMBER}.5, $name({CANARY})", {f"name({CANARY})": 1})
query(f"SELECT a->'$.{CANARY}', a->>\"$.{CANARY}\" FROM t -- {CANARY}")
query(f"SELECT 1 /* {CANARY} */ FROM t ORDER BY 1, '{CANARY}'")
query(f'SELECT a FROM t WHERE "{CANARY}" = a OR a IN (\'{CANARY}\', "{CANARY}")')
query(f"ATTACH '/nonexistent/{CANARY}' AS x KEY '{CANARY}'")
query(f'ATTACH "/nonexistent/{CANARY}" AS x')
query(f"PRAGMA key = {CANARY}")
query(f"PRAGMA key = '{CANARY}'")
query(f"PRAGMA hexkey(\"x'{CANARY}'\")")
query(f"INSERT INTO t VALUES ('{CANARY}', 5)")
query(f"VALUES('{CANARY}')")
query(f"INSERT INTO t VALUES ('{CANARY}', 5); SELECT '{CANARY}", None, "executescript")
query(f"SELECT * FROM t WHERE a = '{CANARY}\0'")
query(f"CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT raise(abort, '{CANARY}'); END")


@call
def trigger() -> None:
    made = connection()
    made.execute(f"CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT raise(abort, '{CANARY}'); END")
    made.execute("INSERT INTO t VALUES (?, ?)", (CANARY + "x", 5))


@call
def factories() -> None:
    for name in ("row_factory", "text_factory"):
        made = connection()
        setattr(made, name, lambda *given: int(CANARY))
        if nutrace.Settings.load().level == "coarse":
            continue  # nothing of sqlite3 is traced there, so this is an error of the program's
        try:
            plan(made.execute("SELECT a FROM t").fetchall)
        except ValueError:
            pass


@call
def sets() -> None:
    def given() -> Iterator[Any]:
        yield (CANARY + "1", 1)
        raise KeyError(CANARY)

    if nutrace.Settings.load().level != "coarse":
        connection().executemany("INSERT INTO t VALUES (?, ?)", given())


@call
def authorizer() -> None:
    made = connection()
    made.set_authorizer(lambda *given: sqlite3.SQLITE_DENY)
    made.execute("SELECT a FROM t WHERE a = ?", (CANARY,))


@call
def closed() -> None:
    made = connection()
    made.close()
    made.execute("SELECT a FROM t WHERE a = ?", (CANARY,))


@call
def connecting() -> None:
    sqlite3.connect(f"file:/nonexistent/log.db?key={CANARY}", uri=True)


@call
def access_mode() -> None:
    sqlite3.connect(f"file::memory:?mode={CANARY}", uri=True)


@call
def dump() -> None:
    list(connection().iterdump())


@call
def own_subclass() -> None:
    raise Own(CANARY)


@call
def not_supported() -> None:
    raise sqlite3.NotSupportedError(f"not {CANARY}")


@call
def internal() -> None:
    raise sqlite3.InternalError(f"inside {CANARY}")


# -- the devkit's way, for which there are speedups ---------------------------------------------------

log = "log.db"
with sqlite3.connect(log) as made:
    made.execute("CREATE TABLE lidar_pc (token BLOB PRIMARY KEY, name TEXT)")
    made.execute("INSERT INTO lidar_pc VALUES (?, ?)", (CANARY.encode(), CANARY))
made.close()


def ask(text: str, *parameters: Any) -> None:
    call(lambda: list(query_session.execute_many(text, parameters, log)))
    call(lambda: query_session.execute_one(text, parameters, log))


for value in VALUES:
    ask("SELECT name FROM lidar_pc WHERE token = ?", value)
    ask("SELECT name FROM lidar_pc WHERE token = ?", value)
    ask("SELECT json_extract('{}', ?) FROM lidar_pc", value)
    ask("SELECT name FROM nowhere WHERE token = ?", value)
    ask("SELECT name FROM lidar_pc WHERE token = ?", value, value)
ask(f"SELECT name FROM lidar_pc WHERE name = '{CANARY}' OR name = 'O'{CANARY}'")


# -- raised from them, and while handling them --------------------------------------------------------


def failing() -> None:
    connection().execute("SELECT json_extract('{}', ?)", (CANARY,))


@call
def wrapped() -> None:
    try:
        failing()
    except sqlite3.Error as error:
        raise RuntimeError(f"the query failed: {error}") from error


@call
def wrapped_and_cut() -> None:
    try:
        failing()
    except sqlite3.Error as error:
        raise RuntimeError(f"{CANARY} failed with {str(error)[:-1]}") from None


@call
def wrapped_twice() -> None:
    try:
        wrapped()
    except RuntimeError as error:
        raise LookupError(CANARY, error.args) from None


@call
def repeated_later() -> None:
    try:
        failing()
    except sqlite3.Error as error:
        said = repr(error)
    raise RuntimeError(f"worker said {said}")


@call
def adapted_and_wrapped() -> None:
    try:
        connection().execute("SELECT ?", (Point(),))
    except ValueError as error:
        raise RuntimeError(f"no row: {error}") from error


@call
def in_a_group() -> None:
    groups: Any = vars(__builtins__).get("ExceptionGroup") if not isinstance(__builtins__, dict) else None
    try:
        failing()
    except sqlite3.Error as error:
        if hasattr(error, "add_note"):
            error.add_note(CANARY)
        if groups is None:
            raise
        raise groups(f"several, {CANARY}", [error]) from None


# -- SQLAlchemy ------------------------------------------------------------------------------------

Base: Any = orm.declarative_base()


class Strict(sa.TypeDecorator):  # type: ignore[type-arg]
    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value != "fine":
            raise ValueError(f"cannot bind {value}")
        return value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        raise ValueError(f"cannot read {value} {CANARY}")


class Car(Base):
    __tablename__ = "car"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String, unique=True)
    strict = sa.Column(Strict)
    built = sa.Column(sa.DateTime)


engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
Base.metadata.create_all(engine)


def core(statement: Any, parameters: Any = None) -> Callable[[], Any]:
    def run() -> Any:
        with engine.begin() as made:
            result = made.execute(statement, *([parameters] if parameters is not None else []))
            return result.fetchall() if result.returns_rows else None

    return call(run)


for value in VALUES:
    core(sa.text("SELECT :value"), {"value": value})
    core(sa.text("SELECT json_extract('{}', :value)"), {"value": value})
    core(sa.text("SELECT * FROM nowhere WHERE a = :value"), {"value": value})
    core(sa.text("SELECT :missing"), {"other": value})
    core(sa.insert(Car), {"name": value})
    core(sa.insert(Car), {"name": value})
    core(sa.insert(Car), [{"name": value}, {"name": f"{value!r}2"}])
    core(sa.insert(Car), {"id": value, "name": "other"})
    core(sa.insert(Car), {"built": value})
    core(sa.insert(Car), {"strict": value})
    core(sa.select(Car.id).where(Car.name == value))
    core(sa.select(Car.id).where(Car.name == sa.literal_column(f"'{CANARY}'")))
core(sa.text("SELECT :value"), {"value": 10**30 + NUMBER})
core(sa.text("SELECT :value"), {"value": f"{CANARY}\ud800"})
core(sa.text("SELECT :value"), {"value": object()})
core(sa.text(f"VALUES('{CANARY}')"))
core(sa.insert(Car), {"name": "fine", "strict": "fine"})
core(sa.select(Car.strict))


@call
def flush() -> None:
    with orm.Session(engine) as session:
        session.add_all([Car(name=CANARY), Car(name=CANARY)])
        session.commit()


@call
def get() -> None:
    with orm.Session(engine) as session:
        session.get(Car, CANARY)
        session.query(Car).filter_by(name=CANARY).one()


@call
def badly_named() -> None:
    sa.create_engine(f"nothing://user:{CANARY}@host/db")


@call
def badly_written() -> None:
    sa.create_engine(f"{CANARY} is no address")


@call
def from_sqlalchemy() -> None:
    try:
        with engine.begin() as made:
            made.execute(sa.text("SELECT json_extract('{}', :value)"), {"value": CANARY})
    except sa.exc.DBAPIError as error:
        raise RuntimeError(f"failed: {error.orig} {error.params}") from error


def main() -> None:
    kinds: Dict[str, int] = {}
    for function in calls:
        try:
            step(function)
        except Exception as error:
            kind = type(error)
            name = f"{kind.__module__}.{kind.__qualname__}"
            kinds[name] = kinds.get(name, 0) + 1
    datetime.datetime.now()
    print(json.dumps(kinds))


if __name__ == "__main__":
    main()
    if os.environ.get("THEN") == "fork":
        child = os.fork()
        if not child:
            main()
            os._exit(0)
        os.waitpid(child, 0)
    elif os.environ.get("THEN") == "kill":
        import signal
        import time

        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
