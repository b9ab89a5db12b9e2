"""Which project and which dataset a command is about."""

from dataclasses import dataclass
from pathlib import Path

from assets.dataset_file.loading import load_all
from assets.dataset_file.models import Dataset
from assets.ports import DatasetStore
from orchestration.cli.output import errors
from orchestration.errors import OrchestrationError
from orchestration.project import Project, connect, open_project


class DatasetUnclear(OrchestrationError, LookupError):
    """No dataset, or more than one, is meant.

    Attributes:
        given: The name on the command line, or None.
        known: Names of the project's datasets.
    """

    def __init__(self, given: str | None, known: tuple[str, ...]) -> None:
        self.given = given
        self.known = known
        problem = f"there is no dataset '{given}'" if given else "name the dataset"
        super().__init__(f"{problem}; this project has: {', '.join(known) or 'none yet'}")


@dataclass(frozen=True)
class Chosen:
    """A project, one of its datasets, and that dataset's store."""

    project: Project
    dataset: Dataset

    @property
    def store(self) -> DatasetStore:
        """The dataset's store."""
        return connect(self.project).of(self.dataset.name)


def choose(folder: Path | None, name: str | None) -> Chosen:
    """The dataset that is meant: the named one, or the only sound one.

    Faulty files that are left out are named on standard error.

    Raises:
        DatasetUnclear: none or several could be meant.
        DatasetFileInvalid: the one that is meant has faults.
    """
    project = open_project(folder)
    loaded = load_all(project.datasets())
    known = tuple(loaded.datasets)
    for fault in loaded.invalid:
        if name == fault.path.stem or (name is None and not known):
            raise fault
    if name is None and len(known) == 1:
        for fault in loaded.invalid:
            errors.print(f"left out, for its faults: {fault.path}; see `hallmark doctor`")
        return Chosen(project, loaded.datasets[known[0]])
    if name is None or name not in loaded.datasets:
        raise DatasetUnclear(name, known)
    return Chosen(project, loaded.datasets[name])
