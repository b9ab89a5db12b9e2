"""The release: a snapshot that passed its gate, on main, tagged and read back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from assets import label_change
from assets.dataset_file.models import Dataset
from assets.evidence import last_release
from assets.gate import RECEIPT, data_sha256, judge
from assets.metadata import commit_metadata, picture, sample
from assets.ports import Commit, DatasetStore, Frames, RunBranch, Stores
from assets.publication import POOL, publish
from assets.recipe import RECIPE, digest
from assets.runs import Run, group, key, open_run, owners
from quality.schema import HISTORY, LABELS
from quality.synthetic.labels import real

RELEASED = ("labels/", "consensus/", "scores/", "history/", "regions/", "recipe/")


def release_asset(dataset: Dataset, deps: Sequence[dg.AssetDep]) -> dg.AssetsDefinition:
    """The `release` asset of a dataset."""

    @dg.asset(
        key=key(dataset, "release"),
        deps=deps,
        group_name=group(dataset, "release"),
        owners=owners(dataset),
        kinds={"lakefs"},
        pool=f"{POOL}_{dataset.name}",
        description=(
            "The snapshot on main, under its tag. The merge happens only while main stands "
            "where the branch was audited against; a snapshot that changes nothing makes no "
            "release."
        ),
    )
    def release(
        context: dg.AssetExecutionContext,
        stores: dg.ResourceParam[Stores],
        frames: dg.ResourceParam[Frames],
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        before = last_release(run.store)
        merged = run.store.published(run.id)
        if merged is None and before is not None and not _changes(run, before[1]):
            context.log.info("nothing changed since %s: no new release", before[0])
            run.store.drop_branch(run.branch.name)
            return _unchanged(run, *before)
        if merged is None:
            merged = publish(
                run,
                message=f"Release {_name(run, run.head())}",
                asset="release",
                audit=lambda branch: _audit(run, branch, frames, context),
            )
        name = _name(run, merged.id)
        run.store.tag(name, merged.id)
        run.store.drop_branch(run.branch.name)
        context.log.info("released %s at %s", name, merged.id)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(data_sha256(run.store, merged.id)),
            metadata=_metadata(run, name, merged, before if before and before[0] != name else None),
        )

    return release


def _changes(run: Run, last: str) -> bool:
    changed = run.store.changes(last, run.head())
    return any(change.path.startswith(RELEASED) for change in changed)


def _name(run: Run, commit: str) -> str:
    return str(json.loads(run.store.read(commit, "reports/consensus.json"))["release"])


def _audit(
    run: Run, branch: RunBranch, frames: Frames, context: dg.AssetExecutionContext
) -> Mapping[str, str]:
    """Judge what will really be published: the branch with main in it."""
    at = run.head()
    receipt = json.loads(run.store.read(at, RECEIPT))
    if receipt["data_sha256"] != data_sha256(run.store, at):
        context.log.info("main moved to %s: judging the branch again", branch.base)
        judgment = judge(run, at, frames)
        at = run.write(judgment.objects(), message="The gate's receipt", asset="release")
        receipt = judgment.receipt
    if not receipt["passed"]:
        raise dg.Failure(
            "the gate refuses this snapshot; main is as it was, the branch "
            f"{branch.name} can be looked at. Failed: {', '.join(receipt['failed'])}",
            allow_retries=False,
        )
    return {
        "release": _name(run, at),
        "recipe_sha256": digest(json.loads(run.store.read(at, RECIPE))),
        "receipt_sha256": digest(receipt),
        "data_sha256": receipt["data_sha256"],
        "asset_keys": "consensus agreement scorecards label_issues drift snapshot release",
    }


def _unchanged(run: Run, name: str, commit: str) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        data_version=dg.DataVersion(data_sha256(run.store, commit)),
        metadata={**commit_metadata(run, commit), "release": name, "changed": False},
    )


def _metadata(
    run: Run, name: str, merged: Commit, before: tuple[str, str] | None
) -> dict[str, Any]:
    labels = real(run.table(LABELS, at=merged.id))
    history = run.table(HISTORY, at=merged.id).filter(pl.col("release") == name)
    causes = history.group_by("cause").len().sort("cause")
    found: dict[str, Any] = {
        **commit_metadata(run, merged.id),
        "release": name,
        "changed": True,
        "dagster/row_count": labels.height,
        "causes of change": sample(causes),
    }
    if before is not None:
        old = real(run.table(LABELS, at=before[1]))
        why = run.store.read(merged.id, label_change.PAGE).decode()
        found["why the labels changed"] = dg.MetadataValue.md(why)
        drawn = label_change.picture_of(run, merged.id)
        if drawn is not None:
            found["labels by cause of change"] = picture(drawn)
        found["label flow"] = picture(_flow(old, labels, before[0], name))
    return found


def _flow(old: pl.DataFrame, new: pl.DataFrame, left: str, right: str) -> bytes:
    from quality.pictures.flow import label_flow

    moves = (
        new.select("item_id", to_label="label")
        .join(old.select("item_id", from_label="label"), on="item_id", how="inner")
        .group_by("from_label", "to_label")
        .len("n_items")
        .sort("from_label", "to_label", nulls_last=True)
    )
    return label_flow(moves, left=left, right=right)


def receipt_holds(store: DatasetStore, commit: str) -> bool:
    """Whether a commit carries a passing receipt for exactly the data that it holds."""
    receipt = json.loads(store.read(commit, RECEIPT))
    return bool(receipt["passed"]) and receipt["data_sha256"] == data_sha256(store, commit)
