"""Look for targets in source that cannot be imported here: the files are parsed, never run."""

from __future__ import annotations

import ast
import warnings
from functools import cache
from pathlib import Path
from typing import Optional, Sequence, Union

Definition = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]


def missing_in_source(target: str, roots: Sequence[Path]) -> Optional[str]:
    """Why `target` is not in the packages below `roots`; ``None`` if it is there."""
    module, _, qualname = target.partition(":")
    file = _file(module, roots)
    if file is None:
        return f"no module {module}"
    names = qualname.split(".")
    if len(names) == 1:
        found = isinstance(_definition(file, names[0]), (ast.FunctionDef, ast.ClassDef))
    else:
        found = _has_method(module, names[0], names[1], roots)
    return None if found else f"{module} has no {qualname}"


def _file(module: str, roots: Sequence[Path]) -> Optional[Path]:
    path = Path(*module.split("."))
    candidates = (root / name for root in roots for name in (path.with_suffix(".py"), path / "__init__.py"))
    return next((file for file in candidates if file.is_file()), None)


@cache
def _parsed(file: Path) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a formula in a docstring
        return ast.parse(file.read_text(encoding="utf-8"), str(file))


def _definition(file: Path, name: str) -> Optional[Definition]:
    for node in _parsed(file).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
            return node
    return None


def _has_method(module: str, cls: str, method: str, roots: Sequence[Path]) -> bool:
    """Whether a class defines or inherits a method, as far as its base classes are below `roots`."""
    file = _file(module, roots)
    node = _definition(file, cls) if file is not None else None
    if file is None or not isinstance(node, ast.ClassDef):
        return False
    if any(isinstance(each, ast.FunctionDef) and each.name == method for each in node.body):
        return True
    bases = (base.id for base in node.bases if isinstance(base, ast.Name))
    return any(_has_method(*_origin(file, module, base), method, roots) for base in bases)


def _origin(file: Path, module: str, name: str) -> tuple[str, str]:
    """The module that a name of another module is from, and its name there."""
    for node in _parsed(file).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    above = module.split(".")[: -node.level] if node.level else []
                    return ".".join((*above, *filter(None, [node.module]))), alias.name
    return module, name
