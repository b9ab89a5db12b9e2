"""Reads dataset files, and names every fault of a file at once."""

import importlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from assets.dataset_file.document import Document, KeyPath, Position, read
from assets.dataset_file.faults import DatasetFileInvalid, Fault
from assets.dataset_file.models import Dataset
from assets.dataset_file.sections import section_at, value_at
from assets.dataset_file.wording import expectation, known_name

LARGEST_FILE_BYTES = 1_000_000


@dataclass(frozen=True)
class Names:
    """Names that a dataset file may give, each None where they are not checked."""

    aggregators: Collection[str] | None = None
    strategies: Collection[str] | None = None


@dataclass(frozen=True)
class Loaded:
    """The datasets of a project, and the files that are none.

    Attributes:
        datasets: By name, in the order of the names.
        invalid: One error a faulty file; the others are not touched by it.
    """

    datasets: dict[str, Dataset]
    invalid: tuple[DatasetFileInvalid, ...]


def known_names() -> Names:
    """The names that quality/ knows."""
    return Names(
        aggregators=_names_of("quality.consensus.aggregators", "AGGREGATORS"),
        strategies=_names_of("quality.selection", "STRATEGIES"),
    )


def _names_of(module: str, attribute: str) -> Collection[str] | None:
    try:
        registry = getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError:
        return None
    return None if registry is None else tuple(registry)


def load_all(folder: Path, *, names: Names | None = None) -> Loaded:
    """Every dataset file of a folder; a faulty one does not take the others down."""
    names = names or known_names()
    datasets: dict[str, Dataset] = {}
    invalid: list[DatasetFileInvalid] = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            datasets[path.stem] = load(path, names=names)
        except DatasetFileInvalid as error:
            invalid.append(error)
    return Loaded(datasets, tuple(invalid))


def load(path: Path, *, names: Names | None = None) -> Dataset:
    """The dataset that a file datasets/NAME.yaml describes.

    Raises:
        DatasetFileInvalid: names everything that is wrong with the file.
    """
    document = _document(path)
    faults = [
        Fault(path, misread.at.line, misread.at.column, misread.key, None, misread.expected)
        for misread in document.misread
    ]
    dataset = None
    if document.values:
        try:
            dataset = Dataset.model_validate(document.data)
        except ValidationError as error:
            own = (details for details in error.errors() if not _follows(document, details))
            faults += [_fault(path, document, details) for details in own]
        faults += _reference_faults(path, document, names or known_names())
    if faults or dataset is None:
        raise DatasetFileInvalid(path, _in_file_order(faults))
    return dataset


def _document(path: Path) -> Document:
    if path.suffix != ".yaml":
        fault = Fault(path, 1, None, (), path.name, f"the file name {path.stem}.yaml")
        raise DatasetFileInvalid(path, (fault,))
    try:
        content = path.read_bytes()
    except OSError as error:
        fault = Fault(path, 1, None, (), None, f"a file that can be read ({error.strerror})")
        raise DatasetFileInvalid(path, (fault,)) from error
    if len(content) > LARGEST_FILE_BYTES:
        expected = f"a file of at most {LARGEST_FILE_BYTES} bytes, not {len(content)}"
        raise DatasetFileInvalid(path, (Fault(path, 1, None, (), None, expected),))
    return read(content)


def _in_file_order(faults: list[Fault]) -> tuple[Fault, ...]:
    unique: dict[tuple[KeyPath, int], Fault] = {}
    for fault in faults:
        unique.setdefault((fault.key, fault.line), fault)
    return tuple(sorted(unique.values(), key=lambda fault: (fault.line, fault.column or 0)))


def _fault(path: Path, document: Document, details: ErrorDetails) -> Fault:
    key = _key_in(document, details["loc"])
    expected = expectation(details, section_at(Dataset, document.data, key[:-1]))
    place, at = _place(document, key)
    if details["type"] == "missing":
        return Fault(path, at.line, None, key, None, expected)
    if details["type"] == "extra_forbidden" or details["loc"][-1:] == ("[key]",):
        at = document.keys.get(place, at)
    elif details["type"] == "union_tag_invalid":
        place, at = _place(document, (*place, "kind"))
    return Fault(path, at.line, at.column, place, at.written, expected)


def _follows(document: Document, details: ErrorDetails) -> bool:
    """Whether a list counts as short only because entries of it are faulty themselves."""
    if details["type"] != "too_short":
        return False
    written = value_at(document.data, _key_in(document, details["loc"]))
    return len(written) >= int(details["ctx"]["min_length"])


def _key_in(document: Document, loc: KeyPath) -> KeyPath:
    """The key path of an error, without the tags that pydantic puts in for unions."""
    key: KeyPath = ()
    for i, part in enumerate(loc):
        if (*key, part) in document.values or i == len(loc) - 1:
            key = (*key, part)
    return key


def _place(document: Document, key: KeyPath) -> tuple[KeyPath, Position]:
    """The nearest part of a key path that is in the file, and where it stands there."""
    while key and key not in document.values:
        key = key[:-1]
    return key, document.values.get(key, Position(1))


def _reference_faults(path: Path, document: Document, names: Names) -> Iterator[Fault]:
    """Faults in what the file refers to: its own name, the project's files, known names."""
    checks: list[tuple[KeyPath, Callable[[str], str | None]]] = [
        (("name",), lambda name: None if name == path.stem else f"'{path.stem}', the file's name"),
        (("consensus", "aggregator"), _one_of(names.aggregators, "an aggregator")),
        (("review", "strategy"), _one_of(names.strategies, "a strategy")),
    ]
    labelers = value_at(document.data, ("labelers",))
    for i, labeler in enumerate(labelers if isinstance(labelers, list) else ()):
        if value_at(labeler, ("kind",)) == "functions":
            checks.append((("labelers", i, "path"), _below(path.parent.parent)))
    for key, check in checks:
        value = value_at(document.data, key)
        expected = check(value) if isinstance(value, str) else None
        if expected:
            at = document.values[key]
            yield Fault(path, at.line, at.column, key, at.written, expected)


def _one_of(names: Collection[str] | None, what: str) -> Callable[[str], str | None]:
    def check(name: str) -> str | None:
        return None if names is None or name in names else known_name(name, names, what)

    return check


def _below(root: Path) -> Callable[[str], str | None]:
    def check(value: Any) -> str | None:
        file = (root / value).resolve()
        if not file.is_relative_to(root.resolve()):
            return f"a file below the project's folder {root.resolve()}"
        return None if file.is_file() else f"a file that is there; there is none at {file}"

    return check
