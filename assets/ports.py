"""What the chain asks of the outside world, as protocols; orchestration/ has the vendors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

import polars as pl


@dataclass(frozen=True)
class StoredObject:
    """One object of a commit: its path, digest (SHA-256, hex) and size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Commit:
    """One commit: who made it of what, and what it says about itself."""

    id: str
    parents: tuple[str, ...]
    message: str
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One path that differs between two commits; kind is added, removed or changed."""

    path: str
    kind: str


@dataclass(frozen=True)
class RunBranch:
    """The branch of one run.

    Attributes:
        name: `run-<root run id>`.
        base: The commit of main that the branch contains.
    """

    name: str
    base: str


class DatasetStore(Protocol):
    """One dataset's versions. Refs are explicit, reads are at a commit id."""

    @property
    def dataset(self) -> str:
        """Name of the dataset."""

    def head(self, ref: str = "main") -> str:
        """Commit id of a branch, tag, commit or prefix. Raises RefNotFound."""

    def commit_at(self, ref: str) -> Commit:
        """The commit that a ref names. Raises RefNotFound."""

    def log(self, ref: str = "main", *, limit: int = 100) -> list[Commit]:
        """Commits from the ref backwards, newest first."""

    def releases(self) -> dict[str, str]:
        """Release tags (v0001, ...) with their commit ids, oldest first."""

    def tags(self) -> dict[str, str]:
        """All tags with their commit ids, by name."""

    def listing(self, commit: str, prefix: str = "") -> list[StoredObject]:
        """Objects below a prefix at a commit, by path."""

    def read(self, commit: str, path: str) -> bytes:
        """Bytes of one object, verified. Raises ObjectMissing, ObjectCorrupt."""

    def fetch(self, commit: str, paths: Iterable[str]) -> dict[str, Path]:
        """Local, verified, read-only copies of objects, by path; cached by digest."""

    def table(self, commit: str, prefix: str) -> pl.LazyFrame | None:
        """All Parquet below a prefix at a commit as one frame; None where there is none."""

    def changes(self, left: str, right: str, prefix: str = "") -> list[Change]:
        """What differs from left to right (two dots), by path."""

    def branch(self, run_id: str) -> RunBranch:
        """The branch of a run, made from main by whoever asks first."""

    def existing_branch(self, run_id: str) -> RunBranch | None:
        """The branch of a run if there is one."""

    def run_branches(self) -> list[RunBranch]:
        """All run branches that were not dropped yet."""

    def leftovers(self, before: datetime) -> list[str]:
        """Run and side branches whose newest commit is older than a moment.

        A branch without a commit of its own is as old as main's commit that it was made from:
        whether its run still goes on, Dagster knows.
        """

    def write(
        self,
        branch: str,
        objects: Mapping[str, bytes | Path],
        *,
        message: str,
        metadata: Mapping[str, str] | None = None,
        delete: Iterable[str] = (),
    ) -> str:
        """Upload objects to a branch, delete others, commit; the commit id.

        Identical content is no change: then the branch's head comes back.
        """

    def update(self, branch: str) -> RunBranch:
        """Bring main into a run branch; a no-op when main has not moved."""

    def published(self, run_id: str) -> Commit | None:
        """The merge commit on main that published a run, if it was."""

    def publish(
        self, branch: RunBranch, run_id: str, *, message: str, metadata: Mapping[str, str]
    ) -> Commit:
        """Merge a run branch to main; run again it answers the merge that was.

        The run id is put into the commit's metadata as `run_id`.

        Raises:
            MainMoved: main is not at `branch.base` any more.
            PublishMismatch: main's change is not the branch's change.
        """

    def tag(self, name: str, commit: str, *, replace: bool = False) -> None:
        """Name a commit and read the name back; the same name for the same commit is no error."""

    def drop_branch(self, name: str) -> None:
        """Delete a run branch; an absent one is no error."""

    def url(self, ref: str, path: str = "") -> str:
        """Where a person looks at it."""


@runtime_checkable
class Stores(Protocol):
    """All datasets' stores."""

    def of(self, dataset: str) -> DatasetStore:
        """The store of one dataset, its repository made if there is none yet."""


