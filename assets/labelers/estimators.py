"""scikit-learn estimators by their import path: made, fitted, asked; every refusal in words."""

import inspect
import warnings
from importlib import import_module
from typing import Any

import numpy as np

from assets.dataset_file.labelers import EstimatorLabeler as Section
from assets.dataset_file.wording import known_name
from assets.labelers.errors import EstimatorInvalid, LabelerError, TrainingFailed
from assets.labelers.interface import Probabilities
from assets.labelers.training_data import TrainingData

LARGEST_DENSE_BYTES = 4 * 2**30


def made(section: Section, seed: int) -> Any:
    """The section's estimator, not fitted yet; the seed is its random_state where it has one.

    Raises:
        EstimatorInvalid: there is no such estimator, or it does not take these parameters.
    """
    kind = _class_of(section)
    given = dict(section.parameters)
    known = inspect.signature(kind).parameters
    if "random_state" in known:
        given.setdefault("random_state", seed)
    for name in given.keys() - known.keys():
        reason = f"found '{name}', expected {known_name(name, known, 'a parameter')}"
        raise EstimatorInvalid(section.name, section.estimator, reason)
    try:
        estimator = kind(**given)
    except (TypeError, ValueError) as error:
        raise EstimatorInvalid(section.name, section.estimator, str(error)) from error
    if not hasattr(estimator, "fit") or not hasattr(estimator, "predict_proba"):
        reason = (
            "it has no predict_proba with these parameters; expected a classifier that gives "
            "probabilities (SGDClassifier, for example, does with loss: log_loss)"
        )
        raise EstimatorInvalid(section.name, section.estimator, reason)
    return estimator


def _class_of(section: Section) -> Any:
    module, _, name = section.estimator.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        reason = f"cannot be imported ({error}); expected a path such as sklearn.svm.SVC"
        raise EstimatorInvalid(section.name, section.estimator, reason) from error
    if not inspect.isclass(found):
        raise EstimatorInvalid(section.name, section.estimator, "it is no class")
    return found


def fit_in_place(section: Section, estimator: Any, data: TrainingData) -> list[str]:
    """Fit an estimator; what it warned of. Raises TrainingFailed."""
    from sklearn.utils.validation import has_fit_parameter

    given = {}
    if data.weights is not None:
        if not has_fit_parameter(estimator, "sample_weight"):
            raise TrainingFailed(section.name, f"{section.estimator} takes no weights of items")
        given["sample_weight"] = data.weights
    matrix = _taken(section, estimator, data.matrix)
    with warnings.catch_warnings(record=True) as caught, _one_blas_thread():
        warnings.simplefilter("always")
        try:
            estimator.fit(matrix, data.codes, **given)
        except (TypeError, ValueError) as error:
            raise TrainingFailed(section.name, f"{section.estimator}: {error}") from error
    return sorted({str(warning.message) for warning in caught})


def predicted(section: Section, estimator: Any, matrix: Any) -> Probabilities:
    """Probabilities of the classes that the estimator was fitted to."""
    with _one_blas_thread():
        try:
            found = estimator.predict_proba(_taken(section, estimator, matrix))
        except (TypeError, ValueError) as error:
            raise LabelerError(section.name, f"{section.estimator}: {error}") from error
    probabilities = np.asarray(found, dtype=np.float64)
    if not np.isfinite(probabilities).all():
        raise LabelerError(section.name, f"{section.estimator} gave probabilities of NaN")
    return probabilities


def _taken(section: Section, estimator: Any, matrix: Any) -> Any:
    """The matrix in a form that the estimator takes: dense where it knows no sparse one."""
    from sklearn.utils import get_tags

    if isinstance(matrix, np.ndarray) or get_tags(estimator).input_tags.sparse:
        return matrix
    needed = matrix.shape[0] * matrix.shape[1] * matrix.dtype.itemsize
    if needed > LARGEST_DENSE_BYTES:
        raise LabelerError(
            section.name,
            f"{section.estimator} takes dense features only, which would be {needed:,} bytes, at "
            f"most {LARGEST_DENSE_BYTES:,}; take an estimator for sparse features, or lower "
            "features.dimensions",
        )
    return matrix.toarray()


def _one_blas_thread() -> Any:
    """Sums of several threads differ in their last bits from run to run."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="blas")
