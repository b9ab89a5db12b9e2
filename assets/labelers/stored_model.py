"""What every trained model is: its files, of which one is its card, and the votes it casts."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from assets.dataset_file.labelers import TrainedLabeler
from assets.features.matrix import FeatureMatrix
from assets.labelers.interface import Ballots, LabelerInput, Probabilities
from assets.labelers.model_files import version_of
from assets.labelers.model_votes import model_votes
from assets.labelers.training_data import TrainingData, known_features, over_all_classes

Spec = TypeVar("Spec", bound=TrainedLabeler)


class StoredModel(ABC, Generic[Spec]):
    """A model that is its files; a kind says how its weights predict."""

    def __init__(
        self, section: Spec, files: Mapping[str, bytes], manifest: Mapping[str, Any]
    ) -> None:
        self._section = section
        self._files = dict(files)
        self._manifest = manifest
        self.version = version_of(files)

    @property
    def actors(self) -> Mapping[str, str]:
        """Version of the one actor."""
        return {actor_of(self._section): self.version}

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes in the order of the probabilities."""
        return tuple(self._manifest["classes"])

    @property
    def trained_on(self) -> str | None:
        """The release it learned from."""
        release: str | None = self._manifest["trained_on"]
        return release

    @property
    def card(self) -> Mapping[str, Any]:
        """What it was made of."""
        return self._manifest

    def predict_proba(self, features: FeatureMatrix) -> Probabilities:
        """Probabilities [n, K].

        Raises:
            FeaturesChanged: the features are not those that it learned from.
        """
        matrix = known_features(self._section.name, features, self._manifest["features_version"])
        if not matrix.shape[0]:
            return np.zeros((0, len(self.classes)))
        present = np.array(self._manifest["present"])
        return over_all_classes(self._predicted(matrix), present, len(self.classes))

    def vote(self, items: LabelerInput) -> Ballots:
        """One vote an item."""
        above = self._section.vote_above
        return model_votes(self, actor_of(self._section), items, vote_above=above)

    def dump(self) -> dict[str, bytes]:
        """The model as files."""
        return dict(self._files)

    @abstractmethod
    def _predicted(self, matrix: Any) -> Probabilities:
        """Probabilities of the classes that were among the labels, of one row or more."""


def actor_of(section: TrainedLabeler) -> str:
    """Who the models of a section vote as."""
    return f"model:{section.name}"


def learned_from(
    features: FeatureMatrix,
    data: TrainingData,
    *,
    classes: Sequence[str],
    seed: int,
    trained_on: str | None,
) -> dict[str, Any]:
    """The part of a card that says what a model learned from; StoredModel reads it."""
    return {
        "seed": seed,
        "classes": list(classes),
        "present": data.present.tolist(),
        "features": features.kind,
        "features_version": features.version,
        "n_items": len(data.codes),
        "labels": data.counts,
        "trained_on": trained_on,
    }