@runtime_checkable
class Frames(Protocol):
    """SQL over a dataset's tables at a commit."""

    def query(self, store: DatasetStore, sql: str, *, at: str) -> pl.DataFrame:
        """The answer to one SQL statement; tables are views named as in quality.schema."""


@dataclass(frozen=True)
class ReviewTask:
    """One item for people: what they see, and what was predicted.

    `awaited` is how many human votes the item will have had, those taken back included, once
    the task is answered. `region` is the predicted set of boxes or spans as canonical text;
    `assignee` is whom the task is for, None for anybody.
    """

    item_id: str
    modality: str
    content: str | None
    image: bytes | None
    prediction: str | None
    score: float | None
    predicted_by: str
    priority: float
    reason: str
    awaited: int
    region: str | None = None
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewAnswer:
    """One judgment out of a review file, before it is checked against the dataset.

    Attributes:
        task: The tool's name for the task.
        annotation: The tool's name for the annotation; the same judgment keeps it in every file.
        item_id: The item, where the task names it.
        item_fields: Other short fields of the task, by which the item can be looked up.
        completed_by: Who judged; None where the file does not say, and nobody guesses.
        label: The class chosen; None for a skip.
        kind: `vote` or `skip`.
        shown_prediction: The class that the task proposed to the person.
        lead_time_s: Seconds the person took.
        cast_at: When the judgment was made or last changed.
        dataset: The dataset that the task was made for; None where the task does not say.
        also_named: The author's other name, where the file gives two, as e-mail and number.
        region: The boxes or spans drawn, as canonical text; `label` is then their label.
    """

    task: str
    annotation: str
    item_id: str | None
    item_fields: Mapping[str, str]
    completed_by: str | None
    label: str | None
    kind: str
    shown_prediction: str | None
    lead_time_s: float | None
    cast_at: datetime | None
    dataset: str | None = None
    also_named: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class ReviewReject:
    """A task or annotation of a review file that could not be read, with its reason."""

    task: str
    annotation: str
    reason: str


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task of a review file that nobody answered.

    Attributes:
        item_id: The item; None where the task names none.
        awaited: How many human votes the item has had once the task is answered; None where
            the task does not say.
    """

    item_id: str | None
    awaited: int | None


@dataclass(frozen=True)
class ReviewFile:
    """All that a review file holds: received = answers + rejects.

    Attributes:
        answers: The judgments that could be read.
        rejects: What could not be read.
        received: Judgments in the file, counted apart from reading them.
        unanswered: The tasks that nobody answered.
    """

    answers: tuple[ReviewAnswer, ...]
    rejects: tuple[ReviewReject, ...]
    received: int
    unanswered: tuple[OpenTask, ...] = ()


class ReviewTool(Protocol):
    """The format that tasks go out in and answers come back in."""

    def tasks(self, tasks: Sequence[ReviewTask], *, dataset: str) -> bytes:
        """A file of tasks with predictions."""

    def setup(
        self,
        *,
        dataset: str,
        modality: str,
        classes: Mapping[str, str],
        task: str = "classification",
    ) -> tuple[str, bytes]:
        """Name and content of the file that sets the tool up for a dataset.

        Args:
            dataset: Name of the dataset.
            modality: text, image or tabular.
            classes: What an item of each class is, by class.
            task: classification, boxes or spans.
        """

    def answers(self, content: bytes, *, task: str = "classification") -> ReviewFile:
        """What people answered. Raises AssetError where the file as a whole is unreadable."""


class ProjectFolder(Protocol):
    """The user's project: where files come in and go out."""

    @property
    def root(self) -> Path:
        """The folder that holds hallmark.yaml."""

    def inbox(self, dataset: str) -> Path:
        """Where raw files are dropped."""

    def reviews(self, dataset: str) -> Path:
        """Where review exports are dropped."""

    def queue(self, dataset: str) -> Path:
        """Where review tasks are written for people to take."""

    def rejects(self, dataset: str) -> Path:
        """Where what could not be taken in is set aside with its reason."""

    def cache(self) -> Path:
        """Where what can be made again is kept."""
