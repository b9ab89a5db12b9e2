"""Label issues: accepted labels that the items themselves speak against."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.dataset_file.labelers import SklearnLabeler, TorchLabeler
from assets.dataset_file.models import Dataset
from assets.encoders.errors import EncoderError
from assets.evidence import ACCEPTED
from assets.features.workspace import Workspace
from assets.labelers.errors import TrainingFailed
from assets.metadata import commit_metadata, picture, sample
from assets.ports import ProjectFolder, Stores
from assets.runs import Run, group, key, open_run, owners
from quality.lineage.buckets import to_parquet
from quality.schema import LABELS

if TYPE_CHECKING:
    from quality.label_issues.report import LabelIssues

LABEL_QUALITY = "reports/label_issues.parquet"
FOLDS = 5
FEWEST_PER_CLASS = FOLDS
COLUMNS = {
    "item_id": pl.String(),
    "given": pl.String(),
    "suggested": pl.String(),
    "score": pl.Float64(),
    "is_issue": pl.Boolean(),
}


def label_issues_asset(dataset: Dataset, deps: Sequence[dg.AssetDep]) -> dg.AssetsDefinition:
    """The `label_issues` asset of a dataset."""

    @dg.asset(
        key=key(dataset, "label_issues"),
        deps=deps,
        group_name=group(dataset, "agreement"),
        owners=owners(dataset),
        kinds={"scikitlearn"},
        description=(
            "Confident learning over the accepted labels: a model that never saw an item's "
            "label, nor its group, says how well the label fits."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "few_labels_look_wrong",
                asset=key(dataset, "label_issues"),
                description="Accepted labels that their items speak against: max_label_issues.",
            )
        ],
    )
    def label_issues(
        context: dg.AssetExecutionContext,
        stores: dg.ResourceParam[Stores],
        project: dg.ResourceParam[ProjectFolder],
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        workspace = Workspace(project.root, project.cache(), context.log.info)
        report = find(run, run.head(), workspace)
        reason = report if isinstance(report, str) else None
        found = pl.DataFrame(schema=COLUMNS) if isinstance(report, str) else _table(report)
        commit = run.write(
            {LABEL_QUALITY: to_parquet(found)}, message="Label issues", asset="label_issues"
        )
        issues = found.filter("is_issue").sort("score")
        share = issues.height / max(found.height, 1)
        return dg.MaterializeResult(
            metadata={
                **commit_metadata(run, commit, LABEL_QUALITY),
                "judged": found.height,
                "issues": issues.height,
                "worst": sample(issues, rows=20),
                "note": reason or "out-of-fold probabilities",
                **({} if isinstance(report, str) else _shown(report)),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="few_labels_look_wrong",
                    passed=share <= dataset.gate.max_label_issues,
                    metadata={"share": share, "limit": dataset.gate.max_label_issues},
                )
            ],
        )

    return label_issues


def _table(report: "LabelIssues") -> pl.DataFrame:
    return report.frame.select(list(COLUMNS)).sort("item_id")


def _shown(report: "LabelIssues") -> dict[str, Any]:
    """How many labels are wrong, estimated, and which classes are taken for which."""
    from quality.pictures.matrices import confusion

    items = (report.joint * report.frame.height).round()
    joint = confusion(
        items,
        report.classes,
        "Given labels and what the items seem to be",
        rows="given label",
        columns="class, as estimated by confident learning",
    )
    return {
        "share of wrong labels": str(report.noise_rate),
        "confident joint": picture(joint),
    }


def find(run: Run, at: str, workspace: Workspace) -> "LabelIssues | str":
    """Quality of every accepted label and whether it is an issue; or why there is none."""
    from assets.features.featurize import featurize
    from assets.labelers.out_of_fold import deal, out_of_fold
    from quality.label_issues.report import find_label_issues

    if run.dataset.has_regions:
        return (
            f"a label of {run.dataset.task} is a set of regions; confident learning knows classes"
        )
    accepted = run.table(LABELS, at=at).filter(pl.col("state").is_in(ACCEPTED))
    usable = accepted.filter(pl.len().over("label") >= FEWEST_PER_CLASS)
    if usable["label"].n_unique() < 2:  # noqa: PLR2004 - one class is no choice
        return f"needs {FEWEST_PER_CLASS} labels of two classes"
    items = run.items(at=at).join(usable.select("item_id", "label"), on="item_id")
    items = items.sort("item_id")

    def media(uri: str) -> bytes:
        return run.store.read(at, uri)

    labels, groups = items["label"].to_list(), items["group_id"].to_list()
    classes, seed = run.dataset.classes, run.dataset.splits.seed
    try:
        probabilities = out_of_fold(
            _model(run.dataset),
            featurize(items.drop("label"), run.dataset, media, workspace),
            labels,
            groups=groups,
            classes=classes,
            folds=FOLDS,
            seed=seed,
        )
    except (EncoderError, TrainingFailed) as error:
        return str(error)
    fold = deal(groups, labels, folds=FOLDS, seed=seed).tolist()
    return find_label_issues(
        items["item_id"], items["label"], probabilities, classes, seed=seed, fold=fold
    )


def _model(dataset: Dataset) -> SklearnLabeler | TorchLabeler:
    trained = [spec for spec in dataset.labelers if isinstance(spec, SklearnLabeler)]
    return trained[0] if trained else SklearnLabeler(name="label_issues", kind="sklearn")
