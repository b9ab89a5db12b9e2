"""The review queue: what people are asked to look at next."""

from collections.abc import Sequence

import dagster as dg
import polars as pl

from assets.consensus import PROBABILITIES, skills_at
from assets.dataset_file.models import Dataset
from assets.metadata import commit_metadata, counts, picture, sample
from assets.ports import ProjectFolder, ReviewTool, Stores
from assets.regions.review import proposed_regions
from assets.review.assignment import assigned
from assets.review.queue import build_queue, waiting_items, write_queue
from assets.runs import Run, group, key, open_run, owners
from assets.scores import scores_at
from quality.lineage.buckets import to_parquet
from quality.schema import LABELS, VOTES
from quality.synthetic.labels import real

QUEUE = "reviews/queue.parquet"


def review_queue_asset(dataset: Dataset, deps: Sequence[dg.AssetDep]) -> dg.AssetsDefinition:
    """The `review_queue` asset of a dataset."""

    @dg.asset(
        key=key(dataset, "review_queue"),
        deps=deps,
        group_name=group(dataset, "review"),
        owners=owners(dataset),
        kinds={"polars"},
        description=(
            f"At most {dataset.review.budget} items whose label people would settle best, as "
            "tasks with predictions in queue/NAME."
        ),
    )
    def review_queue(
        context: dg.AssetExecutionContext,
        stores: dg.ResourceParam[Stores],
        project: dg.ResourceParam[ProjectFolder],
        review_tool: dg.ResourceParam[ReviewTool],
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        at = run.head()
        probabilities, votes = run.table(PROBABILITIES, at=at), run.table(VOTES, at=at)
        queue = build_queue(
            real(run.table(LABELS, at=at)),
            scores_at(run, at),
            probabilities,
            votes,
            dataset,
            seed=dataset.splits.seed,
            waiting=waiting_items(dataset, review_tool, project),
        )
        if dataset.review.reviewers:
            queue = assigned(queue, probabilities, votes, skills_at(run, at), dataset)
        commit = run.write({QUEUE: to_parquet(queue)}, message="Review queue", asset="review_queue")
        items = run.items(at=at).join(queue, on="item_id", how="semi")
        path = write_queue(
            queue,
            items,
            _images(run, at, items),
            dataset=dataset,
            tool=review_tool,
            folder=project,
            regions=proposed_regions(run, at, queue),
        )
        context.log.info("%d tasks in %s", queue.height, path)
        return dg.MaterializeResult(
            metadata={
                **commit_metadata(run, commit, QUEUE),
                "dagster/row_count": queue.height,
                "file": dg.MetadataValue.path(str(path)) if path else "nothing to ask",
                "first": sample(queue),
                **({"why they are asked": picture(_reasons(queue))} if queue.height else {}),
                **({"for": counts(_assignees(queue))} if dataset.review.reviewers else {}),
            }
        )

    return review_queue


def _reasons(queue: pl.DataFrame) -> bytes:
    """How many tasks there are for each kind of reason, without its figure."""
    from quality.pictures.bars import label_distribution

    kinds = queue["reason"].str.split(":").list.first().value_counts(sort=True)
    return label_distribution(dict(kinds.iter_rows()), title="Why people are asked")


def _assignees(queue: pl.DataFrame) -> dict[str, int]:
    names = queue["assignee"].fill_null("anybody").value_counts()
    return dict(names.iter_rows())


def _images(run: Run, at: str, items: pl.DataFrame) -> dict[str, bytes]:
    uris = dict(items.filter(pl.col("uri").is_not_null()).select("item_id", "uri").iter_rows())
    local = run.store.fetch(at, uris.values())
    return {item_id: local[uri].read_bytes() for item_id, uri in uris.items()}
