"""Self-training and FixMatch: what they learn from items without a label."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.datasets import load_digits

from assets.dataset_file.labelers import TrainedLabeler
from assets.dataset_file.semi_supervised import FixMatchLabeler, SelfTrainingLabeler
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import TrainingFailed
from assets.labelers.interface import Model, Trainer
from assets.labelers.registry import make

CLASSES = tuple("0123456789")
SELF_TRAINING = SelfTrainingLabeler(
    name="own", kind="self_training", parameters={"max_iter": 300}, threshold=0.8
)
FIXMATCH = FixMatchLabeler(
    name="fixmatch", kind="fixmatch", steps=40, channels=(8,), hidden=(32,), device="cpu"
)
BOTH = pytest.mark.parametrize("spec", [SELF_TRAINING, FIXMATCH], ids=lambda spec: spec.kind)


def features_of(matrix: NDArray[Any], kind: str = "pixels") -> FeatureMatrix:
    ids = tuple(str(row) for row in range(len(matrix)))
    names = tuple(f"c{column}" for column in range(matrix.shape[1]))
    return FeatureMatrix(ids, names, matrix.astype(np.float32), kind, "v1")


def digits() -> tuple[FeatureMatrix, list[str]]:
    pixels, labels = load_digits(return_X_y=True)
    return features_of(pixels / 16), [str(label) for label in labels]


def trainer(spec: TrainedLabeler) -> Trainer:
    made = make(spec, Path())
    assert isinstance(made, Trainer)
    return made


def learned(spec: TrainedLabeler, unlabeled: FeatureMatrix | None, **options: Any) -> Model:
    features, labels = digits()
    known = features.take(range(60))
    return trainer(spec).fit(known, labels[:60], classes=CLASSES, unlabeled=unlabeled, **options)


def rest() -> FeatureMatrix:
    return digits()[0].take(range(60, 600))


@BOTH
def test_the_same_data_and_seed_give_the_same_bytes(spec: TrainedLabeler) -> None:
    first, second = learned(spec, rest()), learned(spec, rest())
    assert first.dump() == second.dump()
    assert first.version != learned(spec, rest(), seed=1).version


@BOTH
def test_a_stored_model_predicts_as_before(spec: TrainedLabeler) -> None:
    model = learned(spec, rest(), trained_on="v0003")
    again = trainer(spec).load(model.dump(), version=model.version)
    assert np.array_equal(model.predict_proba(rest()), again.predict_proba(rest()))
    assert (again.trained_on, again.card["n_unlabeled"]) == ("v0003", 540)


@BOTH
def test_without_unlabeled_items_it_learns_from_labels_and_says_so(spec: TrainedLabeler) -> None:
    model = learned(spec, rest().take([]))
    assert model.version == learned(spec, None).version
    assert "there were no unlabeled items" in model.card["notes"][0]


@BOTH
@pytest.mark.parametrize(
    ("labels", "unlabeled", "reason"),
    [
        (["0"] * 60, None, "labels of two classes are needed"),
        (None, {"matrix": np.full((540, 64), np.nan)}, "unlabeled items hold NaN"),
        (None, {"version": "v2"}, "of different versions"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_the_reason(
    spec: TrainedLabeler, labels: list[str] | None, unlabeled: dict[str, Any] | None, reason: str
) -> None:
    features, given = digits()
    beside = replace(rest(), **(unlabeled or {}))
    with pytest.raises(TrainingFailed, match=reason):
        trainer(spec).fit(
            features.take(range(60)), labels or given[:60], classes=CLASSES, unlabeled=beside
        )


@BOTH
def test_sparse_features_are_learned_from(spec: TrainedLabeler) -> None:
    features, labels = digits()
    sparse = replace(features, matrix=csr_array(features.matrix), kind="hashed_ngrams")
    model = trainer(spec).fit(
        sparse.take(range(200)),
        labels[:200],
        classes=CLASSES,
        unlabeled=sparse.take(range(200, 500)),
    )
    found = model.predict_proba(sparse.take(range(500, 900))).argmax(axis=1)
    assert np.mean(found == [int(label) for label in labels[500:900]]) > 0.3


def test_self_training_takes_only_what_it_is_sure_of() -> None:
    bold = learned(SELF_TRAINING, rest())
    careful = learned(SELF_TRAINING.model_copy(update={"threshold": 1.0}), rest())
    assert sum(bold.card["taken_by_round"]) > 0
    assert careful.card["taken_by_round"] == []
    labels_alone = learned(SELF_TRAINING, None)
    assert np.array_equal(careful.predict_proba(rest()), labels_alone.predict_proba(rest()))


def test_self_training_takes_an_item_once() -> None:
    assert sum(learned(SELF_TRAINING, rest()).card["taken_by_round"]) <= 540


def test_nine_labels_and_unlabeled_items_teach_fixmatch_more_than_nine_labels() -> None:
    features, labels = digits()
    rows = [row for row in range(1797) if labels[row] in "358"][:500]
    known = [row for name in "358" for row in [r for r in rows if labels[r] == name][:3]]
    unlabeled, test = [row for row in rows[:350] if row not in known], rows[350:]
    spec = FIXMATCH.model_copy(update={"steps": 300, "threshold": 0.8})

    def right(beside: FeatureMatrix | None) -> float:
        given = [labels[row] for row in known]
        found = trainer(spec).fit(features.take(known), given, classes=CLASSES, unlabeled=beside)
        best = found.predict_proba(features.take(test)).argmax(axis=1)
        return float(np.mean(best == [int(labels[row]) for row in test]))

    assert right(features.take(unlabeled)) > right(None) + 0.03


def test_fixmatch_convolves_pixels_and_nothing_else() -> None:
    assert learned(FIXMATCH, rest()).card["channels"] == [8]
    features, labels = digits()
    columns = replace(features, kind="columns").take(range(60))
    model = trainer(FIXMATCH).fit(columns, labels[:60], classes=CLASSES, unlabeled=columns)
    assert model.card["channels"] == []


def test_a_diverging_fixmatch_says_which_setting_to_lower() -> None:
    spec = FIXMATCH.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(TrainingFailed, match="lower learning_rate, which is 1e"):
        learned(spec, rest())


def test_fixmatch_says_where_it_was_sure_of_too_little() -> None:
    model = learned(FIXMATCH.model_copy(update={"steps": 3, "threshold": 1.0}), rest())
    assert "sure enough of 0% of the unlabeled items" in model.card["notes"][0]


def test_progress_is_told_in_steps() -> None:
    told: list[tuple[int, int]] = []
    learned(FIXMATCH, rest(), progress=lambda done, total: told.append((done, total)))
    assert told == [(step, 40) for step in range(1, 41)]
