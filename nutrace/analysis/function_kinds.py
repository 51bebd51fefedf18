"""Whether a function is a generator or a coroutine, by its source text; nothing is imported."""

from __future__ import annotations

import ast
import os
import re
import stat
from enum import Enum
from functools import cache
from typing import List, Optional, Tuple, Union

_LARGEST = 8_000_000  # bytes; generated modules may have that size
_MARKS = re.compile(r"\byield\b|\basync\s+def\b")
_CLOSING = (")", "]", "}", "#")  # a signature that ends with one of these is indented like its def
_MOST_DECORATORS = 200  # lines between a function's first decorator and its def


class Kind(Enum):
    """What it means that a function was entered."""

    FUNCTION = "function"  # each entry is a call
    GENERATOR = "generator"  # each resumption enters it
    CONTEXT_MANAGER = "context manager"  # a generator that is entered twice for each with-block
    COROUTINE = "coroutine"  # entered again after each wait
    UNKNOWN = "unknown"  # the source is not here, or is of another version


Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


def kind_of(file: str, line: int, name: str) -> Kind:
    """The kind of a function.

    Parameters
    ----------
    file, line, name:
        Where its code begins (at the first decorator), and its name.
    """
    if name == "<genexpr>":
        return Kind.GENERATOR
    if file == "~" or name.startswith("<"):
        return Kind.FUNCTION  # written in C, or a module, a comprehension, a lambda
    lines = _lines(file)
    if lines is None:
        return Kind.UNKNOWN
    if not lines:
        return Kind.FUNCTION
    definition = _block(lines, line, name)
    if definition is None:
        return Kind.UNKNOWN
    block, is_function = definition
    if not is_function or not _MARKS.search(block):
        return Kind.FUNCTION
    function = _parsed(block)
    return Kind.UNKNOWN if function is None else _kind(function)


@cache
def _lines(file: str) -> Optional[List[str]]:
    """The file's lines, an empty list if nothing in it yields or waits, ``None`` if it cannot be read."""
    # The path comes from a profile, which is not trusted: open no device and no pipe.
    if not file.endswith(".py"):
        return None
    try:
        status = os.stat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return None
        with open(file, encoding="utf-8", errors="replace") as source:
            text = source.read(_LARGEST)
    except (OSError, ValueError):
        return None
    return text.split("\n") if _MARKS.search(text) else []


def _block(lines: List[str], line: int, name: str) -> Optional[Tuple[str, bool]]:
    """The text of the definition at `line` with its decorators, and whether it defines a function."""
    header = re.compile(rf"(\s*)(class|(?:async\s+)?def)\s+{re.escape(name)}\b")
    for at in range(max(line - 1, 0), min(line - 1 + _MOST_DECORATORS, len(lines))):
        match = header.match(lines[at])
        if match:
            break
        if at == line - 1 and not lines[at].lstrip().startswith("@"):
            return None  # neither the definition nor a decorator: the file is another version
    else:
        return None
    indent, end = len(match[1]), at + 1
    in_text = _opens_text(lines[at], "")
    while end < len(lines):
        text = lines[end].lstrip()
        outside = text and len(lines[end]) - len(text) <= indent and not text.startswith(_CLOSING)
        # A line inside a triple-quoted string does not end the block, wherever it begins.
        if outside and not in_text:
            break
        in_text = _opens_text(lines[end], in_text)
        end += 1
    return "\n".join(lines[line - 1 : end]), match[2] != "class"


def _opens_text(line: str, before: str) -> str:
    """The kinds of triple quotes that are open after a line; `before` has those open before it."""
    return "".join(quote for quote in ("'''", '"""') if (line.count(quote) + (quote in before)) % 2)


def _parsed(block: str) -> Optional[Function]:
    """The function that `block` defines."""
    try:
        # Strings inside an indented method may begin at the margin, so the block cannot be dedented.
        tree: ast.AST = ast.parse(f"if True:\n{block}" if block[:1].isspace() else block)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what ast.parse raises
        return None
    while isinstance(tree, (ast.Module, ast.If)):
        tree = tree.body[0]
    return tree if isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef)) else None


def _kind(function: Function) -> Kind:
    if isinstance(function, ast.AsyncFunctionDef):
        return Kind.COROUTINE
    if not _yields(function):
        return Kind.FUNCTION
    is_manager = any(map(_makes_manager, function.decorator_list))
    return Kind.CONTEXT_MANAGER if is_manager else Kind.GENERATOR


def _makes_manager(decorator: ast.expr) -> bool:
    name = decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")
    return name == "contextmanager"


def _yields(function: Function) -> bool:
    """Whether the function itself contains a yield, functions inside it left out."""
    queue: List[ast.AST] = list(function.body)
    while queue:
        node = queue.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            queue.extend(ast.iter_child_nodes(node))
    return False
