"""FixMatch as a labeler: a small network that learns from unlabeled items, too."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.dataset_file.semi_supervised import FixMatchLabeler as Section
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import TrainingFailed
from assets.labelers.interface import Model, Progress, no_progress
from assets.labelers.model_files import (
    MANIFEST,
    array_file,
    manifest_file,
    verified,
    version_of,
)
from assets.labelers.stored_model import actor_of, learned_from
from assets.labelers.torch import WEIGHTS, NetworkModel, channels_of, device_of
from assets.labelers.training_data import TrainingData, training_data, unlabeled_rows

if TYPE_CHECKING:
    from assets.labelers.consistency import MakeAugmentation, Trained

SETTINGS = (
    "hidden",
    "steps",
    "batch_size",
    "unlabeled_per_labeled",
    "threshold",
    "unlabeled_weight",
    "learning_rate",
    "weight_decay",
    "dropout",
    "averaging",
)
FEW_USED = 0.05
"""Below this share of unlabeled items learned, the card says so."""


class FixMatchTrainer:
    """Trains the network of a section."""

    def __init__(self, section: Section, root: Path | None = None) -> None:
        del root  # All of it is in the section.
        self._section = section

    @property
    def actor(self) -> str:
        """Who its models vote as."""
        return actor_of(self._section)

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
        """The network trained on labeled and unlabeled rows; progress is told in steps.

        Without unlabeled rows it learns from weakly changed labeled ones alone.

        Raises:
            TrainingFailed: says what is wrong with the data or the settings.
        """
        section = self._section
        data = training_data(section.name, features, labels, classes=classes, weights=weights)
        rows = unlabeled_rows(section.name, features, unlabeled)
        seed = section.seed if seed is None else seed
        given = {name: getattr(section, name) for name in SETTINGS}
        given |= {"channels": channels_of(section, features), "device": device_of(section)}
        change = _augmentation(features)
        trained = self._trained(data, rows, {**given, "seed": seed}, change, progress)
        card = {
            "kind": "fixmatch",
            **given,
            **learned_from(features, data, classes=classes, seed=seed, trained_on=trained_on),
            "n_unlabeled": 0 if rows is None else rows.shape[0],
            "share_of_unlabeled_used": round(trained.share_used, 4),
            "notes": _notes(section, rows, trained.share_used),
        }
        weights_file = array_file(trained.network.arrays)
        files = {MANIFEST: manifest_file(card, ("numpy", "torch")), WEIGHTS: weights_file}
        return self.load(files, version=version_of(files))

    def load(self, files: Mapping[str, bytes], *, version: str) -> Model:
        """The model that was stored as these files.

        Raises:
            ModelUntrusted: the files are not this version.
            ModelUnreadable: other library versions made the model.
        """
        return NetworkModel(self._section, files, verified(self._section.name, files, version))

    def _trained(
        self,
        data: TrainingData,
        unlabeled: Any | None,
        given: Mapping[str, Any],
        augmentation: "MakeAugmentation",
        progress: Progress,
    ) -> "Trained":
        from assets.labelers.consistency import Settings, train
        from assets.labelers.perceptron import Diverged

        settings = Settings(**given)
        try:
            return train(data, unlabeled, settings, augmentation, progress)
        except Diverged as error:
            reason = f"{error}; lower learning_rate, which is {settings.learning_rate:g}"
            raise TrainingFailed(self._section.name, reason) from error


def _augmentation(features: FeatureMatrix) -> "MakeAugmentation":
    """Changes that suit the features: of pictures for pixels, of numbers for all else."""
    from assets.labelers.augmentation import Pictures, Vectors

    if features.kind == "pixels":
        pictures = Pictures(math.isqrt(features.matrix.shape[1]), _ground(features.matrix))
        return lambda _mean, _scale: pictures
    return lambda mean, scale: Vectors(mean, scale, sparse=features.is_sparse)


def _ground(matrix: Any) -> float:
    """The commonest level at the pictures' borders."""
    side = math.isqrt(matrix.shape[1])
    pictures = matrix.reshape(-1, side, side)
    border = np.concatenate([pictures[:, [0, -1]].ravel(), pictures[:, :, [0, -1]].ravel()])
    return float(np.median(border))


def _notes(section: Section, unlabeled: Any | None, share_used: float) -> list[str]:
    if unlabeled is None:
        return ["there were no unlabeled items: it learned from the labels alone"]
    if share_used < FEW_USED:
        used = f"it was sure enough of {share_used:.0%} of the unlabeled items at the end"
        return [f"{used}; lower threshold, which is {section.threshold:g}, or train longer"]
    return []
