"""Retraining: training set, candidate and champion of every trained labeler."""

from collections.abc import Iterator

import dagster as dg

from assets.dataset_file.labelers import TrainedLabeler
from assets.dataset_file.models import Dataset
from assets.features.workspace import Workspace
from assets.labelers.interface import Trainer
from assets.labelers.registry import make
from assets.metadata import commit_metadata, counts
from assets.models import folder, model_objects, pointer_object
from assets.ports import ProjectFolder, Stores
from assets.publication import publish
from assets.retraining import TrainingSet, is_due, released_training_set
from assets.runs import Run, group, key, open_run, owners
from assets.trial import Trial, figures, notes, pictures, tried

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
                "synthetic_items": found.made.height,
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


def trained_asset(
    dataset: Dataset, spec: TrainedLabeler, training_set: dg.AssetKey
) -> dg.AssetsDefinition:
    """Candidate and champion of one trained labeler, one step: the better one is published."""
    candidate, champion = f"{spec.name}_candidate", f"{spec.name}_champion"

    def spec_of(name: str, description: str, deps: list[dg.AssetKey]) -> dg.AssetSpec:
        return dg.AssetSpec(
            key(dataset, name),
            deps=deps,
            group_name=group(dataset, "retraining"),
            owners=owners(dataset),
            kinds={spec.icon},
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
        workspace = Workspace(project.root, project.cache(), context.log.info)
        trial = tried(context, run, spec, trainer, found, workspace=workspace)
        commit = _publish(run, spec, found, trial)
        context.log.info("%s: %s", spec.name, trial.reason)
        told = {
            **commit_metadata(run, commit, folder(spec.name, trial.model.version)),
            "version": trial.model.version,
            "release": found.release,
            **figures(trial),
            **notes(trial),
        }
        yield dg.MaterializeResult(
            asset_key=key(dataset, candidate),
            data_version=dg.DataVersion(trial.model.version),
            metadata={**told, **pictures(run, trial)},
        )
        yield dg.MaterializeResult(
            asset_key=key(dataset, champion),
            metadata={**told, "promoted": trial.promoted, "reason": trial.reason},
        )

    return trained


def _publish(run: Run, spec: TrainedLabeler, found: TrainingSet, trial: Trial) -> str:
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
