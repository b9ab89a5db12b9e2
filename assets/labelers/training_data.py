"""What models learn from and predict on, checked before any library sees it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import FeaturesChanged, LabelerError, TrainingFailed
from assets.labelers.interface import Probabilities


@dataclass(frozen=True)
class TrainingData:
    """Rows with their labels.

    Attributes:
        matrix: Features [n, d], dense or CSR.
        codes: Label of each row as its place in `present` [n].
        present: Places in the ontology of the classes that occur, ascending.
        weights: Weight of each row, mean 1 [n]; None for all alike.
        counts: Rows of each class that occurs, by name.
    """

    matrix: Any
    codes: NDArray[np.int64]
    present: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    counts: dict[str, int]


def training_data(
    labeler: str,
    features: FeatureMatrix,
    labels: Sequence[str],
    *,
    classes: Sequence[str],
    weights: Sequence[float] | None,
) -> TrainingData:
    """The data that a model can learn from. Raises TrainingFailed, which says why it cannot."""
    counts = Counter(labels)
    places = {name: place for place, name in enumerate(classes)}
    unknown = sorted(counts.keys() - places.keys())
    if unknown:
        raise TrainingFailed(labeler, f"labels {unknown[:5]} are not classes of {list(classes)}")
    matrix = features.matrix
    if matrix.shape[0] != len(labels):
        message = f"{matrix.shape[0]} rows of features and {len(labels)} labels; expected as many"
        raise TrainingFailed(labeler, message)
    if len(counts) < 2:  # noqa: PLR2004 - one class is no choice
        raise TrainingFailed(labeler, f"labels of two classes are needed, found {dict(counts)}")
    if not _finite(matrix):
        raise TrainingFailed(labeler, "the features hold NaN or infinity")
    present, codes = np.unique([places[label] for label in labels], return_inverse=True)
    by_name = {classes[place]: counts[classes[place]] for place in present}
    return TrainingData(matrix, codes, present, _weights(labeler, weights, len(labels)), by_name)


def unlabeled_rows(
    labeler: str, features: FeatureMatrix, unlabeled: FeatureMatrix | None
) -> Any | None:
    """Rows without a label beside the labeled ones; None where there are none.

    Raises:
        TrainingFailed: they are made otherwise than the labeled ones, or are not all finite.
    """
    if unlabeled is None or not len(unlabeled):
        return None
    if unlabeled.version != features.version:
        versions = f"{unlabeled.version[:12]} and {features.version[:12]}"
        message = f"features of unlabeled and labeled items are of different versions, {versions}"
        raise TrainingFailed(labeler, message)
    if not _finite(unlabeled.matrix):
        raise TrainingFailed(labeler, "the features of unlabeled items hold NaN or infinity")
    return unlabeled.matrix


def stacked(labeled: Any, unlabeled: Any | None) -> Any:
    """Labeled rows, then unlabeled ones, dense or CSR as they are."""
    if unlabeled is None:
        return labeled
    if isinstance(labeled, np.ndarray):
        return np.concatenate([labeled, unlabeled])
    from scipy.sparse import vstack

    return vstack([labeled, unlabeled], format="csr")


def _weights(
    labeler: str, weights: Sequence[float] | None, expected: int
) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    found = np.asarray(weights, dtype=np.float64)
    usable = found.shape == (expected,) and np.isfinite(found).all() and (found >= 0).all()
    if not usable or not found.sum() > 0:
        message = f"{expected} weights of 0 or more that are not all 0 were expected"
        raise TrainingFailed(labeler, message)
    normed: NDArray[np.float64] = found / found.mean()
    return normed


def known_features(labeler: str, features: FeatureMatrix, version: str) -> Any:
    """The matrix, if it was made as the one that the model learned from, all finite."""
    if features.version != version:
        raise FeaturesChanged(labeler, version, features.version)
    if not _finite(features.matrix):
        raise LabelerError(labeler, "the features hold NaN or infinity; nothing is predicted")
    return features.matrix


def over_all_classes(
    probabilities: Probabilities, present: NDArray[np.int64], n_classes: int
) -> Probabilities:
    """Probabilities over the classes that were trained on, put among all [n, K]; 0 elsewhere."""
    full = np.zeros((probabilities.shape[0], n_classes))
    full[:, present] = probabilities
    return full


def _finite(matrix: Any) -> bool:
    values = matrix if isinstance(matrix, np.ndarray) else matrix.data
    return bool(np.isfinite(values).all())
