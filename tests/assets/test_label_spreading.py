"""Labels that spread from item to similar item."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.datasets import load_digits

from assets.dataset_file.semi_supervised import LabelSpreadingLabeler
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import TrainingFailed
from assets.labelers.interface import Model, Trainer
from assets.labelers.label_graph import spread
from assets.labelers.label_spreading import GRAPH
from assets.labelers.model_files import version_of
from assets.labelers.registry import make

CLASSES = tuple("0123456789")
SPREADING = LabelSpreadingLabeler(name="spreading", kind="label_spreading")
PROPAGATION = LabelSpreadingLabeler(
    name="propagation", kind="label_spreading", method="propagation"
)


def features_of(matrix: NDArray[Any], kind: str = "pixels") -> FeatureMatrix:
    ids = tuple(str(row) for row in range(len(matrix)))
    names = tuple(f"c{column}" for column in range(matrix.shape[1]))
    return FeatureMatrix(ids, names, matrix.astype(np.float32), kind, "v1")


def digits() -> tuple[NDArray[Any], list[str]]:
    pixels, labels = load_digits(return_X_y=True)
    return pixels / 16, [str(label) for label in labels]


def learned(spec: LabelSpreadingLabeler, n_labels: int, *, unlabeled: bool) -> Model:
    pixels, labels = digits()
    made = make(spec, Path())
    assert isinstance(made, Trainer)
    rest = features_of(pixels[n_labels:1200]) if unlabeled else None
    known = features_of(pixels[:n_labels])
    return made.fit(known, labels[:n_labels], classes=CLASSES, unlabeled=rest)


def accuracy(model: Model) -> float:
    pixels, labels = digits()
    found = model.predict_proba(features_of(pixels[1200:])).argmax(axis=1)
    return float(np.mean(found == [int(label) for label in labels[1200:]]))


@pytest.mark.parametrize("spec", [SPREADING, PROPAGATION], ids=["spreading", "propagation"])
def test_forty_labels_and_unlabeled_items_say_more_of_new_items_than_forty_labels(
    spec: LabelSpreadingLabeler,
) -> None:
    with_unlabeled = learned(spec, 40, unlabeled=True)
    assert accuracy(with_unlabeled) > accuracy(learned(spec, 40, unlabeled=False)) + 0.05
    assert with_unlabeled.card["n_unlabeled"] == 1160


def chain(n: int) -> NDArray[np.float64]:
    return np.arange(n, dtype=np.float64)[:, None]


def test_propagation_on_a_chain_falls_from_one_label_to_the_other() -> None:
    given = np.zeros((5, 2))
    given[0, 0] = given[4, 1] = 1
    graph, _ = spread(chain(5), given, neighbors=4, alpha=0.9, method="propagation")
    assert graph.shares[[0, 4]].tolist() == [[1, 0], [0, 1]]
    assert graph.shares[2] == pytest.approx([0.5, 0.5])
    assert graph.shares[1, 0] == pytest.approx(graph.shares[3, 1])
    assert graph.shares[1, 0] > 0.5


def test_spreading_corrects_a_label_that_all_neighbors_contradict() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 2))
    given = np.zeros((40, 2))
    given[:20, 0] = 1
    given[3] = [0, 1]
    spreading, _ = spread(rows, given, neighbors=7, alpha=0.9, method="spreading")
    propagation, _ = spread(rows, given, neighbors=7, alpha=0.9, method="propagation")
    assert spreading.shares[3].argmax() == 0
    assert propagation.shares[3].tolist() == [0, 1]


def test_where_no_label_arrives_classes_are_as_likely_as_they_are_common() -> None:
    rows = np.concatenate([chain(6), chain(6) + 1000])
    given = np.zeros((12, 2))
    given[[0, 1, 2], 0] = given[5, 1] = 1
    graph, _ = spread(rows, given, neighbors=2, alpha=0.9, method="spreading")
    assert graph.shares[6:].tolist() == [[0.75, 0.25]] * 6


def test_what_arrives_does_not_depend_on_the_scale_of_the_features() -> None:
    pixels, labels = digits()
    given = np.zeros((300, 10))
    given[np.arange(30), [int(label) for label in labels[:30]]] = 1
    small, _ = spread(pixels[:300], given, neighbors=5, alpha=0.9, method="spreading")
    large, _ = spread(pixels[:300] * 64, given, neighbors=5, alpha=0.9, method="spreading")
    assert large.shares == pytest.approx(small.shares)


def test_columns_of_other_units_count_alike() -> None:
    rng = np.random.default_rng(0)
    noise, sign = rng.normal(size=400) * 1e4, rng.integers(0, 2, 400) * 2 - 1
    matrix = np.stack([noise, sign + rng.normal(size=400) * 0.1], axis=1)
    labels = ["a" if s > 0 else "b" for s in sign]
    trainer = make(SPREADING, Path())
    assert isinstance(trainer, Trainer)
    found = {}
    for kind in ("columns", "pixels"):
        features = features_of(matrix, kind)
        model = trainer.fit(
            features.take(range(20)),
            labels[:20],
            classes=("a", "b"),
            unlabeled=features.take(range(20, 300)),
        )
        best = model.predict_proba(features.take(range(300, 400))).argmax(axis=1)
        found[kind] = np.mean(best == [("a", "b").index(label) for label in labels[300:]])
    assert found["columns"] > 0.95 > found["pixels"] + 0.2


def test_sparse_texts_are_stored_and_loaded_as_they_are() -> None:
    pixels, labels = digits()
    sparse = replace(features_of(pixels, "hashed_ngrams"), matrix=csr_array(pixels, dtype="f4"))
    trainer = make(SPREADING, Path())
    assert isinstance(trainer, Trainer)
    known, rest = sparse.take(range(60)), sparse.take(range(60, 400))
    model = trainer.fit(known, labels[:60], classes=CLASSES, unlabeled=rest)
    assert model.card["metric"] == "cosine"
    again = trainer.load(model.dump(), version=model.version)
    assert np.array_equal(model.predict_proba(rest), again.predict_proba(rest))
    assert np.mean(model.predict_proba(rest).argmax(1) == np.array(labels[60:400], int)) > 0.85


def test_no_unlabeled_items_are_noted_on_the_card() -> None:
    pixels, labels = digits()
    trainer = make(SPREADING, Path())
    assert isinstance(trainer, Trainer)
    nothing = features_of(pixels[:0])
    model = trainer.fit(features_of(pixels[:40]), labels[:40], classes=CLASSES, unlabeled=nothing)
    assert model.card["notes"] == [
        "there were no unlabeled items: it learned from the labels alone"
    ]
    assert model.version == learned(SPREADING, 40, unlabeled=False).version


def test_fewer_items_than_neighbors_are_tied_to_all_and_noted() -> None:
    pixels, labels = digits()
    trainer = make(SPREADING.model_copy(update={"neighbors": 50}), Path())
    assert isinstance(trainer, Trainer)
    model = trainer.fit(features_of(pixels[:3]), labels[:3], classes=CLASSES)
    assert model.card["neighbors"] == 2
    assert "3 items for 50 neighbors: each is tied to all" in model.card["notes"]
    found = model.predict_proba(features_of(pixels[:3])).argmax(axis=1)
    assert found.tolist() == [int(label) for label in labels[:3]]


def test_items_that_are_all_alike_are_as_likely_as_their_labels() -> None:
    features = features_of(np.ones((8, 4)))
    trainer = make(SPREADING, Path())
    assert isinstance(trainer, Trainer)
    model = trainer.fit(features, list("aaaaaabb"), classes=("a", "b"))
    found = model.predict_proba(features)
    assert np.isfinite(found).all()
    assert found.argmax(axis=1).tolist() == [0] * 8


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"matrix": np.full((5, 64), np.nan)}, "unlabeled items hold NaN"),
        ({"version": "v2"}, "of different versions, v2 and v1"),
    ],
)
def test_unlabeled_items_that_cannot_be_used_are_refused(
    change: dict[str, Any], reason: str
) -> None:
    pixels, labels = digits()
    trainer = make(SPREADING, Path())
    assert isinstance(trainer, Trainer)
    broken = replace(features_of(pixels[40:45]), **change)
    with pytest.raises(TrainingFailed, match=reason):
        trainer.fit(features_of(pixels[:40]), labels[:40], classes=CLASSES, unlabeled=broken)


def test_a_model_that_holds_a_pickle_is_not_loaded() -> None:
    import io

    model = learned(SPREADING, 20, unlabeled=False)
    buffer = io.BytesIO()
    np.savez(buffer, np.array([{"any": "object"}], dtype=object))
    files = {**model.dump(), GRAPH: buffer.getvalue()}
    trainer = make(SPREADING, Path())
    assert isinstance(trainer, Trainer)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        trainer.load(files, version=version_of(files))
