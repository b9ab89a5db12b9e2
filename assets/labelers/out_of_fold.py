"""Probabilities of models that did not see the item: what label errors can be found with."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assets.dataset_file.labelers import LabelerBase
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import TrainingFailed
from assets.labelers.interface import Probabilities, Progress, Trainer, no_progress
from assets.labelers.registry import make


def out_of_fold(
    spec: LabelerBase,
    features: FeatureMatrix,
    labels: Sequence[str],
    *,
    groups: Sequence[str],
    classes: Sequence[str],
    folds: int,
    seed: int,
    progress: Progress = no_progress,
) -> Probabilities:
    """Probabilities [n, K] of each item by a model that learned from other groups only.

    Args:
        spec: Section of a labeler that learns.
        features: Features of the items.
        labels: Given label of each item.
        groups: Group of each item; a group is never on both sides.
        classes: The ontology's classes in their order.
        folds: How many models are fitted.
        seed: Deals the groups, and starts the models.
        progress: Told in folds.

    Raises:
        TrainingFailed: the labeler does not learn, there are fewer groups than folds, or a model
            cannot be fitted.
    """
    trainer = make(spec, Path())
    if not isinstance(trainer, Trainer):
        raise TrainingFailed(spec.name, "it is of a kind that does not learn")
    fold = deal(groups, labels, folds=folds, seed=seed)
    if fold.max(initial=-1) + 1 < folds:
        raise TrainingFailed(spec.name, f"{len(set(groups))} groups for {folds} folds are too few")
    given = np.asarray(labels)
    found = np.zeros((len(given), len(classes)))
    for k in range(folds):
        inside, outside = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
        known = features.take(outside)
        model = trainer.fit(known, given[outside].tolist(), classes=classes, seed=seed)
        found[inside] = model.predict_proba(features.take(inside))
        progress(k + 1, folds)
    return found


def deal(
    groups: Sequence[str], labels: Sequence[str], *, folds: int, seed: int
) -> NDArray[np.int64]:
    """Fold of each item [n]: groups are shuffled, sorted by their first item's label, and dealt.

    So every fold gets its share of each class, and the same number of groups to within one.
    """
    _, first, group = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
    chance = np.random.default_rng(seed).permutation(len(first))
    order = np.lexsort((chance, np.asarray(labels)[first]))
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % folds
    dealt: NDArray[np.int64] = fold[group]
    return dealt
