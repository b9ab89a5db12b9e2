"""Label spreading and label propagation as a labeler; it votes on new items by the same graph."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from assets.dataset_file.semi_supervised import LabelSpreadingLabeler as Section
from assets.features.matrix import FeatureMatrix
from assets.labelers.interface import Model, Probabilities, Progress, no_progress
from assets.labelers.label_graph import LabelGraph, spread
from assets.labelers.model_files import (
    MANIFEST,
    array_file,
    arrays_of,
    manifest_file,
    verified,
    version_of,
)
from assets.labelers.stored_model import StoredModel, actor_of, learned_from
from assets.labelers.training_data import TrainingData, stacked, training_data, unlabeled_rows

GRAPH = "graph.npz"
METRICS = {"pixels": "euclidean", "columns": "standardized"}


class LabelSpreadingModel(StoredModel[Section]):
    """A labeled graph and the files that it is stored as."""

    def __init__(
        self, section: Section, files: Mapping[str, bytes], manifest: Mapping[str, Any]
    ) -> None:
        super().__init__(section, files, manifest)
        mean, scale, shares, reach, *nodes = arrays_of(files[GRAPH])
        self._mean, self._scale = mean, scale
        self._graph = LabelGraph(_matrix(nodes), shares.astype(np.float64), reach)

    def _predicted(self, matrix: Any) -> Probabilities:
        metric, neighbors = self._manifest["metric"], self._manifest["neighbors"]
        rows = _measured(matrix, metric, self._mean, self._scale)
        return self._graph.predict_proba(rows, neighbors)


class LabelSpreadingTrainer:
    """Spreads the labels of a release over its items."""

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
        """The graph over labeled and unlabeled rows; nothing in it is left to chance.

        Raises:
            TrainingFailed: says what is wrong with the data or the settings.
        """
        section = self._section
        data = training_data(section.name, features, labels, classes=classes, weights=weights)
        rows = stacked(data.matrix, unlabeled_rows(section.name, features, unlabeled))
        metric = _metric(section, features)
        mean, scale = _moments(rows, metric)
        neighbors = min(section.neighbors, rows.shape[0] - 1)
        graph, rounds = spread(
            _measured(rows, metric, mean, scale),
            _given(data, rows.shape[0]),
            neighbors=neighbors,
            alpha=section.alpha,
            method=section.method,
        )
        progress(1, 1)
        seed = section.seed if seed is None else seed
        card = {
            "kind": "label_spreading",
            **{name: getattr(section, name) for name in ("method", "alpha")},
            "metric": metric,
            "neighbors": neighbors,
            "rounds": rounds,
            **learned_from(features, data, classes=classes, seed=seed, trained_on=trained_on),
            "n_unlabeled": rows.shape[0] - len(labels),
            "notes": _notes(section, rows.shape[0], len(labels)),
        }
        files = {
            MANIFEST: manifest_file(card, ("numpy", "scikit-learn", "scipy")),
            GRAPH: array_file([mean, scale, graph.shares, graph.reach, *_arrays(graph.nodes)]),
        }
        return self.load(files, version=version_of(files))

    def load(self, files: Mapping[str, bytes], *, version: str) -> Model:
        """The model that was stored as these files.

        Raises:
            ModelUntrusted: the files are not this version.
            ModelUnreadable: other library versions made the model.
        """
        manifest = verified(self._section.name, files, version)
        return LabelSpreadingModel(self._section, files, manifest)


def _given(data: TrainingData, n_rows: int) -> NDArray[np.float64]:
    given = np.zeros((n_rows, len(data.present)))
    weights = 1.0 if data.weights is None else data.weights
    given[np.arange(len(data.codes)), data.codes] = weights
    return given


def _notes(section: Section, n_rows: int, n_labeled: int) -> list[str]:
    notes = []
    if n_rows == n_labeled:
        notes.append("there were no unlabeled items: it learned from the labels alone")
    if n_rows <= section.neighbors:
        notes.append(f"{n_rows} items for {section.neighbors} neighbors: each is tied to all")
    return notes


def _metric(section: Section, features: FeatureMatrix) -> str:
    chosen = METRICS.get(features.kind, "cosine") if section.metric == "auto" else section.metric
    return "cosine" if features.is_sparse and chosen == "standardized" else chosen


def _moments(matrix: Any, metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if metric != "standardized":
        return np.zeros(0), np.zeros(0)
    mean, scale = matrix.mean(axis=0, dtype=np.float64), matrix.std(axis=0, dtype=np.float64)
    return mean, np.where(scale > 1e-6 * np.abs(mean), scale, 1.0)


def _measured(
    matrix: Any, metric: str, mean: NDArray[np.float64], scale: NDArray[np.float64]
) -> Any:
    """Rows between which the Euclidean distance is the metric's, float32."""
    if metric == "euclidean":
        return matrix
    if metric == "standardized":
        return ((matrix - mean) / scale).astype(np.float32)
    if isinstance(matrix, np.ndarray):
        norm = np.linalg.norm(matrix, axis=1, keepdims=True)
        return matrix / np.where(norm > 0, norm, 1)
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)))
    return csr_array(diags_array(1 / np.where(norm > 0, norm, 1)) @ matrix, dtype=np.float32)


def _arrays(nodes: Any) -> list[NDArray[Any]]:
    if isinstance(nodes, np.ndarray):
        return [nodes]
    return [nodes.data, nodes.indices, nodes.indptr, np.array(nodes.shape)]


def _matrix(arrays: list[NDArray[Any]]) -> Any:
    if len(arrays) == 1:
        return arrays[0]
    data, indices, indptr, shape = arrays
    return csr_array((data, indices, indptr), shape=tuple(shape))
