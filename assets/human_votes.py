"""Human votes: what people answered, out of the review files that wait."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from assets.dataset_file.models import Dataset
from assets.metadata import commit_metadata, sample, table_metadata
from assets.ports import ProjectFolder, ReviewTool, Stores
from assets.recipe import code_version
from assets.review.balance import ReviewImport
from assets.review.errors import ReviewUnreadable
from assets.review.files import ReviewPath, mark_reviews_taken, waiting_reviews
from assets.review.imports import import_review_file
from assets.runs import Run, group, key, open_run, owners
from quality.lineage.buckets import to_parquet
from quality.schema import VOTES

COUNTED = ("tasks_in", "accepted", "duplicate", "conflict", "rejected", "unanswered")


def human_votes_asset(dataset: Dataset) -> dg.AssetsDefinition:
    """The `human_votes` asset of a dataset."""

    @dg.asset(
        key=key(dataset, "human_votes"),
        group_name=group(dataset, "people"),
        owners=owners(dataset),
        kinds={"lakefs", "labelstudio"},
        description=(
            f"Review files of reviews/{dataset.name} as votes. Every judgment is accepted, a "
            "duplicate, a conflict or rejected; the books balance or nothing is taken."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "every_judgment_is_accounted_for",
                asset=key(dataset, "human_votes"),
                blocking=True,
                description="In = accepted + duplicate + conflict + rejected.",
            ),
            dg.AssetCheckSpec(
                "no_judgment_was_set_aside",
                asset=key(dataset, "human_votes"),
                description="No conflict, nothing rejected, no file unreadable.",
            ),
        ],
    )
    def human_votes(
        context: dg.AssetExecutionContext,
        stores: dg.ResourceParam[Stores],
        project: dg.ResourceParam[ProjectFolder],
        review_tool: dg.ResourceParam[ReviewTool],
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        files = waiting_reviews(project.reviews(dataset.name), 0, time.time())
        imports, unreadable, commit = [], {}, run.head()
        for file in files:
            try:
                imported = _import(run, file, review_tool, commit)
            except ReviewUnreadable as error:
                unreadable[file.path.name] = str(error)
                commit = _keep(run, file)
                continue
            commit = _write(run, file, imported)
            context.log.info("%s: %s", file.path.name, imported.balance)
            imports.append(imported)
        return _result(run, commit, imports, unreadable)

    return human_votes


def _import(run: Run, file: ReviewPath, tool: ReviewTool, at: str) -> ReviewImport:
    names = [run.items(at=at).select("item_id", "source_uri")]
    again = run.store.table(at, "rejects/batch=")
    if again is not None:
        known = again.filter(pl.col("item_id").is_not_null())
        names.append(known.select("item_id", "source_uri").collect())
    return import_review_file(
        file.path.read_bytes(),
        file.path.name,
        run.dataset,
        tool=tool,
        items=pl.concat(names).unique(maintain_order=True),
        votes=run.table(VOTES, at=at),
        imported_at=datetime.now(UTC),
        run_id=run.id,
        code_version=code_version(),
    )


def _kept(file: ReviewPath) -> dict[str, Any]:
    return {f"raw/reviews/{file.sha256[:16]}/{file.path.name}": file.path}


def _keep(run: Run, file: ReviewPath) -> str:
    message = f"Unreadable review file {file.path.name}, kept as it came"
    return run.write(_kept(file), message=message, asset="human_votes")


def _write(run: Run, file: ReviewPath, imported: ReviewImport) -> str:
    place = file.sha256[:16]
    objects = _kept(file)
    if imported.votes.height:
        objects[f"votes/review={place}/part.parquet"] = to_parquet(imported.votes)
    if imported.rejects.height:
        objects[f"rejects/review={place}/part.parquet"] = to_parquet(imported.rejects)
    return run.write(objects, message=f"Review file {file.path.name}", asset="human_votes")


def _result(
    run: Run, commit: str, imports: Sequence[ReviewImport], unreadable: dict[str, str]
) -> dg.MaterializeResult:
    total = {name: sum(getattr(i.balance, name) for i in imports) for name in COUNTED}
    votes = pl.concat([VOTES.empty(), *(i.votes for i in imports)])
    rejects = [i.rejects for i in imports if i.rejects.height]
    aside = total["conflict"] + total["rejected"] + len(unreadable)
    by_actor = votes.group_by("actor").len("votes").sort("actor")
    return dg.MaterializeResult(
        metadata={
            **commit_metadata(run, commit, "votes/"),
            **table_metadata(VOTES, votes, ["item_id", "actor", "kind", "label"]),
            **total,
            "files": len(imports) + len(unreadable),
            "set_aside": dg.MetadataValue.json(_reasons(rejects)),
            "files_unreadable": dg.MetadataValue.json(unreadable),
            "actors": sample(by_actor, rows=50),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="every_judgment_is_accounted_for", passed=True, metadata=dict(total)
            ),
            dg.AssetCheckResult(
                check_name="no_judgment_was_set_aside",
                passed=aside == 0,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={
                    "set_aside": aside,
                    "reasons": sample(pl.concat(rejects) if rejects else by_actor.clear()),
                },
            ),
        ],
    )


def _reasons(rejects: Sequence[pl.DataFrame]) -> dict[str, int]:
    counts = pl.concat(rejects).group_by("reason").len().sort("reason") if rejects else None
    return dict(counts.iter_rows()) if counts is not None else {}


def reviews_taken(project: ProjectFolder, run: Run, commit: str) -> None:
    """Files whose bytes are kept on main leave reviews/NAME; what came meanwhile stays."""
    kept = {o.path.split("/")[2] for o in run.store.listing(commit, "raw/reviews/")}
    mark_reviews_taken(project.reviews(run.dataset.name), kept)
