"""Connections and cursors: of sqlite3's classes, of the program's, by name and by call."""

from __future__ import annotations

import abc
import collections.abc
import copy
import copyreg
import functools
import inspect
import pickle
import sqlite3
import typing
import weakref
from sqlite3 import Connection as Early
from sqlite3 import Cursor, connect
from typing import Any

from common import tell

HELD = {"connect": sqlite3.connect, "Connection": sqlite3.Connection, "Cursor": sqlite3.Cursor}


class Own(sqlite3.Connection):
    """Made before anything else."""

    def rows(self, sql: str) -> list[Any]:
        return self.execute(sql).fetchall()


class WithInit(sqlite3.Connection):
    def __init__(self, path: str = ":memory:", *, label: str = "none") -> None:
        print("init", label)
        super().__init__(path, isolation_level=None)
        self.label = label
        self.execute("CREATE TABLE t (a)")


class ByName(sqlite3.Connection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        sqlite3.Connection.__init__(self, *args, **kwargs)


class WithNew(sqlite3.Connection):
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        print("new", cls.__name__)
        made = sqlite3.Connection.__new__(cls)
        made.mark = 1
        return made


class Slotted(sqlite3.Connection):
    __slots__ = ("x",)


class Overriding(sqlite3.Connection):
    def execute(self, *args: Any) -> Any:
        print("execute", args)
        return super().execute(*args)

    def cursor(self, *args: Any) -> Any:
        print("cursor", len(args))
        return super().cursor(*args)

    def close(self) -> None:
        print("close")
        super().close()

    def commit(self) -> None:
        print("commit")
        super().commit()


class Mixed(collections.abc.Sized, sqlite3.Connection):
    def __len__(self) -> int:
        return int(self.execute("SELECT 7").fetchone()[0])


class Meta(type):
    instances = 0

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        Meta.instances += 1
        return super().__call__(*args, **kwargs)

    def __setattr__(cls, name: str, value: Any) -> None:
        raise AttributeError("read only")


class Singleton(sqlite3.Connection, metaclass=Meta):
    pass


class Frozen(sqlite3.Connection):
    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"cannot set {name}")

    def __getattr__(self, name: str) -> Any:
        if name == "_nutrace":
            raise AttributeError(name)
        return f"dynamic {name}"


class Equal(sqlite3.Connection):
    def __eq__(self, other: Any) -> bool:
        return True

    def __hash__(self) -> int:
        raise RuntimeError("not hashable")


class OwnCursor(sqlite3.Cursor):
    def execute(self, *args: Any) -> Any:
        print("OwnCursor", args)
        return super().execute(*args)

    def __next__(self) -> Any:
        return ("next", *super().__next__())


class SlottedCursor(sqlite3.Cursor):
    __slots__ = ()


class FrozenCursor(sqlite3.Cursor):
    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"cannot set {name}")


EARLY = (Own, WithInit, ByName, WithNew, Slotted, Overriding, Mixed, Singleton, Frozen, Equal)


def use(con: Any) -> None:
    print(type(con).__name__, type(con).__mro__[-3:-1][-1].__name__)
    tell(lambda: con.execute("SELECT 1, 'a'").fetchall())
    tell(lambda: [*con.execute("SELECT 1 UNION SELECT 2")])
    tell(lambda: con.executemany("SELECT ?", []).fetchone())
    tell(lambda: con.cursor().execute("SELECT ?", (5,)).fetchone())
    tell(lambda: con.executescript("CREATE TABLE IF NOT EXISTS u (a); INSERT INTO u VALUES (1)").fetchall())
    tell(lambda: (isinstance(con, sqlite3.Connection), isinstance(con, Early)))
    tell(lambda: con.cursor().connection is con)
    tell(lambda: isinstance(con.cursor(), sqlite3.Cursor))
    tell(lambda: (con.in_transaction, con.total_changes, con.isolation_level))
    with con:
        tell(lambda: con.execute("INSERT INTO u VALUES (2)").rowcount)
    tell(lambda: con.in_transaction)
    con.close()
    tell(lambda: con.execute("SELECT 1"))
    tell(lambda: con.close())


