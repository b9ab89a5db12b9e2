"""The votes that a snapshot folds: which count, which are circular, which were anchored."""

from dataclasses import dataclass

import polars as pl

from assets.dataset_file.models import Dataset
from assets.ports import DatasetStore
from assets.runs import Run
from quality.ledger import effective_votes
from quality.schema import LABELS, VOTES

ACCEPTED = ("auto", "human")


@dataclass(frozen=True)
class Evidence:
    """All votes at one commit, folded.

    Attributes:
        commit: Where it was read.
        items: The items table, synthetic items left out.
        votes: The ledger.
        given: One vote an actor and item, as it was cast.
        counting: Those of them that count, with `circular` (a model on an item it was trained
            on), `anchored` (the actor saw a prediction first) and `weight`; their `label` is
            what a class of an older ontology is now.
        strangers: Those that name an item or a class that the dataset does not have (any
            more), with `reason`; set aside, still in the ledger.
        made: Votes that would count for synthetic items; none of them is in `counting`.
    """

    commit: str
    items: pl.DataFrame
    votes: pl.DataFrame
    given: pl.DataFrame
    counting: pl.DataFrame
    strangers: pl.DataFrame
    made: pl.DataFrame

    @property
    def independent(self) -> pl.DataFrame:
        """The votes that count and are not circular."""
        return self.counting.filter(~pl.col("circular"))


def gather(run: Run, at: str) -> Evidence:
    """The evidence at a commit of the run's dataset."""
    items = run.items(at=at)
    votes = run.table(VOTES, at=at)
    by_source = pl.col("actor_kind") == "synthetic"
    given = effective_votes(votes)
    unknown_item = ~pl.col("item_id").is_in(items["item_id"].implode())
    carried = run.dataset.carries.carried(given)
    named = carried.filter(~by_source).with_columns(
        pl.when(unknown_item).then(pl.lit("unknown item")).otherwise("reason").alias("reason")
    )
    aside = pl.col("reason").is_not_null()
    return Evidence(
        commit=at,
        items=items,
        votes=votes,
        given=given,
        counting=_marked(run, named.filter(~aside).drop("reason", "given_label")),
        strangers=named.filter(aside).drop("label").rename({"given_label": "label"}),
        made=carried.filter(by_source & ~aside).drop("reason", "given_label"),
    )


def labels_now(dataset: Dataset, labels: pl.DataFrame) -> pl.DataFrame:
    """A release's labels in the classes of today, those left out that are none any more."""
    carried = dataset.carries.carried(labels)
    return carried.filter(pl.col("reason").is_null()).select(labels.columns)


def _marked(run: Run, counting: pl.DataFrame) -> pl.DataFrame:
    taught = [
        pl.DataFrame({"item_id": training_items(run.store, release)}).with_columns(
            trained_on=pl.lit(release), circular=pl.lit(value=True)
        )
        for release in sorted(counting["trained_on"].drop_nulls().unique())
    ]
    known = pl.DataFrame(
        schema={"item_id": pl.String, "trained_on": pl.String, "circular": pl.Boolean}
    )
    return (
        counting.join(pl.concat([known, *taught]), on=["item_id", "trained_on"], how="left")
        .with_columns(
            pl.col("circular").fill_null(value=False),
            pl.col("shown_prediction").is_not_null().alias("anchored"),
            kind_weight(run, pl.col("actor_kind")).alias("weight"),
        )
        .sort("item_id", "actor")
    )


def kind_weight(run: Run, kind: pl.Expr) -> pl.Expr:
    """Weight of one vote by the kind of its actor."""
    weights = {str(kind): weight for kind, weight in run.dataset.consensus.weights.items()}
    return kind.replace_strict(weights, default=1.0, return_dtype=pl.Float64)


def training_items(store: DatasetStore, release: str) -> pl.Series:
    """Items whose labels a model trained on a release has learned: accepted, in train."""
    labels = store.table(store.head(release), f"{LABELS.name}/")
    if labels is None:
        return pl.Series("item_id", [], dtype=pl.String)
    learned = labels.filter((pl.col("split") == "train") & pl.col("state").is_in(ACCEPTED)).select(
        "item_id"
    )
    return learned.collect().to_series()


def last_release(store: DatasetStore) -> tuple[str, str] | None:
    """Name and commit id of the newest release."""
    releases = store.releases()
    return next(reversed(releases.items())) if releases else None


def next_release(store: DatasetStore) -> str:
    """The name that the next release gets: v0001, v0002, ..."""
    last = last_release(store)
    return f"v{(int(last[0][1:]) if last else 0) + 1:04d}"
