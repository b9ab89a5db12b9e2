"""Reads dataset files, and names every fault of a file at once."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from assets.dataset_file.document import Document, KeyPath, Position, read
from assets.dataset_file.faults import DatasetFileInvalid, Fault
from assets.dataset_file.models import Dataset
from assets.dataset_file.references import Names, known_names, reference_faults
from assets.dataset_file.sections import section_at, value_at
from assets.dataset_file.wording import expectation

LARGEST_FILE_BYTES = 1_000_000


@dataclass(frozen=True)
class Loaded:
    """The datasets of a project, and the files that are none.

    Attributes:
        datasets: By name, in the order of the names.
        invalid: One error a faulty file; the others are not touched by it.
    """

    datasets: dict[str, Dataset]
    invalid: tuple[DatasetFileInvalid, ...]


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
        faults += reference_faults(path, document, names or known_names())
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
