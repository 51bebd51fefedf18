"""The qualified name of a function, from its place in a source file.

A sampler knows the name of a function's code, its file and the line of its beginning, which is that of the
first decorator. A probe needs the way to it, such as ``Class.method``, and the source says it: nothing is
imported.
"""

from __future__ import annotations

import ast
import os
import stat
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple, Union

from nutrace.trace.sampled import SampledFunction

_LARGEST = 10_000_000  # bytes
_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


class Unreachable(Exception):
    """A probe cannot be put on the function; the message says why."""


@dataclass(frozen=True)
class _Definition:
    name: str
    qualname: str
    line: int
    lines: Tuple[int, int]  # where it begins: its first decorator, and its def
    obstacle: str
    of_property: bool  # it sets or deletes one, and has its name


class Sources:
    """Finds functions in source files; each file is parsed once."""

    def __init__(self) -> None:
        self._files: Dict[str, Union[List[_Definition], str]] = {}

    def qualname(self, function: SampledFunction) -> str:
        """The name under which the function's module has it, such as ``Class.method``.

        Raises
        ------
        Unreachable
            If the source is not there or has changed, or if no probe can be put on such a function.
        """
        # Since Python 3.11 py-spy says Class.method, and outer.<locals>.inner.
        name = function.name.rpartition(".")[2]
        if name.startswith("<"):
            raise Unreachable("it has no name")
        definitions = self._files.get(function.file)
        if definitions is None:
            definitions = self._files[function.file] = _read(function.file)
        if isinstance(definitions, str):
            raise Unreachable(definitions)
        named = same = [definition for definition in definitions if definition.name == name]
        if function.line:
            same = [definition for definition in same if function.line in definition.lines]
        elif len(same) > 1:
            same = [definition for definition in same if definition.qualname == function.name] or same
        if not same:
            raise Unreachable(
                f"the source has no such function at line {function.line}: it has changed since"
            )
        if len(same) > 1:
            raise Unreachable("the source has several of this name, and the samples no line")
        definition = same[0]
        if definition.obstacle:
            raise Unreachable(definition.obstacle)
        later = [other for other in named if other.line > definition.line and not other.of_property]
        if any(other.qualname == definition.qualname for other in later):
            raise Unreachable(f"the source defines {definition.qualname} again below it")
        return definition.qualname


def _read(file: str) -> Union[List[_Definition], str]:
    """The functions of a file, or why they are not known."""
    try:
        state = os.stat(file)
        if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST:
            return "its file is not a Python source"
        with open(file, "rb") as source:
            tree = ast.parse(source.read(_LARGEST))
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            return "its source is not on this machine"
        return "its source cannot be read"
    except (SyntaxError, RecursionError, MemoryError):
        return "its source cannot be parsed by this version of Python"
    definitions: List[_Definition] = []
    # What is still to be looked through: a node, the names around it, the class and whether a function is.
    waiting: List[Tuple[ast.AST, Tuple[str, ...], str, bool]] = [(tree, (), "", False)]
    while waiting:
        node, names, in_class, in_function = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _Function):
                definitions.append(_definition(child, names, in_class, in_function))
                waiting.append((child, (*names, child.name), "", True))
            elif isinstance(child, ast.ClassDef):
                waiting.append((child, (*names, _mangled(child.name, in_class)), child.name, in_function))
            elif not isinstance(child, ast.expr):
                waiting.append((child, names, in_class, in_function))
    return definitions


def _definition(
    node: Union[ast.FunctionDef, ast.AsyncFunctionDef],
    names: Tuple[str, ...],
    in_class: str,
    in_function: bool,
) -> _Definition:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    decorators = {_last_name(decorator) for decorator in node.decorator_list}
    of_property = bool(decorators & {"setter", "deleter"})
    obstacle = ""
    if in_function:
        obstacle = "it is defined inside another function"
    elif decorators & {"contextmanager", "asynccontextmanager"}:
        obstacle = "it is a context manager: its span would be the block that it manages"
    elif of_property:
        obstacle = "it sets or deletes a property: only reading one can be probed"
    elif "overload" in decorators:
        obstacle = "it is a declaration"
    elif isinstance(node, ast.AsyncFunctionDef) and _yields(node):
        obstacle = "it is an asynchronous generator"
    qualname = ".".join((*names, _mangled(node.name, in_class)))
    return _Definition(node.name, qualname, node.lineno, (first, node.lineno), obstacle, of_property)


def _mangled(name: str, in_class: str) -> str:
    """A private name as the class has it."""
    owner = in_class.lstrip("_")
    return f"_{owner}{name}" if owner and name.startswith("__") and not name.endswith("__") else name


def _last_name(decorator: ast.expr) -> Optional[str]:
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    if isinstance(decorator, ast.Attribute):
        return decorator.attr
    return decorator.id if isinstance(decorator, ast.Name) else None


def _yields(function: ast.AsyncFunctionDef) -> bool:
    waiting: List[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield):
            return True
        if not isinstance(node, (*_Function, ast.Lambda, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(node))
    return False
