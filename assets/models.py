"""Trained models in the store: their files, card and metrics, and who is champion."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from assets.labelers.interface import Model, Trainer
from assets.ports import DatasetStore
from assets.recipe import canonical_json


@dataclass(frozen=True)
class Champion:
    """The version of a labeler that votes.

    Attributes:
        labeler: Name of the labeler.
        version: Digest of the model's files.
        trained_on: The release it learned from.
        files: Names of the model's files.
        metrics: Its figures on the test split when it was promoted.
    """

    labeler: str
    version: str
    trained_on: str
    files: tuple[str, ...]
    metrics: dict[str, Any]


def pointer(labeler: str) -> str:
    """Path of the file that names a labeler's champion."""
    return f"models/{labeler}/champion.json"


def folder(labeler: str, version: str) -> str:
    """Path of one version's files, card and metrics."""
    return f"models/{labeler}/{version[:16]}"


def champion_at(store: DatasetStore, commit: str, labeler: str) -> Champion | None:
    """Who is champion at a commit, if anyone."""
    path = pointer(labeler)
    if not store.listing(commit, path):
        return None
    found = json.loads(store.read(commit, path))
    return Champion(**{**found, "files": tuple(found["files"])})


def champion_of(store: DatasetStore, commit: str, labeler: str, trainer: Trainer) -> Model | None:
    """The champion's model at a commit, its files verified against its version."""
    champion = champion_at(store, commit, labeler)
    if champion is None:
        return None
    place = folder(labeler, champion.version)
    files = {name: store.read(commit, f"{place}/{name}") for name in champion.files}
    return trainer.load(files, version=champion.version)


def model_objects(labeler: str, model: Model, metrics: dict[str, Any]) -> dict[str, bytes]:
    """A model's files with its card and metrics, by the path they are stored at."""
    place = folder(labeler, model.version)
    files = {f"{place}/{name}": content for name, content in model.dump().items()}
    return {
        **files,
        f"{place}/card.json": canonical_json(dict(model.card)),
        f"{place}/metrics.json": canonical_json(metrics),
    }


def pointer_object(
    labeler: str, model: Model, trained_on: str, metrics: dict[str, Any]
) -> dict[str, bytes]:
    """The file that makes a model champion."""
    champion = Champion(labeler, model.version, trained_on, tuple(model.dump()), metrics)
    return {pointer(labeler): canonical_json(asdict(champion))}
