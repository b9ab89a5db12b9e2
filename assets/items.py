"""Items: one batch of raw files, taken in row by row, or set aside with its reason."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from assets.dataset_file.models import Dataset
from assets.ingestion.batch import Batch, RejectLimitExceeded
from assets.ingestion.near_duplicates import near_duplicates
from assets.ingestion.reading import read_batch
from assets.ingestion.set_aside import set_aside
from assets.ingestion.taken import find_arrival, mark_published
from assets.metadata import commit_metadata, counts, sample, table_metadata
from assets.ports import ProjectFolder, Stores
from assets.runs import Run, group, key, open_run, owners
from quality.schema import ITEMS
from quality.synthetic.origin import is_synthetic


def items_asset(dataset: Dataset, batches: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The `items` asset of a dataset, one partition a batch."""

    @dg.asset(
        key=key(dataset, "items"),
        partitions_def=batches,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=group(dataset, "ingestion"),
        owners=owners(dataset),
        kinds={"lakefs", "parquet"},
        description=(
            f"Raw files of inbox/{dataset.name}, as items known by their content. What is "
            "broken is set aside with its reason; the raw files are kept byte for byte."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "every_row_is_accounted_for",
                asset=key(dataset, "items"),
                blocking=True,
                description="Rows read = taken + duplicate + known + rejected.",
            ),
            dg.AssetCheckSpec(
                "nothing_was_rejected",
                asset=key(dataset, "items"),
                description="No row or file had to be set aside.",
            ),
        ],
    )
    def items(
        context: dg.AssetExecutionContext,
        stores: dg.ResourceParam[Stores],
        project: dg.ResourceParam[ProjectFolder],
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        taken = [_take_in(context, run, project, name) for name in context.partition_keys]
        commits, batches_taken, near = zip(*taken, strict=True)
        found = _metadata(batches_taken, near)
        for batch in batches_taken:
            batch.discard()
        return dg.MaterializeResult(
            metadata={**commit_metadata(run, commits[-1], "items/"), **found},
            check_results=_checks(batches_taken),
        )

    return items


def _take_in(
    context: dg.AssetExecutionContext, run: Run, project: ProjectFolder, name: str
) -> tuple[str, Batch, pl.DataFrame]:
    inbox = project.inbox(run.dataset.name)
    arrival = find_arrival(inbox, name, now=time.time(), cache=project.cache())
    try:
        batch = read_batch(
            arrival,
            run.dataset,
            ingested_at=datetime.now(UTC),
            known_items=_known(run, name),
            workspace=project.cache() / "batches",
        )
    except RejectLimitExceeded as error:
        set_aside(error.batch, project.rejects(run.dataset.name))
        raise
    commit = run.write(batch.objects, message=f"Batch {name}", asset="items")
    aside = set_aside(batch, project.rejects(run.dataset.name))
    context.log.info("batch %s: %s%s", name, batch.counts, f", rejects in {aside}" if aside else "")
    near = near_duplicates(
        batch.items().collect(), run.dataset, batch.media, seed=run.dataset.splits.seed
    )
    return commit, batch, pl.DataFrame() if near is None else near.frame


def _known(run: Run, batch: str) -> pl.LazyFrame | None:
    """Items of all other batches; what an earlier try of this one wrote does not count."""
    at = run.head()
    own = f"items/batch={batch}/"
    paths = [o.path for o in run.store.listing(at, "items/") if not o.path.startswith(own)]
    local = run.store.fetch(at, paths)
    if not local:
        return None
    # The content of a synthetic item that comes in after all is a new, real item.
    return pl.scan_parquet(list(local.values()), hive_partitioning=False).filter(~is_synthetic())


def _metadata(batches: Sequence[Batch], near: Sequence[pl.DataFrame]) -> dict[str, Any]:
    frame = pl.concat([b.items().collect() for b in batches])
    totals = [b.counts for b in batches]
    rejects = pl.concat([b.rejects().collect() for b in batches])
    return {
        **table_metadata(ITEMS, frame, ["item_id", "content", "uri", "source_uri"]),
        "taken": sum(c.taken for c in totals),
        "duplicates": sum(c.duplicate + c.known for c in totals),
        "rejected": sum(c.rejected_rows for c in totals),
        "counts": dg.MetadataValue.md("\n\n".join(c.to_markdown() for c in totals)),
        "rejects": sample(rejects),
        "near-duplicates": sample(pl.concat(near, how="diagonal")),
        "near_duplicates": sum(n.height for n in near),
        **_mended(pl.concat([b.fixes() for b in batches])),
    }


def _mended(fixes: pl.DataFrame) -> dict[str, Any]:
    """What cleaning mended: how often which fix, and the first of them before and after."""
    if fixes.is_empty():
        return {"cleaned": 0}
    kinds = fixes["fixes"].explode().value_counts()
    shown = fixes.with_columns(pl.col("fixes").list.join(", "))
    return {
        "cleaned": fixes.height,
        "what was cleaned": counts(dict(kinds.iter_rows())),
        "before and after": sample(shown.select("source", "row", "fixes", "before", "after")),
    }


def _checks(batches: Sequence[Batch]) -> list[dg.AssetCheckResult]:
    rejected = sum(b.counts.rejected_rows for b in batches)
    return [
        dg.AssetCheckResult(check_name="every_row_is_accounted_for", passed=True),
        dg.AssetCheckResult(
            check_name="nothing_was_rejected",
            passed=rejected == 0,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"rejected": rejected},
        ),
    ]


def batch_taken(project: ProjectFolder, run: Run, commit: str) -> None:
    """Files of batches that are on main leave the inbox."""
    kept = {o.path.split("/")[1] for o in run.store.listing(commit, "raw/")}
    inbox = project.inbox(run.dataset.name)
    mark_published(inbox, kept, now=time.time(), cache=project.cache())
