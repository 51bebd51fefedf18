"""Probed functions: what they are, what can be read off them, and what can be set."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import inspect
import io
import pickle
import pydoc
import sys
import types
import typing
import weakref
from typing import Any, AsyncIterator, Awaitable, Iterator

from common import probe, tell

FACTOR = 3


@probe
def scale(x: int, /, y: int = 2, *rest: int, key: str = "k", **more: Any) -> int:
    """Scale a number."""
    return x * y * FACTOR + len(rest)


@probe(component="planner", name="the numbers")
def numbers(n: int) -> Iterator[int]:
    """Count."""
    got = None
    for number in range(n):
        got = yield number if got is None else got


@probe
async def waits(x: int) -> int:
    """Wait."""
    await asyncio.sleep(0)
    return x


@probe
@contextlib.contextmanager
def managed(name: str) -> Iterator[str]:
    """Manage."""
    print("in", name)
    try:
        yield name
    finally:
        print("out", name)


async def stream(n: int) -> AsyncIterator[int]:
    for number in range(n):
        yield number


@probe
@functools.cache
def cached(x: int) -> int:
    print("computed", x)
    return x + 1


@functools.cache
@probe
def cached_outside(x: int) -> int:
    print("computed outside", x)
    return x + 2


@functools.singledispatch
@probe
def kind(value: Any) -> str:
    return "other"


@kind.register
@probe
def _kind_of_int(value: int) -> str:
    return "int"


@probe
@functools.wraps(scale)
def wrapping(*args: Any, **kwargs: Any) -> Any:
    return scale(*args, **kwargs)


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


@decorated
@probe
def twice_decorated(x: int) -> int:
    return x


@probe
def closed_over() -> Any:
    secret = 42

    @probe
    def inner() -> int:
        return secret + FACTOR

    return inner


def new_code(x, /, y=2, *rest, key="k", **more):  # type: ignore[no-untyped-def]
    return ("new", x, y)


FUNCTIONS = (scale, numbers, waits, managed, stream, cached, wrapping, twice_decorated, closed_over)


def program_attributes() -> None:
    for function in FUNCTIONS:
        print("--", function.__name__, function.__qualname__, function.__module__, function.__doc__)
        for name in ("__defaults__", "__kwdefaults__", "__annotations__", "__dict__", "__type_params__"):
            tell(lambda function=function, name=name: str(getattr(function, name)).split(" at 0x")[0])
        tell(lambda function=function: function.__code__.co_name)
        tell(lambda function=function: function.__code__.co_firstlineno)
        tell(lambda function=function: [type(cell).__name__ for cell in function.__closure__ or ()])
        tell(lambda function=function: function.__globals__ is globals())
        tell(lambda function=function: sorted(set(dir(function))))
        print(repr(function).split(" at 0x")[0], callable(function), bool(function))


def program_inspect() -> None:
    for function in FUNCTIONS:
        print("--", function.__name__)
        for act in (
            inspect.signature,
            inspect.getcomments,
            inspect.getmodule,
            inspect.getdoc,
            inspect.iscoroutinefunction,
            inspect.isgeneratorfunction,
            inspect.isasyncgenfunction,
            inspect.isfunction,
            inspect.ismethod,
            inspect.isroutine,
            inspect.isbuiltin,
            inspect.isclass,
            inspect.ismethoddescriptor,
            inspect.isdatadescriptor,
            inspect.getfullargspec,
            asyncio.iscoroutinefunction,
            typing.get_type_hints,
        ):
            tell(lambda act=act, function=function: str(act(function)).split(" at 0x")[0])
        tell(lambda function=function: inspect.unwrap(function).__name__)
        for act in (inspect.getsource, inspect.getsourcefile):
            if isinstance(function, types.FunctionType):  # messages about others name their C type
                tell(lambda act=act, function=function: act(function))
        tell(lambda function=function: inspect.signature(functools.partial(function)))
    tell(lambda: sorted(inspect.getclosurevars(closed_over()).nonlocals))
    tell(lambda: sorted(inspect.getclosurevars(scale).globals))
    tell(lambda: inspect.signature(scale).bind(1, 2, key="x").arguments)
    tell(lambda: inspect.getcallargs(twice_decorated, 1))
    tell(lambda: pydoc.render_doc(scale, renderer=pydoc.plaintext))
    print(isinstance(scale, types.FunctionType), type(scale.__code__) is types.CodeType)


def program_calls() -> None:
    tell(lambda: scale(2, 3, 4, key="z", other=1))
    tell(lambda: scale())  # type: ignore[call-arg]
    tell(lambda: scale(x=1))  # type: ignore[call-arg]
    tell(lambda: list(numbers(3)))
    generator = numbers(3)
    print(next(generator), generator.send(7), list(generator), inspect.isgenerator(generator))  # type: ignore[attr-defined]
    print(generator.gi_frame is None, generator.__name__, generator.__qualname__)  # type: ignore[attr-defined]
    tell(lambda: numbers(3).throw(ValueError("thrown")))  # type: ignore[attr-defined]
    tell(lambda: asyncio.run(waits(5)))
    coroutine = waits(1)
    print(inspect.iscoroutine(coroutine), inspect.isawaitable(coroutine), isinstance(coroutine, Awaitable))
    print(coroutine.__name__, coroutine.__qualname__, coroutine.cr_running)  # type: ignore[attr-defined]
    coroutine.close()  # type: ignore[attr-defined]
    with managed("a") as name:
        print(name)
    print(cached.__wrapped__(1), cached.__wrapped__(1), "not cached")
    print([cached(1), cached(1), cached.cache_info(), cached_outside(1), cached_outside(1)])
    cached.cache_clear()
    print(cached.cache_info(), cached.__wrapped__.__name__)
    print(kind(1), kind("x"), sorted(cls.__name__ for cls in kind.registry), kind.dispatch(int)(3))
    print(wrapping(2), wrapping.__wrapped__.__name__, twice_decorated(1), closed_over()())
    print(functools.partial(scale, 2)(4), functools.reduce(scale, [1, 2, 3]), list(map(scale, [1, 2])))
    print(sorted([3, 1, 2], key=lambda x: -scale(x)), max([1, 5], key=scale))


def program_setting() -> None:
    function = types.FunctionType(scale.__code__, globals(), "made", (2,), None)
    function.__kwdefaults__ = {"key": "k"}
    print(probe(function)(1))
    made = probe(function)
    made.__code__ = new_code.__code__
    print(made(1), function(1))
    made.__defaults__ = (9,)
    made.__kwdefaults__ = {"key": "other"}
    print(made(1), function.__defaults__, made.__kwdefaults__)
    made.__doc__, made.__name__, made.__qualname__, made.__module__ = "new", "renamed", "q.renamed", "m"
    made.__annotations__ = {"x": int}
    print(
        function.__doc__, function.__name__, function.__qualname__, function.__module__, made.__annotations__
    )
    made.extra = 5
    print(function.extra, vars(made)["extra"], made.__dict__ is function.__dict__)  # type: ignore[attr-defined]
    del made.extra
    print(hasattr(function, "extra"))
    tell(lambda: setattr(made, "__code__", 5))
    tell(lambda: setattr(made, "__globals__", {}))
    tell(lambda: setattr(made, "__closure__", ()))
    made.__signature__ = inspect.signature(lambda only: None)
    print(inspect.signature(made))
    made.__wrapped__ = numbers
    print(made.__wrapped__ is numbers, inspect.unwrap(made).__name__)
    made.__dict__ = {"fresh": 1}
    print(made.fresh, function.fresh)  # type: ignore[attr-defined]


def program_travel() -> None:
    for name in (function.__name__ for function in FUNCTIONS):  # of the module, as pickle looks there
        function = globals()[name]
        tell(lambda function=function: pickle.loads(pickle.dumps(function)) is function)
        tell(lambda function=function: copy.copy(function) is function)
        tell(lambda function=function: copy.deepcopy([function])[0] is function)
        tell(lambda function=function: weakref.ref(function)() is function)
        tell(lambda function=function: {function: 1}[function])
        tell(lambda function=function: function == function and function != 5)
    tell(lambda: pickle.dumps(closed_over()))
    try:
        import cloudpickle
    except ImportError:
        return
    print(pickle.loads(cloudpickle.dumps(closed_over()))(), pickle.loads(cloudpickle.dumps(scale)) is scale)


def program_types() -> None:
    print(isinstance(scale, typing.Callable), callable(scale), isinstance(scale, object))  # type: ignore[arg-type]
    method = types.MethodType(scale, 4)
    print(method(2), method.__func__ is scale, method.__self__, method == types.MethodType(scale, 4))
    print(staticmethod(scale).__func__ is scale, classmethod(scale).__func__ is scale)
    print(property(scale).fget is scale, functools.cached_property(scale).func is scale)
    with contextlib.redirect_stdout(io.StringIO()) as text:
        help(scale)
    print(text.getvalue().splitlines()[2:4])
    if sys.version_info >= (3, 10):
        print(eval("scale | None", {"scale": int}))
    print(format(scale, "").split(" at 0x")[0], str(scale).split(" at 0x")[0])
    print(scale.__get__(3, int)(2), scale.__get__(None, int) is scale, scale.__call__(2))
    print(typing.cast(Any, scale) is scale, inspect.getattr_static(scale, "__name__", "") != "")
    print(hasattr(scale, "__wrapped__"), hasattr(scale, "nothing"))
    tell(lambda: scale.nothing)  # type: ignore[attr-defined]
    tell(lambda: scale[0])  # type: ignore[index]
    tell(lambda: len(scale))  # type: ignore[arg-type]
    tell(lambda: scale + 1)  # type: ignore[operator]
