"""What a dataset file refers to: its own name, the project's files, the methods of quality/."""

import importlib
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.dataset_file.document import Document, KeyPath
from assets.dataset_file.faults import Fault
from assets.dataset_file.models import Consensus
from assets.dataset_file.sections import value_at
from assets.dataset_file.synthetic_checks import synthetic_checks
from assets.dataset_file.wording import known_name

FILES = {
    "functions": ("path",),
    "coco_results": ("path", "images"),
    "span_predictions": ("path",),
}
Check = Callable[[Any], str | None]
"""What was expected instead of a value; None where the value will do."""


@dataclass(frozen=True)
class Names:
    """Names that a dataset file may give; None where they are not checked.

    Attributes:
        aggregators: The parameters of each aggregator, by its name, and how a value is checked.
        strategies: Ways to pick what people review.
    """

    aggregators: Mapping[str, Mapping[str, Check]] | None = None
    strategies: Collection[str] | None = None


def known_names() -> Names:
    """The names that quality/ knows."""
    from quality.consensus.aggregators import AGGREGATORS

    parameters = {name: _parameters(method) for name, method in AGGREGATORS.items()}
    return Names(parameters, _strategies())


def _parameters(method: type) -> dict[str, Check]:
    from quality.consensus.params import RULES

    def check(name: str) -> Check:
        rule = RULES.get(name)
        return lambda value: None if rule is None or rule.allows(value) else str(rule)

    names = inspect.signature(method).parameters.keys() - {"classes"}
    return {name: check(name) for name in names}


def _strategies() -> Collection[str] | None:
    try:
        selection = importlib.import_module("quality.selection")
    except ModuleNotFoundError:
        return None
    strategies: Collection[str] | None = getattr(selection, "STRATEGIES", None)
    return strategies


def reference_faults(path: Path, document: Document, names: Names) -> Iterator[Fault]:
    """What the file refers to and is not there."""
    for key, check in _checks(path, document, names):
        value = value_at(document.data, key)
        expected = None if value is None else check(value)
        if expected:
            at = document.values[key]
            if at.written is None:
                at = document.keys.get(key, at)
            yield Fault(path, at.line, at.column, key, at.written, expected)


def _checks(path: Path, document: Document, names: Names) -> Iterator[tuple[KeyPath, Check]]:
    yield ("name",), _text(lambda n: None if n == path.stem else f"'{path.stem}', the file's name")
    yield ("consensus", "aggregator"), _one_of(names.aggregators, "an aggregator")
    yield ("review", "strategy"), _one_of(names.strategies, "a strategy")
    yield from _parameter_checks(document, names)
    yield from synthetic_checks(document.data)
    labelers = value_at(document.data, ("labelers",))
    for i, labeler in enumerate(labelers if isinstance(labelers, list) else ()):
        for name in FILES.get(value_at(labeler, ("kind",)), ()):
            yield ("labelers", i, name), _below(path.parent.parent)


def _parameter_checks(document: Document, names: Names) -> Iterator[tuple[KeyPath, Check]]:
    place = ("consensus", "parameters")
    given = value_at(document.data, place)
    aggregator = value_at(document.data, ("consensus", "aggregator"))
    known = (names.aggregators or {}).get(aggregator or Consensus().aggregator)
    if known is None or not isinstance(given, dict):
        return
    for name in given:
        unknown = known_name(name, known, "a parameter") if known else "no parameters"
        yield (*place, name), known.get(name, _always(unknown))


def _always(expected: str) -> Check:
    return lambda _value: expected


def _text(check: Callable[[str], str | None]) -> Check:
    """The check where the value is a text; another type is a fault of its own already."""
    return lambda value: check(value) if isinstance(value, str) else None


def _one_of(names: Collection[str] | None, what: str) -> Check:
    known = names or ()
    return _text(lambda n: known_name(n, known, what) if known and n not in known else None)


def _below(root: Path) -> Check:
    def check(value: str) -> str | None:
        file = (root / value).resolve()
        if not file.is_relative_to(root.resolve()):
            return f"a file below the project's folder {root.resolve()}"
        return None if file.is_file() else f"a file that is there; there is none at {file}"

    return _text(check)