def program_calls_of_the_classes() -> None:
    for cls in (sqlite3.Connection, sqlite3.dbapi2.Connection, Early, HELD["Connection"], *EARLY):
        print("--", cls.__name__)
        use(cls(":memory:"))


def program_factories() -> None:
    for cls in (sqlite3.Connection, *EARLY):
        print("--", cls.__name__)
        if cls is not WithInit:  # which does not take a factory's arguments
            use(sqlite3.connect(":memory:", factory=cls))
    use(connect(":memory:", factory=lambda *args, **kwargs: Own(*args)))
    use(connect(":memory:", factory=functools.partial(Own, timeout=3)))
    use(HELD["connect"](":memory:"))
    use(HELD["connect"](":memory:", factory=HELD["Connection"]))


def program_class_statements_now() -> None:
    class Late(sqlite3.Connection):
        def execute(self, *args: Any) -> Any:
            print("late", args)
            return super().execute(*args)

    class LateInit(Early):
        def __init__(self, path: str) -> None:
            super().__init__(path)
            self.path = path

    class LateSlots(sqlite3.Connection):
        __slots__ = ("a", "b")

    class LateMixed(collections.abc.Sized, sqlite3.Connection):
        def __len__(self) -> int:
            return 3

    class LateOfBoth(Own, sqlite3.Connection):
        pass

    class LateAbstract(sqlite3.Connection, abc.ABC):
        pass

    for cls in (Late, LateInit, LateSlots, LateMixed, LateOfBoth, LateAbstract):
        print("--", cls.__name__, cls.__bases__[-1].__name__, issubclass(cls, sqlite3.Connection))
        use(cls(":memory:"))
        if cls is not LateInit:
            use(sqlite3.connect(":memory:", factory=cls))
    con = LateInit(":memory:")
    print(vars(con), hasattr(LateSlots(":memory:"), "__dict__"))
    con.close()


def program_identity() -> None:
    con = sqlite3.connect(":memory:")
    cur = con.cursor()
    print(type(con) is sqlite3.Connection, type(con) in {sqlite3.Connection}, type(cur) is sqlite3.Cursor)
    print(type(con) is sqlite3.dbapi2.Connection, Early is sqlite3.Connection, Cursor is sqlite3.Cursor)
    print(isinstance(con, HELD["Connection"]), isinstance(cur, HELD["Cursor"]))
    print(
        type(con),
        type(cur),
        sqlite3.Connection,
        sqlite3.Cursor,
        type(sqlite3.Connection.execute).__name__[:0],
    )
    print([issubclass(cls, sqlite3.Connection) for cls in EARLY])
    own = Own(":memory:")
    print(type(own) is Own, isinstance(own, (str, sqlite3.Connection)), vars(own))
    print(isinstance(con, Own), isinstance("x", sqlite3.Connection), issubclass(int, sqlite3.Connection))
    own.extra = 5  # type: ignore[attr-defined]
    print(vars(own), weakref.ref(own)() is own)
    print(type(own.execute("SELECT 1")) is sqlite3.Cursor)
    print(type(own.cursor(OwnCursor)) is OwnCursor)
    print(type(con.cursor(factory=SlottedCursor)) is SlottedCursor)
    tell(lambda: weakref.ref(con) and None)
    tell(lambda: con.foo)
    tell(lambda: setattr(con, "foo", 1))
    print(
        typing.get_type_hints(_annotated)
        == {"con": typing.Optional[sqlite3.Connection], "return": type(None)}
    )
    print(inspect.isclass(sqlite3.Connection), sqlite3.Connection.__name__, sqlite3.Connection.__qualname__)
    print(sqlite3.Connection.__module__, sqlite3.Connection.__doc__, sqlite3.Cursor.__doc__)
    print(sqlite3.Connection.cursor.__name__, sqlite3.Cursor.execute.__name__)
    print(hash(con) == hash(con), con == con, con != sqlite3)
    print({sqlite3.Connection: 1}[type(con)], pickle.loads(pickle.dumps(sqlite3.Connection)) is type(con))
    for thing in (con, own):
        thing.close()


