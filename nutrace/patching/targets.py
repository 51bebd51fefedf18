"""Targets: how they are written, and the objects that they name."""

from __future__ import annotations

import functools
import inspect
from types import ModuleType
from typing import Any, Tuple

from nutrace.patching.replacement import MissingTarget


def split(target: str) -> Tuple[str, str]:
    """The module and the qualified name of ``"package.module:Class.method"``."""
    module, _, qualname = target.partition(":")
    return module, qualname


def resolve(module: ModuleType, qualname: str) -> Tuple[Any, str]:
    """The object that has the target, and the name under which it has it.

    No code of the program runs: a module's ``__getattr__`` might import, and wait for a thread that waits for
    our lock.

    Raises
    ------
    MissingTarget
        If there is no such object.
    """
    owner: Any = module
    *path, name = qualname.split(".")
    for part in path:
        owner = raw(owner, part)
    raw(owner, name)
    return owner, name


def raw(owner: Any, name: str) -> Any:
    """The object that `owner` has as `name`; descriptors are not bound.

    Raises
    ------
    MissingTarget
        If there is no such object.
    """
    try:
        return inspect.getattr_static(owner, name)
    except AttributeError:
        where = getattr(owner, "__qualname__", None) or getattr(owner, "__name__", owner)
        raise MissingTarget(f"{where} has no {name}") from None


def inner(value: Any) -> Any:
    """The function inside a descriptor, or `value` itself if it is no descriptor."""
    if isinstance(value, property):
        return value.fget
    if isinstance(value, functools.cached_property):
        return value.func
    if isinstance(value, (classmethod, staticmethod)):
        return value.__func__
    return value
