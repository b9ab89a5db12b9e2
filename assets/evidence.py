"""The votes that a snapshot folds: which count, which are circular, which were anchored."""

from dataclasses import dataclass

import polars as pl

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
        counting: One vote an actor and item, with `circular` (a model on an item it was trained
            on), `anchored` (the actor saw a prediction first) and `weight`.
        strangers: Votes that would count but name an item or a class that the dataset does
            not have (any more), with `reason`; set aside, still in the ledger.
        made: Votes that would count for synthetic items; none of them is in `counting`.
    """

    commit: str
    items: pl.DataFrame
    votes: pl.DataFrame
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
    effective = effective_votes(votes)
    named = effective.filter(~by_source).with_columns(_stranger(run, items).alias("reason"))
    counting = named.filter(pl.col("reason").is_null()).drop("reason")
    return Evidence(
        commit=at,
        items=items,
        votes=votes,
        counting=_marked(run, counting),
        strangers=named.filter(pl.col("reason").is_not_null()),
        made=effective.filter(by_source),
    )


def _stranger(run: Run, items: pl.DataFrame) -> pl.Expr:
    unknown_item = ~pl.col("item_id").is_in(items["item_id"].implode())
    unknown_class = pl.col("label").is_not_null() & ~pl.col("label").is_in(run.dataset.classes)
    return (
        pl.when(unknown_item)
        .then(pl.lit("unknown item"))
        .when(unknown_class)
        .then(pl.lit("class is not in the ontology"))
    )


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
