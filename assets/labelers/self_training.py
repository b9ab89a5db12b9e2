"""Self-training: an estimator labels what it is sure of, and learns again from that, too.

D. Yarowsky, Unsupervised word sense disambiguation rivaling supervised methods, ACL 1995. As in
scikit-learn's SelfTrainingClassifier, which takes no weights, an item that was taken stays taken.
"""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from assets.dataset_file.semi_supervised import SelfTrainingLabeler as Section
from assets.features.matrix import FeatureMatrix
from assets.labelers.estimators import fit_in_place, made, predicted
from assets.labelers.interface import Model, Progress, no_progress
from assets.labelers.model_files import MANIFEST, manifest_file, verified, version_of
from assets.labelers.sklearn import WEIGHTS, SklearnModel
from assets.labelers.stored_model import actor_of, learned_from
from assets.labelers.training_data import TrainingData, stacked, training_data, unlabeled_rows


class SelfTrainingTrainer:
    """Fits the estimator of a section again and again.

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
        """The estimator of the last round; progress is told in rounds.

        Raises:
            TrainingFailed: says what is wrong with the data or the settings.
        """
        section = self._section
        data = training_data(section.name, features, labels, classes=classes, weights=weights)
        rows = unlabeled_rows(section.name, features, unlabeled)
        seed = section.seed if seed is None else seed
        estimator, taken, notes = self._rounds(data, rows, seed, progress)
        card = {
            "kind": "self_training",
            **{name: getattr(section, name) for name in ("estimator", "parameters", "threshold")},
            **learned_from(features, data, classes=classes, seed=seed, trained_on=trained_on),
            "n_unlabeled": 0 if rows is None else rows.shape[0],
            "taken_by_round": taken,
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

    def _rounds(
        self, data: TrainingData, unlabeled: Any | None, seed: int, progress: Progress
    ) -> tuple[Any, list[int], list[str]]:
        """The last estimator, how many items each round took, and what is worth a note."""
        section = self._section
        estimator = made(section, seed)
        notes, taken = fit_in_place(section, estimator, data), []
        if unlabeled is None:
            return estimator, [], [*notes, "there were no unlabeled items: it learned from labels"]
        learned = data
        for done in range(1, section.rounds + 1):
            progress(done, section.rounds)
            found = predicted(section, estimator, unlabeled)
            sure = found.max(axis=1) >= section.threshold
            if not sure.any():
                break
            taken.append(int(sure.sum()))
            learned = _with_own_labels(learned, unlabeled[sure], found[sure].argmax(axis=1))
            unlabeled = unlabeled[~sure]
            estimator = made(section, seed)
            notes = fit_in_place(section, estimator, learned)
            if not unlabeled.shape[0]:
                break
        return estimator, taken, notes


def _with_own_labels(data: TrainingData, rows: Any, codes: Any) -> TrainingData:
    weights = data.weights
    if weights is not None:
        weights = np.concatenate([weights, np.ones(len(codes))])
    return replace(
        data,
        matrix=stacked(data.matrix, rows),
        codes=np.concatenate([data.codes, codes]),
        weights=weights,
    )
