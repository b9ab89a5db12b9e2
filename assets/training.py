"""Retraining: training set, candidate and champion of every trained labeler."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from assets.dataset_file.models import Dataset, SklearnLabeler, TorchLabeler
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import FeaturesChanged
from assets.labelers.interface import Model, Trainer
from assets.labelers.registry import make
from assets.metadata import commit_metadata, counts, picture
from assets.models import champion_of, folder, model_objects, pointer_object
from assets.ports import ProjectFolder, Stores
from assets.publication import publish
from assets.retraining import TrainingSet, is_due, released_training_set
from assets.runs import Run, group, key, open_run, owners

Trained = SklearnLabeler | TorchLabeler
NEW_CONTENT = (
    dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.data_version_changed()
    ).since_last_handled()
    & ~dg.AutomationCondition.any_deps_missing()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
    & dg.AutomationCondition.all_deps_blocking_checks_passed()
)


class ReleaseConfig(dg.Config):
    """Which release to learn from; the last one where none is named."""

    release: str | None = None


def training_set_asset(
    dataset: Dataset, labelers: list[str], deps: list[dg.AssetDep]
) -> dg.AssetsDefinition:
    """The `training_set` asset of a dataset; made by automation after every release."""

    @dg.asset(
        key=key(dataset, "training_set"),
        deps=deps,
        group_name=group(dataset, "retraining"),
        owners=owners(dataset),
        kinds={"polars"},
        automation_condition=NEW_CONTENT,
        description="The accepted labels of the last release whose receipt matches its data.",
        check_specs=[
            dg.AssetCheckSpec(
                "retraining_is_due",
                asset=key(dataset, "training_set"),
                blocking=True,
                description="Enough new labels, or a drift verdict that asks for it.",
            )
        ],
    )
    def training_set(
        context: dg.AssetExecutionContext,
        config: ReleaseConfig,
        stores: dg.ResourceParam[Stores],
    ) -> dg.MaterializeResult:
        store = stores.of(dataset.name)
        found = released_training_set(store, dataset, config.release)
        due = is_due(store, dataset, found, labelers)
        context.log.info("%s: %s", found.release, due.reason)
        by_split = dict(found.labels["split"].value_counts().iter_rows())
        return dg.MaterializeResult(
            data_version=dg.DataVersion(found.data_sha256),
            metadata={
                "release": found.release,
                "commit": found.commit,
                "dagster/row_count": found.labels.height,
                "new_labels": due.new_labels,
                "splits": counts(by_split),
                "dagster/uri": store.url(found.commit, "labels/"),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="retraining_is_due",
                    passed=due.due,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"why": due.reason},
                )
            ],
        )

    return training_set


@dataclass(frozen=True)
class Trial:
    """A candidate beside the champion on the test split.

    Attributes:
        probabilities: The candidate's, [n, K].
        promoted: Whether it becomes champion.
        reason: Why.
        metrics: Its figures, JSON-able.
    """

    model: Model
    truth: list[str]
    probabilities: "np.ndarray[Any, np.dtype[np.float64]]"
    promoted: bool
    reason: str
    metrics: dict[str, Any]


def trained_asset(
    dataset: Dataset, spec: Trained, training_set: dg.AssetKey
) -> dg.AssetsDefinition:
    """Candidate and champion of one trained labeler, one step: the better one is published."""
    candidate, champion = f"{spec.name}_candidate", f"{spec.name}_champion"
    kinds = {"sklearn": "scikitlearn", "torch": "pytorch"}[spec.kind]

    def spec_of(name: str, description: str, deps: list[dg.AssetKey]) -> dg.AssetSpec:
        return dg.AssetSpec(
            key(dataset, name),
            deps=deps,
            group_name=group(dataset, "retraining"),
            owners=owners(dataset),
            kinds={kinds},
            automation_condition=NEW_CONTENT,
            description=description,
        )

    @dg.multi_asset(
        name=f"{dataset.name}__{spec.name}_training",
        specs=[
            spec_of(candidate, "A model that learned from the last release.", [training_set]),
            spec_of(
                champion,
                "The model that votes. A candidate takes its place only where it beats it on "
                "the pinned test split by more than chance.",
                [key(dataset, candidate)],
            ),
        ],
    )
    def trained(
        context: dg.AssetExecutionContext,
        config: ReleaseConfig,
        stores: dg.ResourceParam[Stores],
        project: dg.ResourceParam[ProjectFolder],
    ) -> Iterator[dg.MaterializeResult]:
        run = open_run(context, stores, dataset, part=spec.name)
        found = released_training_set(run.store, dataset, config.release)
        trainer = make(spec, project.root)
        assert isinstance(trainer, Trainer)  # noqa: S101 - narrows the type; the kind says so
        trial = _try(context, run, spec, trainer, found)
        commit = _publish(run, spec, found, trial)
        context.log.info("%s: %s", spec.name, trial.reason)
        told = {
            **commit_metadata(run, commit, folder(spec.name, trial.model.version)),
            "version": trial.model.version,
            "release": found.release,
            **_figures(trial),
        }
        yield dg.MaterializeResult(
            asset_key=key(dataset, candidate),
            data_version=dg.DataVersion(trial.model.version),
            metadata={**told, **_pictures(run, trial)},
        )
        yield dg.MaterializeResult(
            asset_key=key(dataset, champion),
            metadata={**told, "promoted": trial.promoted, "reason": trial.reason},
        )

    return trained


def _try(
    context: dg.AssetExecutionContext,
    run: Run,
    spec: Trained,
    trainer: Trainer,
    found: TrainingSet,
) -> Trial:
    train, test = found.split("train"), found.split("test")
    model = trainer.fit(
        _features(run, found, train),
        train["label"].to_list(),
        classes=run.dataset.classes,
        trained_on=found.release,
        progress=lambda done, total: context.log.debug("%s: %d of %d", spec.name, done, total),
    )
    features = _features(run, found, test)
    truth = test["label"].to_list()
    if not truth:
        reason = f"{found.release} has no accepted label in the test split to be judged by"
        nothing = np.zeros((0, len(run.dataset.classes)))
        return Trial(model, truth, nothing, promoted=False, reason=reason, metrics={})
    champion = champion_of(run.store, run.branch.base, spec.name, trainer)
    return _judged(run, model, champion, truth, features)


def _judged(
    run: Run, model: Model, champion: Model | None, truth: list[str], features: FeatureMatrix
) -> Trial:
    from quality.evaluation.comparison import compare

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
    return Trial(model, truth, given, promoted=promoted, reason=reason, metrics=metrics)


def _features(run: Run, found: TrainingSet, labels: pl.DataFrame) -> FeatureMatrix:
    from assets.features.featurize import featurize

    items = run.items(at=found.commit).join(labels, on="item_id", how="semi")
    return featurize(
        items.sort("item_id"), run.dataset, lambda uri: run.store.read(found.commit, uri)
    )


def _publish(run: Run, spec: Trained, found: TrainingSet, trial: Trial) -> str:
    told = {**trial.metrics, "promoted": trial.promoted, "trained_on": found.release}
    objects = model_objects(spec.name, trial.model, told)
    if trial.promoted:
        objects |= pointer_object(spec.name, trial.model, found.release, told)
    run.write(objects, message=f"Model of {spec.name} from {found.release}", asset=spec.name)
    commit = publish(
        run,
        message=f"{spec.name}: {'new champion' if trial.promoted else 'candidate'}",
        asset=f"{spec.name}_champion",
        audit=lambda branch: {"trained_on": found.release, "audited": branch.base},
    )
    run.store.drop_branch(run.branch.name)
    return commit.id


def _figures(trial: Trial) -> dict[str, Any]:
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


def _pictures(run: Run, trial: Trial) -> dict[str, Any]:
    from quality.pictures.matrices import confusion
    from quality.pictures.reliability import reliability

    if not trial.truth:
        return {}
    classes = run.dataset.classes
    chosen = trial.probabilities.argmax(axis=1)
    truth = np.array([classes.index(label) for label in trial.truth])
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(matrix, (truth, chosen), 1)
    return {
        "confusion": picture(confusion(matrix, classes, columns="predicted label")),
        "reliability": picture(reliability(trial.probabilities.max(axis=1), chosen == truth)),
    }
