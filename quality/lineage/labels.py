"""The labels and history tables: what each item's label is, since when, and what changed it."""

import polars as pl

from quality.ledger import vote_sets
from quality.ontology.mapping import ClassMapping
from quality.schema import HISTORY, LABELS


def label_table(
    items: pl.DataFrame,
    estimate: pl.DataFrame,
    effective: pl.DataFrame,
    previous: pl.DataFrame,
    *,
    confidence_threshold: float,
    ontology_version: str,
    release: str,
    unseen_threshold: float | None = None,
) -> pl.DataFrame:
    """One row an item.

    State is `unlabeled` without a vote that names a label; `disputed` where the votes tie, the
    confidence is below the threshold, or most people say otherwise; `human` where people stand
    behind the label; else `auto`.

    Args:
        items: item_id, split.
        estimate: item_id, label (null where tied), confidence.
        effective: The votes that count.
        previous: The labels of the last release; empty where there is none.
        confidence_threshold: Lowest confidence that is accepted.
        ontology_version: Version that the labels are given in.
        release: Name of the release that these labels are for.
        unseen_threshold: The same for items that no person voted on; by default as for the others.

    Returns:
        The labels table, sorted by item.
    """
    unseen = confidence_threshold if unseen_threshold is None else unseen_threshold
    before = previous.select("item_id", old_label="label", old_since="since")
    same = pl.col("label").eq_missing(pl.col("old_label")) & pl.col("old_since").is_not_null()
    table = (
        items.select("item_id", "split")
        .join(estimate.select("item_id", "label", "confidence"), on="item_id", how="left")
        .join(vote_sets(effective), on="item_id", how="left")
        .join(_people_say(effective), on="item_id", how="left")
        .join(before, on="item_id", how="left")
        .with_columns(
            pl.col("n_votes", "n_human").fill_null(0),
            pl.col("actor_kinds").fill_null(pl.lit([], dtype=pl.List(pl.String))),
            pl.col("vote_set_sha256").fill_null(""),
            _state(confidence_threshold, unseen).alias("state"),
            pl.lit(ontology_version).alias("ontology_version"),
            pl.when(same).then("old_since").otherwise(pl.lit(release)).alias("since"),
        )
        .sort("item_id")
    )
    return LABELS.check(table.select(list(LABELS.columns)))


def _people_say(effective: pl.DataFrame) -> pl.DataFrame:
    return (
        effective.filter((pl.col("actor_kind") == "human") & pl.col("label").is_not_null())
        .group_by("item_id", "label")
        .len("n")
        .filter(pl.col("n") == pl.col("n").max().over("item_id"))
        .group_by("item_id")
        .agg(pl.col("label").alias("people_say"))
    )


def _state(seen: float, unseen: float) -> pl.Expr:
    threshold = pl.when(pl.col("n_human") > 0).then(seen).otherwise(unseen)
    contradicted = pl.col("people_say").is_not_null() & ~pl.col("people_say").list.contains(
        pl.col("label")
    )
    doubtful = pl.col("label").is_null() | (pl.col("confidence") < threshold) | contradicted
    return (
        pl.when(pl.col("n_votes").fill_null(0) == 0)
        .then(pl.lit("unlabeled"))
        .when(doubtful)
        .then(pl.lit("disputed"))
        .when(pl.col("n_human").fill_null(0) > 0)
        .then(pl.lit("human"))
        .otherwise(pl.lit("auto"))
    )


