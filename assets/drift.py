"""Drift: every batch since the last release, compared with that release."""

import json
from collections.abc import Sequence, Sized
from typing import Any, TypeVar

import dagster as dg
import polars as pl

from assets.dataset_file.models import Dataset
from assets.drift_thresholds import calibrated_policy
from assets.evidence import last_release
from assets.features.workspace import Workspace
from assets.metadata import commit_metadata, picture, sample
from assets.ports import ProjectFolder, Stores
from assets.recipe import canonical_json
from assets.regions.votes import classes_of_labels
from assets.runs import Run, group, key, open_run, owners
from quality.drift.policy import DriftPolicy
from quality.schema import LABELS
from quality.synthetic.labels import real

REPORT = "reports/drift.json"
DESCRIBED = 20_000
EMBEDDED = 4_000
T = TypeVar("T", bound=Sized)
SEVERITY = ("none", "too_few", "watch", "drift")


def drift_asset(dataset: Dataset, deps: Sequence[dg.AssetDep]) -> dg.AssetsDefinition:
    """The `drift` asset of a dataset."""

    @dg.asset(
        key=key(dataset, "drift"),
        deps=deps,
        group_name=group(dataset, "drift"),
        owners=owners(dataset),
        kinds={"polars"},
        description=(
            "Each batch that came since the last release against that release: every feature "
            "corrected for their number, the embeddings as a whole, labels and confidence."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "no_batch_has_drifted",
                asset=key(dataset, "drift"),
                description="What came since the last release is like the items that it holds.",
            )
        ],
    )
    def drift(
        context: dg.AssetExecutionContext,
        stores: dg.ResourceParam[Stores],
        project: dg.ResourceParam[ProjectFolder],
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        workspace = Workspace(project.root, project.cache(), context.log.info)
        reports, uncalibrated = _reports(run, run.head(), workspace)
        verdict = max((r.verdict for r in reports.values()), key=SEVERITY.index, default="none")
        found = {
            "verdict": verdict,
            "not_calibrated": uncalibrated,
            "batches": {batch: _plain(report) for batch, report in reports.items()},
        }
        commit = run.write(
            {REPORT: canonical_json(found)}, message=f"Drift: {verdict}", asset="drift"
        )
        return dg.MaterializeResult(
            metadata={
                **commit_metadata(run, commit, REPORT),
                "verdict": verdict,
                "thresholds": f"as the dataset file says: {uncalibrated}"
                if uncalibrated
                else "calibrated on the batches of the last release",
                "batches": sample(_verdicts(reports), rows=50),
                **{
                    f"batch {batch}": picture(report.picture())
                    for batch, report in list(reports.items())[-3:]
                    if report.features
                },
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="no_batch_has_drifted",
                    passed=verdict != "drift",
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"batches": sample(_verdicts(reports), rows=50)},
                )
            ],
        )

    return drift


def _verdicts(reports: dict[str, Any]) -> pl.DataFrame:
    rows = [(batch, r.verdict, "; ".join(r.reasons)) for batch, r in reports.items()]
    return pl.DataFrame(
        rows, schema={"batch": pl.String, "verdict": pl.String, "why": pl.String}, orient="row"
    )


def _plain(report: Any) -> Any:
    made = report.to_json()
    return json.loads(made) if isinstance(made, str) else made


def _reports(run: Run, at: str, workspace: Workspace) -> tuple[dict[str, Any], str | None]:
    """One report a batch that holds items which the last release does not have.

    Also why the thresholds are not calibrated on that release's batches, if they are not.
    """
    release = last_release(run.store)
    if release is None:
        return {}, "there is no release"
    found: dict[str, Any] = {}
    batches = new_batches(run, release[1], at)
    if not batches:
        return {}, "there is no new batch"
    policy, uncalibrated = calibrated_policy(run, release[1])
    released = real(run.table(LABELS, at=release[1]))
    now = classes_of_labels(run.dataset, run.store, at, real(run.table(LABELS, at=at)))
    reference = run.items(at=at).join(released, on="item_id", how="semi")
    confidence = _confidence(run, at)
    for batch in batches:
        current = run.items(at=at, below=f"items/batch={batch}/").join(
            released, on="item_id", how="anti"
        )
        if current.is_empty():
            continue
        found[batch] = _compare(
            run,
            at,
            reference,
            current,
            labels=now,
            confidence=confidence,
            policy=policy,
            workspace=workspace,
        )
        workspace.tell(f"batch {batch}: {found[batch].verdict}")
    return found, uncalibrated


def new_batches(run: Run, release_commit: str, at: str) -> list[str]:
    """Batches whose items are at a commit and were not in the release."""
    paths = {c.path for c in run.store.changes(release_commit, at, "items/")}
    return sorted({path.split("/")[1].removeprefix("batch=") for path in paths})


def _confidence(run: Run, at: str) -> pl.DataFrame:
    from assets.consensus import PROBABILITIES

    return run.table(PROBABILITIES, at=at).select("item_id", "confidence")


def _compare(
    run: Run,
    at: str,
    reference: pl.DataFrame,
    current: pl.DataFrame,
    *,
    labels: pl.DataFrame,
    confidence: pl.DataFrame,
    policy: DriftPolicy,
    workspace: Workspace,
) -> Any:
    from assets.features.description import describe
    from assets.features.featurize import featurize
    from quality.drift.report import drift_report

    settings = run.dataset.drift

    def media(uri: str) -> bytes:
        return run.store.read(at, uri)

    frames = [describe(_few(i, DESCRIBED), run.dataset, media) for i in (reference, current)]
    vectors = [
        featurize(_few(i, EMBEDDED), run.dataset, media, workspace).dense()
        for i in (reference, current)
    ]
    given = [labels.join(items, on="item_id", how="semi") for items in (reference, current)]
    sure = [confidence.join(items, on="item_id", how="semi") for items in (reference, current)]
    return drift_report(
        frames[0].drop("item_id"),
        frames[1].drop("item_id"),
        seed=run.dataset.splits.seed,
        policy=policy,
        embeddings=(vectors[0], vectors[1]),
        labels=_both([g.select("label").drop_nulls() for g in given], settings.min_items),
        confidence=_both([s["confidence"].to_numpy() for s in sure], settings.min_items),
    )


def _few(items: pl.DataFrame, most: int) -> pl.DataFrame:
    """A sample: item ids are digests, so the first by id are as good as drawn."""
    return items.sort("item_id").head(most)


def _both(sides: list[T], fewest: int) -> tuple[T, T] | None:
    """Both sides, or None where one is too small to be asked about."""
    reference, current = sides
    return (reference, current) if min(len(reference), len(current)) >= fewest else None
