"""A small network as a labeler; stored as plain arrays, so that loading it runs no code."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.dataset_file.labelers import NetworkLabeler
from assets.dataset_file.labelers import TorchLabeler as Section
from assets.dataset_file.pretrained import PretrainedLabeler
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import LabelerError, TrainingFailed
from assets.labelers.interface import Model, Probabilities, Progress, no_progress
from assets.labelers.model_files import (
    MANIFEST,
    array_file,
    arrays_of,
    manifest_file,
    verified,
    version_of,
)
from assets.labelers.stored_model import StoredModel, actor_of, learned_from
from assets.labelers.training_data import TrainingData, training_data

WEIGHTS = "weights.npz"
SETTINGS = (
    "channels",
    "hidden",
    "epochs",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "dropout",
    "patience",
)


class NetworkModel(StoredModel[NetworkLabeler]):
    """A trained network and the files that it is stored as."""

    def __init__(
        self, section: NetworkLabeler, files: Mapping[str, bytes], manifest: Mapping[str, Any]
    ) -> None:
        from assets.labelers.perceptron import Network

        super().__init__(section, files, manifest)
        self._network = Network(arrays_of(files[WEIGHTS]), device_of(section))

    def _predicted(self, matrix: Any) -> Probabilities:
        return self._network.predict_proba(matrix)


class TorchTrainer:
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
        """The network trained on the labels of the feature rows; progress is told in epochs.

        Raises:
            TrainingFailed: says what is wrong with the data or the settings.
        """
        del unlabeled  # It learns from labels alone.
        data = training_data(self._section.name, features, labels, classes=classes, weights=weights)
        seed = self._section.seed if seed is None else seed
        arrays, epochs = self._trained(data, _settings(self._section, features), seed, progress)
        card = {
            "kind": "torch",
            **_settings(self._section, features),
            "epochs_run": epochs,
            "device": device_of(self._section),
            **learned_from(features, data, classes=classes, seed=seed, trained_on=trained_on),
            "notes": [],
        }
        files = {MANIFEST: manifest_file(card, ("numpy", "torch")), WEIGHTS: array_file(arrays)}
        return self.load(files, version=version_of(files))

    def load(self, files: Mapping[str, bytes], *, version: str) -> Model:
        """The model that was stored as these files.

        Raises:
            ModelUntrusted: the files are not this version.
            ModelUnreadable: other library versions made the model.
        """
        return NetworkModel(self._section, files, verified(self._section.name, files, version))

    def _trained(
        self, data: TrainingData, given: Mapping[str, Any], seed: int, progress: Progress
    ) -> tuple[Sequence[NDArray[np.float32]], int]:
        from assets.labelers.perceptron import Diverged, Settings, train

        section = self._section
        settings = Settings(**given, seed=seed, device=device_of(section))
        try:
            network, epochs = train(data.matrix, data.codes, data.weights, settings, progress)
        except Diverged as error:
            reason = f"{error}; lower learning_rate, which is {section.learning_rate:g}"
            raise TrainingFailed(section.name, reason) from error
        return network.arrays, epochs


def _settings(section: Section, features: FeatureMatrix) -> dict[str, Any]:
    found = {name: getattr(section, name) for name in SETTINGS}
    return {**found, "channels": channels_of(section, features)}


def channels_of(section: NetworkLabeler, features: FeatureMatrix) -> tuple[int, ...]:
    """Widths of the section's convolutions: none where the features are no pixels."""
    return section.channels if features.kind == "pixels" else ()


def device_of(section: NetworkLabeler | PretrainedLabeler) -> str:
    """Cpu or cuda. Raises LabelerError where a GPU is asked for and there is none."""
    import torch

    if section.device != "cpu" and torch.cuda.is_available():
        return "cuda"
    if section.device == "cuda":
        raise LabelerError(section.name, "device: cuda, but torch finds no GPU; take auto or cpu")
    return "cpu"
