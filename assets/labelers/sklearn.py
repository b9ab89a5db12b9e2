"""Any scikit-learn classifier as a labeler.

A fitted estimator can only be stored as a pickle, and loading a pickle can run code. So `load`
takes the version from its caller, who has it from a commit, and loads nothing else.
"""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assets.dataset_file.labelers import EstimatorLabeler
from assets.dataset_file.labelers import SklearnLabeler as Section
from assets.features.matrix import FeatureMatrix
from assets.labelers.estimators import fit_in_place, made, predicted
from assets.labelers.interface import Model, Probabilities, Progress, no_progress
from assets.labelers.model_files import MANIFEST, manifest_file, verified, version_of
from assets.labelers.stored_model import StoredModel, actor_of, learned_from
from assets.labelers.training_data import training_data

WEIGHTS = "estimator.pickle"


class SklearnModel(StoredModel[EstimatorLabeler]):
    """A fitted estimator and the files that it is stored as."""

    def __init__(
        self, section: EstimatorLabeler, files: Mapping[str, bytes], manifest: Mapping[str, Any]
    ) -> None:
        super().__init__(section, files, manifest)
        # The caller has checked that these bytes are the ones the version names.
        self._estimator = pickle.loads(files[WEIGHTS])  # noqa: S301

    def _predicted(self, matrix: Any) -> Probabilities:
        return predicted(self._section, self._estimator, matrix)


class SklearnTrainer:
    """Fits the estimator of a section.

    Raises:
        EstimatorInvalid: there is no such estimator, or it does not take these parameters.
    """

    def __init__(self, section: Section, root: Path | None = None) -> None:
        del root  # Models come from installed packages, not from the project.
        self._section = section
        made(section, section.seed)

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
        """The estimator fitted to the labels of the feature rows.

        Raises:
            TrainingFailed: says what is wrong with the data or the settings.
        """
        del unlabeled  # It learns from labels alone.
        name = self._section.name
        data = training_data(name, features, labels, classes=classes, weights=weights)
        seed = self._section.seed if seed is None else seed
        estimator = made(self._section, seed)
        notes = fit_in_place(self._section, estimator, data)
        progress(1, 1)
        card = {
            "kind": "sklearn",
            "estimator": self._section.estimator,
            "parameters": self._section.parameters,
            **learned_from(features, data, classes=classes, seed=seed, trained_on=trained_on),
            "notes": notes,
        }
        manifest = manifest_file(card, ("numpy", "scikit-learn", "scipy"))
        files = {MANIFEST: manifest, WEIGHTS: pickle.dumps(estimator, protocol=5)}
        return self.load(files, version=version_of(files))

    def load(self, files: Mapping[str, bytes], *, version: str) -> Model:
        """The model that was stored as these files.

        Raises:
            ModelUntrusted: the files are not this version.
            ModelUnreadable: other library versions made the model.
        """
        return SklearnModel(self._section, files, verified(self._section.name, files, version))
