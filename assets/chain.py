"""The chain of one dataset: its assets in order, and the selections that its jobs run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from assets.agreement import agreement_asset, scorecards_asset
from assets.consensus import consensus_asset
from assets.dataset_file.labelers import TrainedLabeler
from assets.dataset_file.language_models import LanguageModelLabeler
from assets.dataset_file.models import Dataset
from assets.drift import drift_asset
from assets.human_votes import human_votes_asset, reviews_taken
from assets.items import batch_taken, items_asset
from assets.label_issues import label_issues_asset
from assets.outliers import outliers_asset
from assets.publication import publication_asset
from assets.release import release_asset
from assets.review_queue import review_queue_asset
from assets.runs import key
from assets.snapshot import snapshot_asset
from assets.synthetic_items import synthetic_items_asset
from assets.training import trained_asset, training_set_asset
from assets.votes import votes_asset

QUEUE = ("consensus", "agreement", "drift", "label_issues", "review_queue")


@dataclass(frozen=True)
class Chain:
    """One dataset's assets and what its jobs select of them.

    Attributes:
        batches: Partitions of ingestion and labeling.
        ingest: Items and every labeler's votes of one batch, published.
        relabel: Votes of batches, again, of whoever learned or was stopped meanwhile, published.
        import_reviews: What people answered, published.
        queue: The fold of all votes up to the review queue; publishes nothing.
        snapshot: The fold of all votes, gated, released.
        retrain: Training set, candidates and champions.
    """

    dataset: Dataset
    assets: tuple[dg.AssetsDefinition, ...]
    batches: dg.DynamicPartitionsDefinition
    ingest: tuple[dg.AssetKey, ...]
    relabel: tuple[dg.AssetKey, ...]
    import_reviews: tuple[dg.AssetKey, ...]
    queue: tuple[dg.AssetKey, ...]
    snapshot: tuple[dg.AssetKey, ...]
    retrain: tuple[dg.AssetKey, ...]


def chain(dataset: Dataset, root: Path) -> Chain:
    """The chain of a dataset of the project at root."""
    batches = dg.DynamicPartitionsDefinition(name=f"{dataset.name}_batches")
    taking_in = _taking_in(dataset, root, batches)
    votes = [key(dataset, f"votes_{spec.name}") for spec in dataset.labelers]
    reviews = _reviews(dataset)
    folding = _folding(dataset, [key(dataset, "items"), *votes], key(dataset, "human_votes"))
    training = _training(dataset)
    again = [key(dataset, f"votes_{name}") for name in voting_again(dataset)]
    return Chain(
        dataset=dataset,
        assets=(*taking_in, *reviews, *folding, *training),
        batches=batches,
        ingest=_keys(taking_in),
        relabel=(*again, key(dataset, "batch")) if again else (),
        import_reviews=_keys(reviews),
        queue=tuple(key(dataset, name) for name in QUEUE),
        snapshot=_keys(folding),
        retrain=_keys(training),
    )


def trained_labelers(dataset: Dataset) -> list[TrainedLabeler]:
    """The labelers that learn from releases."""
    return [s for s in dataset.labelers if isinstance(s, TrainedLabeler)]


def voting_again(dataset: Dataset) -> list[str]:
    """The labelers that may say more on the same items: those that learn, language models."""
    again = TrainedLabeler | LanguageModelLabeler
    return sorted(spec.name for spec in dataset.labelers if isinstance(spec, again))


def _keys(assets: Sequence[dg.AssetsDefinition]) -> tuple[dg.AssetKey, ...]:
    return tuple(k for asset in assets for k in sorted(asset.keys))


def _taking_in(
    dataset: Dataset, root: Path, batches: dg.DynamicPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    votes = [votes_asset(dataset, spec, root, batches) for spec in dataset.labelers]
    published = publication_asset(
        dataset,
        "batch",
        stage="labeling",
        description="The batch on main: its items and every labeler's votes.",
        deps=[dg.AssetDep(key(dataset, "items")), *(dg.AssetDep(v.key) for v in votes)],
        partitions=batches,
        after=batch_taken,
    )
    return [items_asset(dataset, batches), *votes, published]


def _reviews(dataset: Dataset) -> list[dg.AssetsDefinition]:
    published = publication_asset(
        dataset,
        "reviews",
        stage="people",
        description="People's votes on main; the files they came in are marked as taken.",
        deps=[dg.AssetDep(key(dataset, "human_votes"))],
        partitions=None,
        after=reviews_taken,
    )
    return [human_votes_asset(dataset), published]


def _folding(
    dataset: Dataset, batched: Sequence[dg.AssetKey], people: dg.AssetKey
) -> list[dg.AssetsDefinition]:
    every_batch = [dg.AssetDep(k, partition_mapping=dg.AllPartitionMapping()) for k in batched]

    def after(*names: str) -> list[dg.AssetDep]:
        return [dg.AssetDep(key(dataset, name)) for name in names]

    made = [synthetic_items_asset(dataset, every_batch[:1])] if dataset.synthetic else []
    unlike = (
        [outliers_asset(dataset, dataset.outliers, after("consensus"))] if dataset.outliers else []
    )
    shown = [dg.AssetDep(a.key) for a in unlike]
    return [
        *made,
        consensus_asset(
            dataset, [*every_batch, dg.AssetDep(people), *(dg.AssetDep(a.key) for a in made)]
        ),
        agreement_asset(dataset, after("consensus")),
        scorecards_asset(dataset, after("consensus", "agreement")),
        label_issues_asset(dataset, after("consensus")),
        drift_asset(dataset, after("consensus")),
        review_queue_asset(dataset, after("agreement", "label_issues")),
        *unlike,
        snapshot_asset(dataset, [*after("scorecards", "drift", "review_queue"), *shown]),
        release_asset(dataset, after("snapshot")),
    ]


def _training(dataset: Dataset) -> list[dg.AssetsDefinition]:
    specs = trained_labelers(dataset)
    if not specs:
        return []
    training_set = training_set_asset(
        dataset, [spec.name for spec in specs], [dg.AssetDep(key(dataset, "release"))]
    )
    return [training_set, *(trained_asset(dataset, spec, training_set.key) for spec in specs)]
