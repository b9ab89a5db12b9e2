"""Reads dataset files, and names every fault of a file at once."""

from dataclasses import dataclass
from pathlib import Path

from assets.dataset_file.document import KeyPath
from assets.dataset_file.faults import DatasetFileInvalid, Fault
from assets.dataset_file.models import Dataset
from assets.dataset_file.ontology_source import CLASSES, with_source
from assets.dataset_file.references import Names, known_names, reference_faults
from assets.dataset_file.validation import read_document, validated

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
    if path.suffix != ".yaml":
        fault = Fault(path, 1, None, (), path.name, f"the file name {path.stem}.yaml")
        raise DatasetFileInvalid(path, (fault,))
    document, faults = read_document(path, LARGEST_FILE_BYTES)
    dataset = None
    if document.values:
        data, in_source = with_source(path, document)
        faults += in_source
        dataset, found = validated(Dataset, path, document, data)
        faults += [fault for fault in found if not (in_source and fault.key[:2] == CLASSES)]
        faults += reference_faults(path, document, names or known_names())
    if faults or dataset is None:
        raise DatasetFileInvalid(path, _in_file_order(faults))
    return dataset


def _in_file_order(faults: list[Fault]) -> tuple[Fault, ...]:
    unique: dict[tuple[Path, KeyPath, int], Fault] = {}
    for fault in faults:
        unique.setdefault((fault.path, fault.key, fault.line), fault)
    return tuple(
        sorted(unique.values(), key=lambda fault: (fault.path, fault.line, fault.column or 0))
    )
