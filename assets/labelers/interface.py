"""What every kind of labeler is to the rest: items in, ballots out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.chat import ChatEndpoints
from assets.dataset_file.ontology import Ontology
from assets.features.matrix import FeatureMatrix
from quality.schema import ITEMS, LABELS, VOTES, Table

Probabilities = NDArray[np.float64]
Progress = Callable[[int, int], None]
Say = Callable[[str], None]

_COLUMNS = ("item_id", "actor", "actor_kind", "actor_version", "trained_on", "label", "score")

BALLOTS = Table(
    name="ballots",
    columns={name: VOTES.columns[name] for name in _COLUMNS},
    key=("item_id", "actor"),
    nullable=frozenset({"trained_on", "label", "score"}),
    values={"actor_kind": VOTES.values["actor_kind"]},
)

REGION_BALLOTS = Table(
    name="region ballots",
    columns={**BALLOTS.columns, "region": VOTES.columns["region"]},
    key=BALLOTS.key,
    nullable=BALLOTS.nullable | {"region"},
    values=BALLOTS.values,
)

KNOWN = Table(
    name="known",
    columns={**ITEMS.columns, "label": LABELS.columns["label"], "state": LABELS.columns["state"]},
    key=("item_id",),
    nullable=ITEMS.nullable,
    values={**ITEMS.values, "state": LABELS.values["state"]},
)


def no_progress(done: int, total: int) -> None:
    """Nobody watches."""


def nobody_listens(message: str) -> None:
    """Nobody reads what is said."""


@dataclass(frozen=True)
class LabelerInput:
    """What a labeler votes on.

    Attributes:
        items: Rows of the items table.
        ontology: What a label may be.
        features: Makes the items' features when a labeler needs them.
        media: Bytes of an image by its uri.
        progress: Told how many items are done, and of how many.
        known: Gives the items whose label is known: the train split of the last release, as rows
            of the items table with `label` and `state` (auto or human); none before it.
        cache: Folder for what can be made again; None keeps nothing.
        chat: The way to language models; None where there is none.
        say: Told what people should read in the log.
    """

    items: pl.DataFrame
    ontology: Ontology
    features: Callable[[], FeatureMatrix]
    media: Callable[[str], bytes]
    progress: Progress = no_progress
    known: Callable[[], pl.DataFrame] = KNOWN.empty
    cache: Path | None = None
    chat: ChatEndpoints | None = None
    say: Say = nobody_listens

    @property
    def classes(self) -> tuple[str, ...]:
        """The ontology's classes in their order."""
        return self.ontology.names


@dataclass(frozen=True)
class ActorErrors:
    """One way in which an actor failed, or was at a loss, on items; it abstained on each of them.

    Attributes:
        actor: Who failed.
        reason: What happened, for example "raised ZeroDivisionError".
        count: On how many items.
        examples: Item and detail of the first few.
        unit: What is counted.
    """

    actor: str
    reason: str
    count: int
    examples: tuple[tuple[str, str], ...]
    unit: str = "item"

    def __str__(self) -> str:
        items = f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"
        item, detail = self.examples[0]
        return f"{self.actor} {self.reason} on {items}; first on {item[:12]}: {detail}"


@dataclass(frozen=True)
class Ballots:
    """The votes of a labeler's actors, one row an item and actor, abstentions included.

    Attributes:
        votes: Of the BALLOTS schema, or of REGION_BALLOTS where actors draw; a null label is an
            abstention.
        predictions: Of the PREDICTIONS schema; None where the labeler has no probabilities.
        errors: What went wrong on single items.
        abstentions: Why actors that work as they should abstained, where that is worth counting.
        cost: What the votes cost, as plain JSON values; None where they cost nothing but time.
    """

    votes: pl.DataFrame
    predictions: pl.DataFrame | None = None
    errors: tuple[ActorErrors, ...] = ()
    abstentions: tuple[ActorErrors, ...] = ()
    cost: Mapping[str, Any] | None = None

    @property
    def coverage(self) -> dict[str, float]:
        """Share of the items on which each actor did not abstain."""
        shares = self.votes.group_by("actor").agg(pl.col("label").is_not_null().mean())
        return {actor: float(share) for actor, share in sorted(shares.rows())}


@runtime_checkable
class Labeler(Protocol):
    """Whoever votes on items."""

    @property
    def actors(self) -> Mapping[str, str]:
        """Version of each actor, by actor."""

    @property
    def version(self) -> str:
        """Digest of all that the labeler is."""

    def vote(self, items: LabelerInput) -> Ballots:
        """One vote of each actor on each item, abstentions included."""


@runtime_checkable
class Model(Labeler, Protocol):
    """A labeler that was trained: the classes and features it knows are settled."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes in the order of the probabilities."""

    @property
    def trained_on(self) -> str | None:
        """The release it learned from."""

    @property
    def card(self) -> Mapping[str, Any]:
        """What it was made of, for people and for the record; plain JSON values."""

    def predict_proba(self, features: FeatureMatrix) -> Probabilities:
        """Probabilities [n, K]; 0 for a class that was not among the training labels."""

    def dump(self) -> dict[str, bytes]:
        """The model as files; `version` is their digest."""


@runtime_checkable
class Trainer(Protocol):
    """What makes models of one kind."""

    @property
    def actor(self) -> str:
        """Who its models vote as."""

    def fit(
        self,
        features: FeatureMatrix,
        labels: Sequence[str],
        *,
        classes: Sequence[str],
        weights: Sequence[float] | None = None,
        seed: int | None = None,
        trained_on: str | None = None,
        unlabeled: FeatureMatrix | None = None,
        progress: Progress = no_progress,
    ) -> Model:
        """A model that learned the labels of the feature rows.

        Args:
            features: A row an item that is labeled.
            labels: The label of each row.
            classes: The ontology's classes in their order.
            weights: Weight of each row; None for all alike.
            seed: Where all chance comes from; None takes the section's.
            trained_on: The release that the labels are of.
            unlabeled: Rows of items without a label, for a trainer that learns from them, too
                (its section is a SemiSupervisedLabeler); others are given none.
            progress: Told how much of the training is done.

        Raises:
            TrainingFailed: says what is wrong with the data or the settings.
        """

    def load(self, files: Mapping[str, bytes], *, version: str) -> Model:
        """The model that `dump` gave these files.

        Args:
            files: The files.
            version: The version they must have, out of a commit or a vote: not out of the files.

        Raises:
            ModelUntrusted: the files are not that version.
            ModelUnreadable: other library versions made the model.
        """
