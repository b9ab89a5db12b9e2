"""The version of a labeling function: a digest of the code that it can depend on.

Covered: the function itself; everything at the top of its file that is not a labeling function
(imports, constants, other functions), because any of it may be used; labeling functions that
covered code names; and whole modules of the project that the file imports. Not covered: installed
packages, Python itself, data files that the code reads. Comments, docstrings and layout make no
difference.
"""

import ast
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SCOPES = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def function_versions(
    source: str, functions: Sequence[str], imported: Mapping[str, str]
) -> dict[str, str]:
    """Version of each labeling function of a file, 64 hex digits.

    Args:
        source: Text of the file.
        functions: Names of the labeling functions. One that the file does not define under its
            name (made in a loop) depends on the whole file.
        imported: Text of the project's own modules that the file imports, by module name.
    """
    body = ast.parse(source).body
    defined: dict[str, ast.stmt] = {
        node.name: node
        for node in body
        if isinstance(node, ast.FunctionDef) and node.name in set(functions)
    }
    shared = [node for node in body if node not in defined.values()]
    around = [(name, _form(ast.parse(text))) for name, text in sorted(imported.items())]
    versions = {}
    for name in functions:
        start = [*shared, defined[name]] if name in defined else body
        covered = _with_named(start, defined)
        code = [_form(node) for node in body if node in covered]
        versions[name] = _digest((name, code, around))
    return versions


def _with_named(start: Iterable[ast.stmt], defined: Mapping[str, ast.stmt]) -> set[ast.stmt]:
    """The statements and, through any number of steps, the functions that they name."""
    covered: set[ast.stmt] = set()
    waiting = list(start)
    while waiting:
        node = waiting.pop()
        if node not in covered:
            covered.add(node)
            names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
            waiting += [defined[name] for name in names & defined.keys()]
    return covered


def _form(node: Any) -> Any:
    """A syntax tree as nested tuples that are the same in every supported Python."""
    if isinstance(node, list):
        return tuple(_form(child) for child in node)
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = dict(ast.iter_fields(node))
    if isinstance(node, _SCOPES):
        fields["body"] = _without_docstring(node.body)
    present = sorted((name, value) for name, value in fields.items() if value not in (None, []))
    return (type(node).__name__, *((name, _form(value)) for name, value in present))


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return body[1:] if isinstance(first.value.value, str) else body
    return body


def _digest(form: Any) -> str:
    return hashlib.sha256(repr(form).encode()).hexdigest()
