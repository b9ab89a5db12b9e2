"""What the machines alone say of items that people judged without being shown a prediction.

People's answers estimate how often machines are right only where neither heard the other: the
person saw no prediction, and the estimate was made without any person's vote on the item. The
items are cut into folds; for each fold everything is estimated again without the people's votes on
its items, so that their votes on all other items still tell how good each actor is. Cross-fitting:
Stone 1974, Cross-validatory choice and assessment of statistical predictions.
"""

from collections.abc import Callable

import polars as pl

FOLDS = 5
SCHEMA = {
    "item_id": pl.String(),
    "label": pl.String(),
    "confidence": pl.Float64(),
    "people_say": pl.String(),
    "right": pl.Boolean(),
}

Estimator = Callable[[pl.DataFrame], pl.DataFrame]


def judged_blind(votes: pl.DataFrame, estimate: Estimator, *, folds: int = FOLDS) -> pl.DataFrame:
    """Items that people judged blind, with what is said of them without any person's vote.

    Args:
        votes: The votes that count: item_id, actor_kind, label (null abstains), anchored
            (a prediction was shown), and whatever the estimator reads.
        estimate: Gives item_id, label (null where undecided) and confidence from votes.
        folds: How many times it is called, at most.

    Returns:
        item_id, label, confidence, people_say, right; sorted by item. Left out are items on which
        people are tied or of which the machines say nothing.
    """
    truth = people_say(votes)
    items = truth["item_id"]
    by_people = pl.col("actor_kind") == "human"
    found = [pl.DataFrame(schema=SCHEMA)]
    for number in range(min(folds, len(items))):
        held_out = items.gather_every(folds, number)
        theirs = by_people & pl.col("item_id").is_in(held_out.implode())
        said = estimate(votes.filter(~theirs)).select("item_id", "label", "confidence")
        found.append(
            said.join(truth.filter(pl.col("item_id").is_in(held_out.implode())), on="item_id")
            .drop_nulls(["label", "confidence"])
            .with_columns((pl.col("label") == pl.col("people_say")).alias("right"))
            .select(list(SCHEMA))
        )
    return pl.concat(found).sort("item_id")


def people_say(votes: pl.DataFrame) -> pl.DataFrame:
    """item_id and people_say: the one class that most people name who saw no prediction."""
    blind = (pl.col("actor_kind") == "human") & ~pl.col("anchored") & pl.col("label").is_not_null()
    return (
        votes.filter(blind)
        .group_by("item_id", "label")
        .len("n")
        .filter(pl.col("n") == pl.col("n").max().over("item_id"))
        .group_by("item_id")
        .agg(pl.col("label"))
        .filter(pl.col("label").list.len() == 1)
        .select("item_id", people_say=pl.col("label").list.first())
        .sort("item_id")
    )