def _annotated(con: typing.Optional[sqlite3.Connection]) -> None: ...


def program_dispatch() -> None:
    @functools.singledispatch
    def kind(value: Any) -> str:
        return "other"

    @kind.register(sqlite3.Connection)
    def _(value: Any) -> str:
        return "connection"

    print(kind(sqlite3.connect(":memory:")), kind(Own(":memory:")), kind(3), kind(Early(":memory:")))


def program_cursors() -> None:
    for cls in (sqlite3.Cursor, Cursor, HELD["Cursor"], OwnCursor, SlottedCursor, FrozenCursor):
        con = sqlite3.connect(":memory:")
        cur = cls(con)
        print("--", cls.__name__, type(cur) is cls or cls is HELD["Cursor"])
        tell(lambda cur=cur: cur.execute("SELECT 1 UNION SELECT 2").fetchall())
        tell(lambda cur=cur: list(cur.execute("SELECT 1 UNION SELECT 2")))
        tell(lambda cur=cur: next(cur.execute("SELECT 1 UNION SELECT 2")))
        tell(lambda cur=cur: cur.fetchmany(5))
        tell(lambda cur=cur: cur.executemany("SELECT ?", [(1,)]))
        tell(lambda cur=cur, con=con: cur.connection is con)
        tell(lambda cur=cur, cls=cls: list(cur.connection.cursor(cls).execute("SELECT 3")))
        cur.close()
        tell(lambda cur=cur: cur.execute("SELECT 1"))
        tell(lambda cur=cur: cur.fetchone())
        con.close()
    tell(lambda: sqlite3.Cursor(None))  # type: ignore[arg-type]
    tell(lambda: sqlite3.Cursor())  # type: ignore[call-arg]
    cur = sqlite3.Cursor.__new__(sqlite3.Cursor)
    tell(lambda: cur.execute("SELECT 1"))
    tell(lambda: cur.fetchone())


def program_initialised_again() -> None:
    con = sqlite3.Connection.__new__(sqlite3.Connection)
    tell(lambda: con.execute("SELECT 1"))
    tell(lambda: con.close())
    con.__init__(":memory:")  # type: ignore[misc]
    con.execute("CREATE TABLE t (a)")
    tell(lambda: con.execute("SELECT name FROM sqlite_master").fetchall())
    con.__init__(":memory:")  # type: ignore[misc]
    tell(lambda: con.execute("SELECT name FROM sqlite_master").fetchall())
    con.close()
    tell(lambda: sqlite3.Connection())  # type: ignore[call-arg]
    tell(lambda: sqlite3.Connection("/no/such/folder/x.db"))
    tell(lambda: sqlite3.Connection(3.5))  # type: ignore[arg-type]
    tell(lambda: sqlite3.Connection(":memory:", nonsense=1))  # type: ignore[call-arg]
    tell(lambda: Own("/no/such/folder/x.db"))


def program_pickling() -> None:
    con, own = sqlite3.connect(":memory:"), Own(":memory:")
    for thing in (con, own, con.cursor()):
        for act in (pickle.dumps, copy.copy, copy.deepcopy):
            tell(lambda thing=thing, act=act: act(thing))

    class Travels(sqlite3.Connection):
        def __reduce__(self) -> Any:
            return print, (sorted(getattr(self, "__dict__", {})),)

    travels = Travels(":memory:")
    travels.x = 1  # type: ignore[attr-defined]
    pickle.loads(pickle.dumps(travels))
    copyreg.pickle(sqlite3.Connection, lambda con: (str, ("by copyreg",)))  # type: ignore[arg-type, return-value]
    tell(lambda: pickle.loads(pickle.dumps(con)))
    tell(lambda: copy.copy(con))
    del copyreg.dispatch_table[sqlite3.Connection]
