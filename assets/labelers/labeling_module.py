"""Imports a file of labeling functions, and finds what it declares."""

import importlib.util
import sys
import traceback
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from assets.labelers.labeling_function import DECLARED, LabelingFunction
from assets.labelers.source_digest import function_versions

MODULE = "labeling_file"
"""A name of its own: a file called random.py must not take the place of Python's."""


@dataclass(frozen=True)
class LoadFault:
    """Why a file cannot be used, and in which line."""

    line: int | None
    reason: str


@dataclass(frozen=True)
class LoadedFunctions:
    """The functions that a file declares, in its order, and their versions by name."""

    functions: list[LabelingFunction]
    versions: dict[str, str]


def load_functions(root: Path, file: Path) -> LoadedFunctions | LoadFault:
    """Import a file of the project; its other modules can be imported from the root."""
    if str(root) not in sys.path:
        sys.path.append(str(root))
    DECLARED.clear()
    before = set(sys.modules)
    fault = _import(file)
    if fault is not None:
        return fault
    functions = [declared for declared in DECLARED if declared.file == str(file)]
    fault = _named_once(functions)
    if fault is not None:
        return fault
    names = [function.name for function in functions]
    imported = _sources_below(root, set(sys.modules) - before - {MODULE})
    versions = function_versions(file.read_text(encoding="utf-8"), names, imported)
    return LoadedFunctions(functions, versions)


def _import(file: Path) -> LoadFault | None:
    spec = importlib.util.spec_from_file_location(MODULE, file)
    if spec is None or spec.loader is None:
        return LoadFault(None, "not a Python file; its name has to end with .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        line = error.lineno if error.filename == str(file) else None
        return LoadFault(line, f"cannot be imported: {type(error).__name__}: {error}")
    except BaseException as error:  # noqa: BLE001 - a module may also call sys.exit
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(file)]
        reason = f"cannot be imported: {type(error).__name__}: {error}"
        return LoadFault(lines[-1] if lines else None, reason)
    return None


def _named_once(functions: list[LabelingFunction]) -> LoadFault | None:
    if not functions:
        return LoadFault(None, "declares no function; decorate one with @labeling_function")
    first: dict[str, int] = {}
    for function in functions:
        if function.name in first:
            reason = f"'{function.name}' is declared in line {first[function.name]} already"
            return LoadFault(function.line, reason)
        first[function.name] = function.line
    return None


def _sources_below(root: Path, names: Collection[str]) -> dict[str, str]:
    """Text of those modules that are the project's own, by name."""
    texts = {}
    for name in names:
        path = Path(getattr(sys.modules[name], "__file__", None) or sys.prefix)
        if path.is_relative_to(root) and not path.is_relative_to(sys.prefix):
            texts[name] = path.read_text(encoding="utf-8")
    return texts
