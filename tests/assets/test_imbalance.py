"""Rare classes: every kind that learns takes weights, sampling and a decision."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assets.dataset_file.labelers import SklearnLabeler, TorchLabeler, TrainedLabeler
from assets.dataset_file.semi_supervised import LabelSpreadingLabeler
from assets.features.matrix import FeatureMatrix
from assets.labelers.balance import BALANCE, tuned
from assets.labelers.errors import ModelUntrusted, TrainingFailed
from assets.labelers.interface import Model, Trainer
from assets.labelers.registry import make

CLASSES = ("common", "never", "rare")
LINEAR = SklearnLabeler(name="linear", kind="sklearn")
NETWORK = TorchLabeler(name="network", kind="torch", hidden=(), epochs=30, device="cpu")
SPREADING = LabelSpreadingLabeler(name="spreading", kind="label_spreading", neighbors=10)
EVERY = pytest.mark.parametrize("spec", [LINEAR, NETWORK, SPREADING], ids=lambda spec: spec.kind)


def items(n: int = 600, seed: int = 0) -> tuple[FeatureMatrix, list[str]]:
    """One in twenty is rare, and lies where common ones lie, too."""
    rng = np.random.default_rng(seed)
    rare = rng.random(n) < 0.05
    points = rng.normal(size=(n, 2)) + np.where(rare, 1.5, 0.0)[:, None]
    ids = tuple(f"{seed}-{row}" for row in range(n))
    features = FeatureMatrix(ids, ("x", "y"), points.astype(np.float32), "columns", "v1")
    return features, [CLASSES[2 if each else 0] for each in rare]


def trainer(spec: TrainedLabeler, **settings: str) -> Trainer:
    made = make(spec.model_copy(update=settings), Path())
    assert isinstance(made, Trainer)
    return made


def learned(spec: TrainedLabeler, **settings: str) -> Model:
    features, labels = items()
    return trainer(spec, **settings).fit(features, labels, classes=CLASSES, trained_on="v0002")


def recall_of_rare(model: Model) -> float:
    features, labels = items(seed=1)
    found = model.predict_proba(features).argmax(axis=1)
    return float(np.mean(found[np.array(labels) == "rare"] == 2))


@EVERY
@pytest.mark.parametrize(
    "settings",
    [
        {"class_weights": "balanced"},
        {"class_weights": "effective_number"},
        {"decision": "even"},
    ],
    ids=lambda settings: next(iter(settings.values())),
)
def test_rare_items_are_found_more_often(spec: TrainedLabeler, settings: dict[str, str]) -> None:
    assert recall_of_rare(learned(spec, **settings)) > recall_of_rare(learned(spec)) + 0.1


@pytest.mark.parametrize("sampling", ["over", "under"])
def test_sampling_finds_rare_items_with_an_estimator_that_takes_no_weights(sampling: str) -> None:
    spec = LINEAR.model_copy(update={"estimator": "sklearn.neighbors.KNeighborsClassifier"})
    assert recall_of_rare(learned(spec, sampling=sampling)) > recall_of_rare(learned(spec)) + 0.1
    with pytest.raises(TrainingFailed, match="takes no weights"):
        learned(spec, class_weights="balanced")


@EVERY
def test_without_settings_the_model_is_the_kinds_own(spec: TrainedLabeler) -> None:
    model = learned(spec)
    assert BALANCE not in model.dump()
    assert "balance" not in model.card


@EVERY
def test_what_was_done_is_on_the_card_and_comes_back_with_the_files(spec: TrainedLabeler) -> None:
    model = learned(spec, class_weights="balanced", decision="label_shares")
    again = trainer(spec).load(model.dump(), version=model.version)
    features, _ = items(seed=1)
    assert np.array_equal(model.predict_proba(features), again.predict_proba(features))
    assert (again.version, again.trained_on) == (model.version, "v0002")
    assert again.card["balance"]["class_weights"] == "balanced"
    assert again.card["balance"]["weights"]["rare"] > 5 > again.card["balance"]["weights"]["common"]


def test_a_class_without_examples_weighs_one_and_is_never_named() -> None:
    model = learned(LINEAR, class_weights="balanced", sampling="over", decision="even")
    told: dict[str, Any] = dict(model.card["balance"])
    assert (told["weights"]["never"], told["factors"]["never"]) == (1.0, 1.0)
    assert model.predict_proba(items()[0])[:, 1].max() == 0


def test_label_shares_give_back_probabilities_as_common_as_the_labels() -> None:
    weighed = learned(LINEAR, class_weights="balanced")
    back = learned(LINEAR, class_weights="balanced", decision="label_shares")
    features, labels = items(seed=1)
    share = labels.count("rare") / len(labels)
    assert weighed.predict_proba(features)[:, 2].mean() > 4 * share
    assert back.predict_proba(features)[:, 2].mean() == pytest.approx(share, abs=0.03)


def test_tuning_on_the_valid_split_moves_the_decision_and_is_a_version_of_its_own() -> None:
    model = learned(LINEAR, decision="tuned")
    features, labels = items(300, seed=2)
    better = tuned(model, features, labels)
    assert recall_of_rare(better) > recall_of_rare(model) + 0.1
    assert better.version != model.version
    assert better.card["balance"]["tuned_on"] == 300
    assert trainer(LINEAR).load(better.dump(), version=better.version).card == better.card


def test_too_few_labels_to_tune_on_leave_the_decision_and_are_noted() -> None:
    features, labels = items(5, seed=2)
    left = tuned(learned(LINEAR, decision="tuned"), features, labels)
    assert "5 labels in the valid split, 20 are needed" in left.card["balance"]["notes"][0]
    assert set(left.card["balance"]["factors"].values()) == {1.0}


def test_a_decision_that_was_changed_behind_the_version_is_not_loaded() -> None:
    model = learned(LINEAR, decision="even")
    files = model.dump()
    told = json.loads(files[BALANCE])
    told["factors"]["rare"] = 99.0
    files[BALANCE] = json.dumps(told).encode()
    with pytest.raises(ModelUntrusted):
        trainer(LINEAR).load(files, version=model.version)


@EVERY
def test_one_class_among_the_labels_is_refused_as_ever(spec: TrainedLabeler) -> None:
    features, _ = items(10)
    with pytest.raises(TrainingFailed, match="labels of two classes are needed"):
        trainer(spec, class_weights="balanced").fit(features, ["rare"] * 10, classes=CLASSES)