def history_rows(
    current: pl.DataFrame,
    previous: pl.DataFrame,
    new_votes: pl.DataFrame,
    *,
    release: str,
    recipe_changed: bool,
    recipe_sha256: str,
    mapping: ClassMapping | None = None,
) -> pl.DataFrame:
    """Every change of a label since the last release, with its cause.

    Causes, the first that applies: `new_item` (not in the last release), `ontology` (the old
    label is called so now, whatever was voted since), `retraction` (a vote on it was taken
    back, or given back), `review` (a person voted), `new_vote` (another actor voted),
    `ontology` (another version), `recipe`, `reweighting` (nothing of its own changed; the
    estimate of the actors did).

    `caused_by` names the votes, or the recipe, that the cause is about. A new item's first
    votes are not named: the release's own `vote_set_sha256` is the digest of all of them, and
    their ids would be most of what a release of new items costs.

    Args:
        current: The labels of this release.
        previous: The labels of the last one; empty where there is none.
        new_votes: Votes that came into the ledger since the last release.
        release: Name of this release.
        recipe_changed: Whether the recipe differs from the last release's.
        recipe_sha256: Digest of this release's recipe, the cause's name for `recipe`.
        mapping: What labels of older ontologies are called now; None where none is.

    Returns:
        Rows of the history table, sorted by item.
    """
    before = _called_now(previous, mapping)
    changed = current.join(before, on="item_id", how="left").filter(
        pl.col("label").ne_missing(pl.col("from_label"))
    )
    evidence = _evidence(new_votes)
    unmoved = pl.when(pl.col("ontology_version") != pl.col("old_ontology")).then(pl.lit("ontology"))
    cause = (
        pl.when(pl.col("old_ontology").is_null())
        .then(pl.lit("new_item"))
        .when(pl.col("called_now") == pl.col("label"))
        .then(pl.lit("ontology"))
        .when(pl.col("taken_back").list.len() > 0)
        .then(pl.lit("retraction"))
        .when(pl.col("by_people").list.len() > 0)
        .then(pl.lit("review"))
        .when(pl.col("by_others").list.len() > 0)
        .then(pl.lit("new_vote"))
        .otherwise(unmoved.otherwise(pl.lit("recipe") if recipe_changed else pl.lit("reweighting")))
    )
    behind = (
        pl.when(pl.col("cause") == "retraction")
        .then("taken_back")
        .when(pl.col("cause") == "review")
        .then("by_people")
        .when(pl.col("cause") == "new_vote")
        .then(pl.concat_list("by_people", "by_others").list.sort())
        .when(pl.col("cause") == "new_item")
        .then(pl.lit([], dtype=pl.List(pl.String)))
        .otherwise(pl.lit([recipe_sha256], dtype=pl.List(pl.String)))
    )
    rows = (
        changed.join(evidence, on="item_id", how="left")
        .with_columns(
            pl.col("taken_back", "by_people", "by_others").fill_null(
                pl.lit([], dtype=pl.List(pl.String))
            )
        )
        .with_columns(cause.alias("cause"), pl.lit(release).alias("release"))
        .with_columns(behind.alias("caused_by"), pl.col("label").alias("to_label"))
        .sort("item_id")
    )
    return HISTORY.check(rows.select(list(HISTORY.columns)))


def _called_now(previous: pl.DataFrame, mapping: ClassMapping | None) -> pl.DataFrame:
    """item_id, from_label, old_ontology; called_now: the label in the ontology of today."""
    before = previous.select(
        "item_id", "label", from_label="label", old_ontology="ontology_version"
    )
    if mapping is None:
        return before.rename({"label": "called_now"})
    carried = mapping.carried(before.with_columns(ontology_version="old_ontology"))
    called_now = pl.when(pl.col("reason").is_null()).then("label").alias("called_now")
    return carried.select("item_id", "from_label", "old_ontology", called_now)


def _evidence(new_votes: pl.DataFrame) -> pl.DataFrame:
    is_retraction = pl.col("kind") == "retract"
    named = ~is_retraction & pl.col("label").is_not_null()
    by_people = named & (pl.col("actor_kind") == "human")
    return new_votes.group_by("item_id").agg(
        pl.col("vote_id").filter(is_retraction).sort().alias("taken_back"),
        pl.col("vote_id").filter(by_people).sort().alias("by_people"),
        pl.col("vote_id").filter(named & ~by_people).sort().alias("by_others"),
    )
