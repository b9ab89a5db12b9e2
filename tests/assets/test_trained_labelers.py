"""Trained labelers: what they learn, what they refuse, what they are stored as."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits

from assets.dataset_file.labelers import FunctionsLabeler, LabelerBase, SklearnLabeler, TorchLabeler
from assets.dataset_file.ontology import Ontology
from assets.dataset_file.semi_supervised import LabelSpreadingLabeler
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import (
    EstimatorInvalid,
    FeaturesChanged,
    KindUnknown,
    LabelerError,
    ModelUnreadable,
    ModelUntrusted,
    TrainingFailed,
)
from assets.labelers.interface import LabelerInput, Model, Trainer
from assets.labelers.model_files import MANIFEST, version_of
from assets.labelers.out_of_fold import deal, out_of_fold
from assets.labelers.registry import make

CLASSES = tuple("0123456789")
LINEAR = SklearnLabeler(name="linear", kind="sklearn", parameters={"max_iter": 300})
NETWORK = TorchLabeler(
    name="network", kind="torch", hidden=(64,), epochs=30, batch_size=32, device="cpu"
)
SPREADING = LabelSpreadingLabeler(name="spreading", kind="label_spreading")
EVERY = pytest.mark.parametrize("spec", [LINEAR, NETWORK, SPREADING], ids=lambda spec: spec.kind)
NAMES = {"linear": "LINEAR", "network": "NETWORK", "spreading": "SPREADING"}


@cache
def digits() -> tuple[FeatureMatrix, list[str]]:
    pixels, labels = load_digits(return_X_y=True)
    ids = tuple(sha256(row.tobytes()).hexdigest() for row in pixels)
    names = tuple(f"p{i}" for i in range(64))
    matrix = (pixels / 16).astype(np.float32)
    return FeatureMatrix(ids, names, matrix, "pixels", "v1"), [str(label) for label in labels]


def some(rows: Sequence[int]) -> tuple[FeatureMatrix, list[str]]:
    features, labels = digits()
    return features.take(rows), [labels[row] for row in rows]


def trainer(spec: LabelerBase) -> Trainer:
    made = make(spec, Path())
    assert isinstance(made, Trainer)
    return made


def learned(spec: LabelerBase, **options: Any) -> Model:
    features, labels = some(range(600))
    return trainer(spec).fit(features, labels, classes=CLASSES, **options)


def given(features: FeatureMatrix, classes: tuple[str, ...] = CLASSES) -> LabelerInput:
    items = pl.DataFrame({"item_id": features.item_ids}, schema={"item_id": pl.String})
    return LabelerInput(items, Ontology(classes=classes), lambda: features, lambda _uri: b"")


@EVERY
def test_it_learns_and_votes_with_its_probability_as_score(spec: LabelerBase) -> None:
    model = learned(spec, trained_on="v0001")
    features, truth = some(range(600, 900))
    ballots = model.vote(given(features))
    votes = ballots.votes
    assert np.mean(np.array(votes["label"]) == np.array(truth)) > 0.85
    assert votes["item_id"].to_list() == list(features.item_ids)
    assert set(votes["actor"]) == {f"model:{spec.name}"} == set(model.actors)
    assert set(votes["actor_version"]) == {model.version} == set(model.actors.values())
    assert set(votes["trained_on"]) == {"v0001"}
    assert ballots.predictions is not None
    best = ballots.predictions["probabilities"].list.max()
    assert best.to_list() == votes["score"].to_list()


@EVERY
def test_the_same_data_and_seed_give_the_same_bytes(spec: LabelerBase) -> None:
    first, second, other = learned(spec), learned(spec), learned(spec, seed=1)
    assert first.dump() == second.dump()
    assert first.version != other.version


@EVERY
def test_another_process_with_other_threads_gives_the_same_version(spec: LabelerBase) -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[1].split(':')\n"
        "import test_trained_labelers as t\n"
        f"print(t.learned(t.{NAMES[spec.name]}).version)"
    )
    path = ":".join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "3"}
    output = subprocess.run(
        [sys.executable, "-c", code, path],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert output.strip() == learned(spec).version


@EVERY
def test_a_stored_model_predicts_as_before(spec: LabelerBase) -> None:
    model = learned(spec, trained_on="v0007")
    again = trainer(spec).load(model.dump(), version=model.version)
    features, _ = some(range(400, 450))
    assert np.array_equal(model.predict_proba(features), again.predict_proba(features))
    assert (again.version, again.trained_on) == (model.version, "v0007")
    assert again.card["n_items"] == 600
    assert again.card["labels"]["0"] == sum(label == "0" for label in some(range(600))[1])


@EVERY
def test_changed_bytes_are_not_loaded(spec: LabelerBase) -> None:
    model = learned(spec)
    files = model.dump()
    (weights,) = files.keys() - {MANIFEST}
    files[weights] = files[weights][:-1] + b"?"
    with pytest.raises(ModelUntrusted, match="loading a model can run code"):
        trainer(spec).load(files, version=model.version)


@EVERY
def test_a_model_of_other_library_versions_is_not_loaded(spec: LabelerBase) -> None:
    files = learned(spec).dump()
    files[MANIFEST] = files[MANIFEST].replace(b'"numpy": "', b'"numpy": "0.')
    with pytest.raises(ModelUnreadable, match=r"numpy 0\.\S+ made it"):
        trainer(spec).load(files, version=version_of(files))


@EVERY
def test_a_class_without_training_labels_has_probability_zero(spec: LabelerBase) -> None:
    features, labels = some([row for row in range(300) if digits()[1][row] in "258"])
    model = trainer(spec).fit(features, labels, classes=CLASSES)
    found = model.predict_proba(some(range(300, 330))[0])
    assert found.shape == (30, 10)
    assert found[:, [0, 1, 3, 4, 6, 7, 9]].max() == 0
    assert found.sum(axis=1) == pytest.approx(1)


@EVERY
def test_it_abstains_below_its_threshold_and_keeps_the_score(spec: LabelerBase) -> None:
    sure = trainer(spec.model_copy(update={"vote_above": 0.9}))
    features, labels = some(range(200))
    votes = sure.fit(features, labels, classes=CLASSES).vote(given(some(range(400, 600))[0])).votes
    abstained = votes.filter(pl.col("label").is_null())
    assert 0 < abstained.height < 200
    assert abstained["score"].max() < 0.9 <= votes.drop_nulls("label")["score"].min()  # type: ignore[operator]


@EVERY
def test_sparse_features_teach_the_same_as_dense_ones(spec: LabelerBase) -> None:
    features, labels = some(range(600))
    sparse = replace(features, matrix=csr_array(features.matrix))
    model = trainer(spec).fit(sparse, labels, classes=CLASSES)
    found = model.predict_proba(sparse).argmax(axis=1)
    assert np.mean(found == learned(spec).predict_proba(features).argmax(axis=1)) > 0.97


@EVERY
def test_weights_decide_between_contradicting_labels(spec: LabelerBase) -> None:
    features, _ = some([0, 0, 1, 1] * 10)
    labels, weights = ["0", "1", "1", "0"] * 10, [5.0, 1.0, 5.0, 1.0] * 10
    model = trainer(spec).fit(features, labels, classes=CLASSES, weights=weights)
    assert model.predict_proba(some([0, 1])[0])[:, :2].argmax(axis=1).tolist() == [0, 1]


@EVERY
def test_no_items_give_no_votes(spec: LabelerBase) -> None:
    ballots = learned(spec).vote(given(some([])[0]))
    assert ballots.votes.height == 0
    assert ballots.predictions is not None
    assert ballots.predictions.height == 0


@EVERY
def test_a_changed_ontology_reorders_and_adds_classes(spec: LabelerBase) -> None:
    model = learned(spec)
    features, _ = some(range(400, 420))
    now = ("x", *reversed(CLASSES))
    before, after = model.vote(given(features)), model.vote(given(features, now))
    assert before.votes["label"].to_list() == after.votes["label"].to_list()
    assert after.predictions is not None
    assert len(after.predictions["probabilities"][0]) == 11
    assert after.predictions["probabilities"][0][0] == 0


@EVERY
def test_features_made_otherwise_are_refused(spec: LabelerBase) -> None:
    features, _ = some([0])
    with pytest.raises(FeaturesChanged, match="train it again"):
        learned(spec).predict_proba(replace(features, version="v2"))


@EVERY
@pytest.mark.parametrize(
    ("labels", "weights", "reason"),
    [
        (["0", "1", "cat"], None, r"labels \['cat'\] are not classes"),
        (["0", "1"], None, "3 rows of features and 2 labels"),
        (["0", "0", "0"], None, "labels of two classes are needed"),
        (["0", "1", "1"], [1.0, 1.0], "3 weights of 0 or more"),
        (["0", "1", "1"], [1.0, -1.0, 1.0], "3 weights of 0 or more"),
        (["0", "1", "1"], [0.0, 0.0, 0.0], "3 weights of 0 or more"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_the_reason(
    spec: LabelerBase, labels: list[str], weights: list[float] | None, reason: str
) -> None:
    with pytest.raises(TrainingFailed, match=reason):
        trainer(spec).fit(some(range(3))[0], labels, classes=CLASSES, weights=weights)


@EVERY
def test_features_of_nan_are_refused(spec: LabelerBase) -> None:
    features, labels = some(range(20))
    broken = replace(features, matrix=np.full_like(features.matrix, np.nan))
    with pytest.raises(TrainingFailed, match="NaN"):
        trainer(spec).fit(broken, labels, classes=CLASSES)
    with pytest.raises(LabelerError, match="NaN"):
        learned(spec).predict_proba(broken)


@pytest.mark.parametrize(
    ("estimator", "parameters", "reason"),
    [
        ("sklearn.linear_model.LogisticRegresion", {}, "cannot be imported"),
        ("no_such_package.Model", {}, "cannot be imported"),
        ("LogisticRegression", {}, "cannot be imported"),
        ("sklearn.linear_model.LogisticRegression", {"max_itr": 5}, "did you mean 'max_iter'"),
        ("sklearn.linear_model.SGDClassifier", {}, "predict_proba"),
        ("sklearn.linear_model.LinearRegression", {}, "predict_proba"),
        ("sklearn.linear_model.ridge_regression", {}, "no class"),
    ],
)
def test_an_estimator_that_cannot_be_made_is_named_at_once(
    estimator: str, parameters: dict[str, Any], reason: str
) -> None:
    with pytest.raises(EstimatorInvalid, match=reason):
        trainer(LINEAR.model_copy(update={"estimator": estimator, "parameters": parameters}))


def test_a_parameter_of_a_wrong_value_is_named_when_it_is_fitted() -> None:
    spec = LINEAR.model_copy(update={"parameters": {"C": -1}})
    with pytest.raises(TrainingFailed, match="'C' parameter of LogisticRegression"):
        learned(spec)


def test_what_the_estimator_warns_of_is_on_the_models_card() -> None:
    model = learned(LINEAR.model_copy(update={"parameters": {"max_iter": 2}}))
    assert "failed to converge" in model.card["notes"][0]


def test_an_estimator_without_weights_refuses_them() -> None:
    spec = LINEAR.model_copy(
        update={"estimator": "sklearn.neighbors.KNeighborsClassifier", "parameters": {}}
    )
    with pytest.raises(TrainingFailed, match="takes no weights"):
        learned(spec, weights=[1.0] * 600)


def test_an_estimator_for_dense_features_takes_sparse_ones() -> None:
    spec = LINEAR.model_copy(update={"estimator": "sklearn.naive_bayes.GaussianNB"})
    spec = spec.model_copy(update={"parameters": {}})
    features, labels = some(range(400))
    sparse = replace(features, matrix=csr_array(features.matrix))
    model = trainer(spec).fit(sparse, labels, classes=CLASSES)
    assert model.predict_proba(sparse).shape == (400, 10)


def test_a_diverging_network_says_which_setting_to_lower() -> None:
    with pytest.raises(TrainingFailed, match="lower learning_rate, which is 1e"):
        learned(NETWORK.model_copy(update={"learning_rate": 1e30}))


def test_a_network_that_stops_learning_is_stopped_at_its_best() -> None:
    model = learned(
        NETWORK.model_copy(update={"epochs": 300, "patience": 3, "learning_rate": 0.01})
    )
    assert 3 < model.card["epochs_run"] < 300


def test_a_network_without_hidden_layers_is_a_linear_model() -> None:
    model = learned(NETWORK.model_copy(update={"hidden": ()}))
    features, truth = some(range(600, 900))
    found = model.predict_proba(features).argmax(axis=1)
    assert np.mean(found == [int(label) for label in truth]) > 0.85


def test_training_shifts_no_randomness_of_others_and_leaves_the_threads() -> None:
    import torch

    torch.manual_seed(5)
    threads, before = torch.get_num_threads(), torch.get_rng_state()
    learned(NETWORK)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_a_missing_gpu_is_named_only_where_it_was_asked_for() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(LabelerError, match="torch finds no GPU; take auto or cpu"):
        learned(NETWORK.model_copy(update={"device": "cuda"}))
    assert learned(NETWORK.model_copy(update={"device": "auto"})).card["device"] == "cpu"


def test_progress_is_told_in_epochs() -> None:
    told: list[tuple[int, int]] = []
    learned(NETWORK, progress=lambda done, total: told.append((done, total)))
    assert told == [(epoch, 30) for epoch in range(1, 31)]


@EVERY
def test_out_of_fold_probabilities_come_from_models_that_did_not_see_the_item(
    spec: LabelerBase,
) -> None:
    features, labels = some(range(300))
    wrong = [str((int(label) + 1) % 10) if i % 10 == 0 else label for i, label in enumerate(labels)]
    found = out_of_fold(
        spec, features, wrong, groups=features.item_ids, classes=CLASSES, folds=3, seed=0
    )
    assert found.sum(axis=1) == pytest.approx(1)
    given_label = found[np.arange(300), [int(label) for label in wrong]]
    assert np.median(given_label[::10]) < 0.2
    assert np.median(given_label[1::10]) > 0.5


def test_a_group_is_never_on_both_sides_and_folds_are_even() -> None:
    groups = [f"g{i // 3}" for i in range(90)]
    labels = ["a" if i < 45 else "b" for i in range(90)]
    fold = deal(groups, labels, folds=5, seed=1)
    assert all(len(set(fold[i : i + 3])) == 1 for i in range(0, 90, 3))
    assert np.bincount(fold).tolist() == [18] * 5
    assert np.bincount(fold[:45]).tolist() == [9] * 5
    assert fold.tolist() != deal(groups, labels, folds=5, seed=2).tolist()


def test_too_few_groups_for_the_folds_are_refused() -> None:
    features, labels = some(range(20))
    with pytest.raises(TrainingFailed, match="2 groups for 5 folds"):
        out_of_fold(
            LINEAR, features, labels, groups=["a", "b"] * 10, classes=CLASSES, folds=5, seed=0
        )


def test_a_labeler_that_does_not_learn_has_no_probabilities() -> None:
    features, labels = some(range(20))
    spec = FunctionsLabeler(name="rules", kind="functions", path="x.py")
    with pytest.raises(TrainingFailed, match="does not learn"):
        out_of_fold(
            spec, features, labels, groups=features.item_ids, classes=CLASSES, folds=2, seed=0
        )


def test_an_unknown_kind_is_answered_with_those_there_are() -> None:
    with pytest.raises(KindUnknown, match=r"'functions', .*'sklearn', .*'torch'"):
        make(LabelerBase(name="strange"), Path())
