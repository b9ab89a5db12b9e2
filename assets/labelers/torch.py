"""A small network as a labeler; stored as plain arrays, so that loading it runs no code."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.dataset_file.labelers import TorchLabeler as Section
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import LabelerError, TrainingFailed
from assets.labelers.interface import (
    Ballots,
    LabelerInput,
    Model,
    Probabilities,
    Progress,
    no_progress,
)
from assets.labelers.model_files import MANIFEST, manifest_file, verified, version_of
from assets.labelers.model_votes import model_votes
from assets.labelers.training_data import (
    TrainingData,
    known_features,
    over_all_classes,
    training_data,
)

WEIGHTS = "weights.npz"
SETTINGS = (
    "hidden",
    "epochs",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "dropout",
    "patience",
)


class TorchModel:
    """A trained perceptron and the files that it is stored as."""

    def __init__(
        self, section: Section, files: Mapping[str, bytes], manifest: Mapping[str, Any]
    ) -> None:
        from assets.labelers.perceptron import Perceptron

        self._section = section
        self._files = dict(files)
        self._manifest = manifest
        self._perceptron = Perceptron(_arrays(files[WEIGHTS]), _device(section))
        self.version = version_of(files)

    @property
    def actors(self) -> Mapping[str, str]:
        """Version of the one actor."""
        return {f"model:{self._section.name}": self.version}

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
        found = self._perceptron.predict_proba(matrix)
        return over_all_classes(found, np.array(self._manifest["present"]), len(self.classes))

    def vote(self, items: LabelerInput) -> Ballots:
        """One vote an item."""
        actor = f"model:{self._section.name}"
        return model_votes(self, actor, items, vote_above=self._section.vote_above)

    def dump(self) -> dict[str, bytes]:
        """The model as files."""
        return dict(self._files)


class TorchTrainer:
    """Trains the network of a section."""

    def __init__(self, section: Section, root: Path | None = None) -> None:
        del root  # All of it is in the section.
        self._section = section

    @property
    def actor(self) -> str:
        """Who its models vote as."""
        return f"model:{self._section.name}"

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
        """The network trained on the labels of the feature rows; progress is told in epochs.

        Raises:
            TrainingFailed: says what is wrong with the data or the settings.
        """
        del unlabeled  # It learns from labels alone.
        data = training_data(self._section.name, features, labels, classes=classes, weights=weights)
        seed = self._section.seed if seed is None else seed
        arrays, epochs = self._trained(data, seed, progress)
        card = {
            "kind": "torch",
            **{name: getattr(self._section, name) for name in SETTINGS},
            "epochs_run": epochs,
            "device": _device(self._section),
            "seed": seed,
            "classes": list(classes),
            "present": data.present.tolist(),
            "features": features.kind,
            "features_version": features.version,
            "n_items": len(labels),
            "labels": data.counts,
            "trained_on": trained_on,
            "notes": [],
        }
        buffer = io.BytesIO()
        np.savez(buffer, *arrays)
        files = {MANIFEST: manifest_file(card, ("numpy", "torch")), WEIGHTS: buffer.getvalue()}
        return self.load(files, version=version_of(files))

    def load(self, files: Mapping[str, bytes], *, version: str) -> Model:
        """The model that was stored as these files.

        Raises:
            ModelUntrusted: the files are not this version.
            ModelUnreadable: other library versions made the model.
        """
        return TorchModel(self._section, files, verified(self._section.name, files, version))

    def _trained(
        self, data: TrainingData, seed: int, progress: Progress
    ) -> tuple[Sequence[NDArray[np.float32]], int]:
        from assets.labelers.perceptron import Diverged, Settings, train

        section = self._section
        settings = Settings(
            **{name: getattr(section, name) for name in SETTINGS},
            seed=seed,
            device=_device(section),
        )
        try:
            perceptron, epochs = train(data.matrix, data.codes, data.weights, settings, progress)
        except Diverged as error:
            reason = f"{error}; lower learning_rate, which is {section.learning_rate:g}"
            raise TrainingFailed(section.name, reason) from error
        return perceptron.arrays, epochs


def _device(section: Section) -> str:
    import torch

    if section.device != "cpu" and torch.cuda.is_available():
        return "cuda"
    if section.device == "cuda":
        raise LabelerError(section.name, "device: cuda, but torch finds no GPU; take auto or cpu")
    return "cpu"


def _arrays(content: bytes) -> list[NDArray[np.float32]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return [stored[f"arr_{i}"] for i in range(len(stored.files))]
