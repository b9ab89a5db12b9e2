"""The ledger: all votes ever cast, and which of them count."""

import hashlib
from collections.abc import Iterable
from functools import cache

import polars as pl

from quality.schema import VOTES


def with_vote_ids(votes: pl.DataFrame) -> pl.DataFrame:
    """The votes with `vote_id`, the SHA-256 of each judgment.

    What was judged, by whom and when makes the id; when it was imported, from which file and
    by which run does not. So the same annotation in two exports is one vote.

    Args:
        votes: Columns of the votes table; `vote_id` may be absent and is replaced.
    """
    judgment = votes.select(
        pl.struct(
            *("item_id", "kind", "actor", "actor_version", "label", "region", "shown_prediction"),
            pl.col("cast_at").dt.epoch("us"),
            pl.col("origin").struct.field("task"),
            pl.col("origin").struct.field("annotation"),
            "retracts",
        ).struct.json_encode()
    ).to_series()
    ids = [hashlib.sha256(row.encode()).hexdigest() for row in judgment]
    return votes.with_columns(pl.Series("vote_id", ids, dtype=pl.String))


def retracted_ids(votes: pl.DataFrame) -> pl.Series:
    """Ids of the votes that a standing retraction takes back.

    A retraction can itself be retracted, and so on; the last word counts.
    """
    pairs = votes.filter(pl.col("kind") == "retract").select("vote_id", "retracts").rows()
    against: dict[str, list[str]] = {}
    for retraction, target in pairs:
        against.setdefault(target, []).append(retraction)

    @cache
    def stands(retraction: str) -> bool:
        return not any(stands(later) for later in against.get(retraction, ()))

    taken_back = {target for retraction, target in pairs if stands(retraction)}
    return pl.Series("vote_id", sorted(taken_back), dtype=pl.String)


def effective_votes(votes: pl.DataFrame) -> pl.DataFrame:
    """The votes that count: one an actor and item, its last that was not taken back.

    Returns:
        Rows of the votes table, sorted by item and actor; `label` is null where the actor
        abstains (a skip, a rejected prediction, a labeling function that did not apply).
    """
    taken_back = retracted_ids(votes)
    when = pl.coalesce("cast_at", "imported_at")
    return (
        votes.filter((pl.col("kind") != "retract") & ~pl.col("vote_id").is_in(taken_back.implode()))
        .sort("item_id", "actor", when, "imported_at", "vote_id")
        .unique(["item_id", "actor"], keep="last", maintain_order=True)
        .with_columns(
            pl.when(pl.col("kind").is_in(["skip", "reject"]))
            .then(None)
            .otherwise("label")
            .alias("label")
        )
    )


def retractions(
    votes: pl.DataFrame,
    vote_ids: Iterable[str],
    *,
    by: str,
    reason: str,
    at: pl.Expr,
    run_id: str,
    code_version: str,
) -> pl.DataFrame:
    """One retraction for each named vote, cast by whoever decided.

    Args:
        votes: The ledger that holds the votes taken back.
        vote_ids: Which votes; ids that are not in the ledger are left out.
        by: The actor who takes them back, for example `human:lead`.
        reason: Why; kept as the origin's annotation.
        at: When, as a datetime expression in UTC.
        run_id: The run that writes them.
        code_version: The code that writes them.
    """
    chosen = votes.filter(pl.col("vote_id").is_in(list(vote_ids)))
    rows = chosen.with_columns(
        pl.lit("retract").alias("kind"),
        pl.lit(by).alias("actor"),
        pl.lit(by.partition(":")[0]).alias("actor_kind"),
        pl.lit("1").alias("actor_version"),
        pl.lit(None, pl.String).alias("trained_on"),
        pl.lit(None, pl.String).alias("label"),
        pl.lit(None, pl.Float64).alias("score"),
        pl.lit(None, pl.String).alias("shown_prediction"),
        pl.lit(None, pl.Float64).alias("lead_time_s"),
        at.alias("cast_at"),
        at.alias("imported_at"),
        pl.struct(
            pl.lit(None, pl.String).alias("file_sha256"),
            pl.lit("retraction").alias("task"),
            pl.lit(reason).alias("annotation"),
        ).alias("origin"),
        pl.col("vote_id").alias("retracts"),
        pl.lit(run_id).alias("run_id"),
        pl.lit(code_version).alias("code_version"),
    )
    return VOTES.check(with_vote_ids(rows).select(list(VOTES.columns)))


def vote_sets(effective: pl.DataFrame) -> pl.DataFrame:
    """What stands behind each item's label.

    Returns:
        item_id, vote_set_sha256 (of the sorted ids of all votes that count, abstentions
        included), n_votes and n_human (votes that name a label), actor_kinds (likewise).
    """
    named = pl.col("label").is_not_null()
    sets = effective.group_by("item_id").agg(
        pl.col("vote_id").sort().str.join("\n").alias("ids"),
        named.sum().cast(pl.UInt32).alias("n_votes"),
        (named & (pl.col("actor_kind") == "human")).sum().cast(pl.UInt32).alias("n_human"),
        pl.col("actor_kind").filter(named).unique().sort().alias("actor_kinds"),
    )
    digests = [hashlib.sha256(ids.encode()).hexdigest() for ids in sets["ids"]]
    return (
        sets.with_columns(pl.Series("vote_set_sha256", digests, dtype=pl.String))
        .drop("ids")
        .sort("item_id")
    )
