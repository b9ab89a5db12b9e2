"""What unlabeled items add to a few labels: accuracy on held-out digits, the ways side by side.

PYTHONPATH=. python -m benchmarks.semi_supervised [--labels 40] [--seeds 5]

Each seed draws 360 of scikit-learn's 1,797 digits as the test set, as many labels of each class
as go, and leaves the rest of the others unlabeled. Every way sees the same drawings.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.dataset_file.labelers import SklearnLabeler, TorchLabeler, TrainedLabeler
from assets.dataset_file.semi_supervised import (
    FixMatchLabeler,
    LabelSpreadingLabeler,
    SelfTrainingLabeler,
)
from assets.features.matrix import FeatureMatrix
from assets.labelers.interface import Trainer
from assets.labelers.registry import make

CLASSES = tuple("0123456789")
CONVOLUTIONS, LINEAR = (32, 64), {"max_iter": 500}
TEST_ITEMS = 360
WAYS: dict[str, tuple[TrainedLabeler, bool]] = {
    "logistic regression": (SklearnLabeler(name="way", kind="sklearn", parameters=LINEAR), False),
    "self-training of it": (
        SelfTrainingLabeler(name="way", kind="self_training", parameters=LINEAR),
        True,
    ),
    "label spreading": (LabelSpreadingLabeler(name="way", kind="label_spreading"), True),
    "label propagation": (
        LabelSpreadingLabeler(name="way", kind="label_spreading", method="propagation"),
        True,
    ),
    "network": (
        TorchLabeler(name="way", kind="torch", channels=CONVOLUTIONS, epochs=200, device="cpu"),
        False,
    ),
    "network, weakly changed items": (
        FixMatchLabeler(name="way", kind="fixmatch", steps=600, device="cpu"),
        False,
    ),
    "FixMatch of the same network": (
        FixMatchLabeler(name="way", kind="fixmatch", device="cpu"),
        True,
    ),
}


def digits() -> tuple[FeatureMatrix, NDArray[np.int64]]:
    """Pixels as the chain makes them, levels 0 to 1, and the digits."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    ids = tuple(str(row) for row in range(len(labels)))
    names = tuple(f"p{column}" for column in range(pixels.shape[1]))
    return FeatureMatrix(ids, names, (pixels / 16).astype(np.float32), "pixels", "v1"), labels


def drawn(truth: NDArray[np.int64], n_labels: int, seed: int) -> tuple[NDArray[Any], ...]:
    """Rows that are labeled, unlabeled, and tested on."""
    order = np.random.default_rng(seed).permutation(len(truth))
    test, rest = order[:TEST_ITEMS], order[TEST_ITEMS:]
    labeled = np.concatenate([rest[truth[rest] == k][: n_labels // 10] for k in range(10)])
    return labeled, np.setdiff1d(rest, labeled), test


def accuracy(way: str, n_labels: int, seed: int) -> tuple[float, float]:
    """Share of the test set that is right, and seconds."""
    spec, uses_unlabeled = WAYS[way]
    trainer = make(spec, Path())
    assert isinstance(trainer, Trainer)  # noqa: S101 - narrows the type
    features, truth = digits()
    labeled, unlabeled, test = drawn(truth, n_labels, seed)
    start = time.perf_counter()
    model = trainer.fit(
        features.take(labeled),
        [CLASSES[k] for k in truth[labeled]],
        classes=CLASSES,
        seed=seed,
        unlabeled=features.take(unlabeled) if uses_unlabeled else None,
    )
    seconds = time.perf_counter() - start
    found = model.predict_proba(features.take(test)).argmax(axis=1)
    return float((found == truth[test]).mean()), seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{options.labels} labels, {options.seeds} seeds: test accuracy, standard deviation, range"
    )
    for way in WAYS:
        figures = [accuracy(way, options.labels, seed) for seed in range(options.seeds)]
        right, seconds = np.array(figures).T
        spread = f"{right.std(ddof=1):.4f}  {right.min():.4f} to {right.max():.4f}"
        print(f"{way:32s} {right.mean():.4f}  {spread}  {np.median(seconds):6.1f} s", flush=True)


if __name__ == "__main__":
    main()
