"""A pretrained encoder as a labeler: a probe on its embeddings, or fine-tuned, as advised."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.dataset_file.features import Features
from assets.dataset_file.pretrained import PretrainedLabeler as Section
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import TrainingFailed
from assets.labelers.interface import Model, Probabilities, Progress, no_progress
from assets.labelers.model_files import MANIFEST, manifest_file, verified, version_of
from assets.labelers.stored_model import StoredModel, actor_of, learned_from
from assets.labelers.training_data import TrainingData, training_data
from assets.labelers.tuned import Tuned, embedding_columns, tuned
from quality.transfer.advisor import Advice, advise, measured
from quality.transfer.probe import Probe, fit_probe

WEIGHTS = "weights.safetensors"
LIBRARIES = {
    "probe": ("numpy", "scikit-learn"),
    "other": ("numpy", "torch"),
}


class PretrainedModel(StoredModel[Section]):
    """A probe or a fine-tuned encoder, and the files that it is stored as."""

    def __init__(
        self,
        section: Section,
        files: Mapping[str, bytes],
        manifest: Mapping[str, Any],
        root: Path,
    ) -> None:
        super().__init__(section, files, manifest)
        self._split = manifest["embedding_columns"]
        probing = manifest["strategy"] == "probe"
        weights = files[WEIGHTS]
        self._probe = _probe(weights) if probing else None
        self._tuned = None if probing else Tuned(section, root, weights, manifest)

    def _predicted(self, matrix: Any) -> Probabilities:
        if self._tuned:
            return self._tuned.predict_proba(matrix[:, self._split :])
        assert self._probe  # noqa: S101 - narrows the type; it is the one or the other
        return self._probe.predict_proba(matrix[:, : self._split])


class PretrainedTrainer:
    """Puts an encoder to the classes of a dataset."""

    def __init__(self, section: Section, root: Path | None = None) -> None:
        self._section = section
        self._root = root or Path()

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
        """The encoder put to the labels of the feature rows; progress is told in epochs.

        Raises:
            TrainingFailed: says what is wrong with the data or the settings.
            EncoderError: the encoder cannot be used.
        """
        del unlabeled  # It learns from labels alone.
        name = self._section.name
        data = training_data(name, features, labels, classes=classes, weights=weights)
        seed = self._section.seed if seed is None else seed
        split = self._columns(features)
        auto = self._section.strategy == "auto"
        advice = _advice(data, split, seed) if auto else None
        strategy = advice.strategy if advice else self._section.strategy
        if strategy == "probe":
            made = fit_probe(data.matrix[:, :split], data.codes, seed=seed, weights=data.weights)
            told: dict[str, Any] = {"strength": made.strength}
            content = _stored({"weight": made.weight, "bias": made.bias})
            progress(1, 1)
        else:
            content, told = tuned(
                self._section, self._root, strategy, data, split, seed=seed, progress=progress
            )
        card = {
            "kind": "pretrained",
            "strategy": strategy,
            "asked_for": self._section.strategy,
            "advice": advice and advice.to_dict(),
            "encoder": self._section.encoder.source,
            **told,
            "embedding_columns": split,
            **learned_from(features, data, classes=classes, seed=seed, trained_on=trained_on),
            "notes": [f"strategy {advice.reason}"] if advice else [],
        }
        libraries = LIBRARIES.get(strategy, LIBRARIES["other"])
        files = {MANIFEST: manifest_file(card, libraries), WEIGHTS: content}
        return self.load(files, version=version_of(files))

    def advice(
        self, features: FeatureMatrix, labels: Sequence[str], *, classes: Sequence[str]
    ) -> Advice:
        """What the advisor says of labeled rows with embeddings, without training anything.

        Raises:
            TrainingFailed: says what is wrong with the data.
        """
        name = self._section.name
        data = training_data(name, features, labels, classes=classes, weights=None)
        return _advice(data, embedding_columns(features), self._section.seed)

    def load(self, files: Mapping[str, bytes], *, version: str) -> Model:
        """The model that was stored as these files.

        Raises:
            ModelUntrusted: the files are not this version.
            ModelUnreadable: another encoder or other library versions made the model.
            EncoderError: the encoder cannot be used.
        """
        manifest = verified(self._section.name, files, version)
        return PretrainedModel(self._section, files, manifest, self._root)

    def _columns(self, features: FeatureMatrix) -> int:
        wanted = self._section.features_of(Features()).kind
        if features.kind != wanted:
            reason = f"strategy {self._section.strategy} needs {wanted}, found {features.kind}"
            raise TrainingFailed(self._section.name, reason)
        return embedding_columns(features)


def _advice(data: TrainingData, split: int, seed: int) -> Advice:
    return advise(measured(data.matrix[:, :split], data.codes, seed=seed))


def _stored(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    from safetensors.numpy import save

    # It writes the memory as it lies, whatever the order of the axes.
    content: bytes = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return content


def _probe(content: bytes) -> Probe:
    from safetensors.numpy import load

    stored = load(content)
    return Probe(stored["weight"], stored["bias"], strength=0.0)
