"""What a function does, apart from names, texts and annotations: whether it is one that we know."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from types import FunctionType
from typing import Dict, Iterator, Mapping, NamedTuple, Optional, Tuple


class Shape(NamedTuple):
    """What two functions have in common that do the same."""

    digest: str  # of the statements, 16 hex digits, the same in all versions of Python
    lines: Dict[str, int]  # the last line that has an attribute of that name
    raised: Tuple[str, ...]  # texts that are raised


def shape_of(function: FunctionType) -> Optional[Shape]:
    """A function's shape; none if its source cannot be read, or says only a part of what it does."""
    if hasattr(function, "__wrapped__"):
        return None  # what would be read is the source of the function inside
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError, TypeError, ValueError):
        return None
    if not isinstance(tree, ast.FunctionDef) or tree.decorator_list:
        return None
    local = {name: f"#{place}" for place, name in enumerate(function.__code__.co_varnames)}
    body = tree.body if ast.get_docstring(tree, clean=False) is None else tree.body[1:]
    said = [word for node in (tree.args, *body) for word in _said(node, local)]
    above = function.__code__.co_firstlineno - tree.lineno
    named = sorted(
        (node.lineno + above, node.attr) for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    )
    raised = [node for outer in ast.walk(tree) if isinstance(outer, ast.Raise) for node in ast.walk(outer)]
    return Shape(
        hashlib.blake2b("\n".join(said).encode(), digest_size=8).hexdigest(),
        {name: line for line, name in named},
        tuple(str(node.value) for node in raised if isinstance(node, ast.Constant)),
    )


_UNSAID = frozenset({"annotation", "ctx", "kind", "returns", "simple", "type_comment", "type_params"})


def _said(node: ast.AST, local: Mapping[str, str]) -> Iterator[str]:
    """A tree in words: a local name is told by its place, a text by being one."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        node = ast.Assign(targets=[node.target], value=node.value)
    yield type(node).__name__
    if _is_text(node):
        return
    is_name = isinstance(node, (ast.Name, ast.arg))
    for field, value in ast.iter_fields(node):
        if field in _UNSAID:
            continue
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, ast.AST):
                yield from _said(each, local)
            elif each is not None:
                yield local.get(each, each) if is_name else repr(each)
        yield "."


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
