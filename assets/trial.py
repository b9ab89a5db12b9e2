"""A candidate model on trial: it learns from a release and is held against the champion."""

import json
from dataclasses import dataclass
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from assets.dataset_file.labelers import TrainedLabeler
from assets.dataset_file.semi_supervised import SemiSupervisedLabeler
from assets.evidence import ACCEPTED
from assets.features.matrix import FeatureMatrix
from assets.features.workspace import Workspace
from assets.labelers.balance import tuned
from assets.labelers.errors import FeaturesChanged
from assets.labelers.interface import Model, Trainer
from assets.metadata import picture
from assets.models import champion_of
from assets.retraining import TrainingSet
from assets.runs import Run
from assets.soft_labels import probabilities_at, softened
from quality.evaluation.comparison import Comparison, compare
from quality.schema import LABELS
from quality.synthetic.labels import real


@dataclass(frozen=True)
class Trial:
    """A candidate beside the champion on the test split.

    Attributes:
        probabilities: The candidate's, [n, K].
        promoted: Whether it becomes champion.
        reason: Why.
        metrics: Its figures, JSON-able.
        comparison: With the champion, where there is one that can be compared.
    """

    model: Model
    truth: list[str]
    probabilities: "np.ndarray[Any, np.dtype[np.float64]]"
    promoted: bool
    reason: str
    metrics: dict[str, Any]
    comparison: Comparison | None = None


def tried(
    context: dg.AssetExecutionContext,
    run: Run,
    spec: TrainedLabeler,
    trainer: Trainer,
    found: TrainingSet,
    *,
    workspace: Workspace,
) -> Trial:
    """A candidate that learned from a release, beside the champion.

    Raises:
        TrainingFailed: no model can be made of this release.
    """
    train, test = examples(run, found), found.split("test")
    alike = bool((train["weight"] == 1).all())
    model = trainer.fit(
        _features(run, spec, found, train, workspace).take(_rows(train)),
        train["label"].to_list(),
        classes=run.dataset.classes,
        weights=None if alike else train["weight"].to_list(),
        trained_on=found.release,
        unlabeled=_unlabeled(run, spec, found, workspace),
        progress=lambda done, total: context.log.debug("%s: %d of %d", spec.name, done, total),
    )
    if spec.decision == "tuned":
        valid = found.split("valid")
        model = tuned(
            model, _features(run, spec, found, valid, workspace), valid["label"].to_list()
        )
    features = _features(run, spec, found, test, workspace)
    truth = test["label"].to_list()
    if not truth:
        reason = f"{found.release} has no accepted label in the test split to be judged by"
        nothing = np.zeros((0, len(run.dataset.classes)))
        return Trial(model, truth, nothing, promoted=False, reason=reason, metrics={})
    champion = champion_of(run.store, run.branch.base, spec.name, trainer)
    return _judged(run, model, champion, truth, features)


def examples(run: Run, found: TrainingSet) -> pl.DataFrame:
    """What a candidate learns from: item_id, label and weight, sorted by item.

    The accepted labels of the train split, and the synthetic items unless they weigh nothing.
    With soft labels an item has a row for each class, as heavy as the class is likely.
    """
    weight = run.dataset.retraining.synthetic_weight
    taught = found.split("train").select("item_id", "label", weight=pl.lit(1.0))
    if run.dataset.retraining.labels == "soft":
        taught = softened(taught, probabilities_at(run, found.commit))
    made = found.made if weight > 0 else found.made.clear()
    made = made.select("item_id", "label", weight=pl.lit(weight))
    return pl.concat([taught, made]).sort("item_id")


def _rows(examples: pl.DataFrame) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The place among the items, sorted by id, of each example's item."""
    return examples["item_id"].rank("dense").to_numpy().astype(np.int64) - 1


def _judged(
    run: Run, model: Model, champion: Model | None, truth: list[str], features: FeatureMatrix
) -> Trial:
    classes, settings = run.dataset.classes, run.dataset.retraining
    given = model.predict_proba(features)
    try:
        before = None if champion is None else champion.predict_proba(features)
        none = "there was no champion yet"
    except FeaturesChanged:
        before, none = None, "the champion knows other features and cannot be compared"
    comparison = compare(
        truth,
        given if before is None else before,
        given,
        classes,
        seed=run.dataset.splits.seed,
        replicates=settings.replicates,
        level=1 - settings.alpha,
    )
    reason = none if before is None else comparison.reason
    metrics = json.loads(comparison.to_json()) | {"reason": reason, "test_items": len(truth)}
    promoted = before is None or comparison.better
    return Trial(
        model,
        truth,
        given,
        promoted=promoted,
        reason=reason,
        metrics=metrics,
        comparison=None if before is None else comparison,
    )


def _unlabeled(
    run: Run, spec: TrainedLabeler, found: TrainingSet, workspace: Workspace
) -> FeatureMatrix | None:
    """Items of the train split without an accepted label, for a labeler that learns from them.

    An item's id is a digest, so that the first ids are as good as drawn at random.
    """
    if not isinstance(spec, SemiSupervisedLabeler):
        return None
    labels = real(run.table(LABELS, at=found.commit))
    open_items = labels.filter((pl.col("split") == "train") & ~pl.col("state").is_in(ACCEPTED))
    chosen = open_items.select("item_id").sort("item_id").head(spec.max_unlabeled)
    return _features(run, spec, found, chosen, workspace)


def _features(
    run: Run,
    spec: TrainedLabeler,
    found: TrainingSet,
    labels: pl.DataFrame,
    workspace: Workspace,
) -> FeatureMatrix:
    from assets.features.featurize import featurize

    at = found.commit
    items = pl.concat([run.items(at=at), run.synthetic_items(at=at)])
    items = items.join(labels, on="item_id", how="semi")
    seen = run.dataset.model_copy(update={"features": spec.features_of(run.dataset.features)})

    def media(uri: str) -> bytes:
        return run.store.read(at, uri)

    return featurize(items.sort("item_id"), seen, media, workspace)


def figures(trial: Trial) -> dict[str, Any]:
    """The candidate's figures on the test split, for the metadata."""
    if not trial.metrics:
        return {"test_items": 0}
    scores = trial.metrics["candidate"]
    low, high = trial.metrics["intervals"]["accuracy"]
    return {
        "accuracy": scores["accuracy"],
        "macro_f1": scores["macro_f1"],
        "test_items": trial.metrics["test_items"],
        "accuracy_over_champion": f"{low:+.4f} to {high:+.4f}",
    }


def notes(trial: Trial) -> dict[str, Any]:
    """What its card notes: warnings, and why a strategy was chosen."""
    told = trial.model.card.get("notes") or ()
    return {"notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in told))} if told else {}


def pictures(run: Run, trial: Trial) -> dict[str, Any]:
    """What a person looks at: confusion, reliability and the champion beside it, on test items."""
    from quality.pictures.matrices import confusion
    from quality.pictures.reliability import reliability

    if not trial.truth:
        return {}
    classes = run.dataset.classes
    chosen = trial.probabilities.argmax(axis=1)
    truth = np.array([classes.index(label) for label in trial.truth])
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(matrix, (truth, chosen), 1)
    beside = {}
    if trial.comparison is not None:
        beside["against the champion"] = picture(trial.comparison.picture())
    return beside | {
        "confusion": picture(confusion(matrix, classes, columns="predicted label")),
        "reliability": picture(reliability(trial.probabilities.max(axis=1), chosen == truth)),
    }
