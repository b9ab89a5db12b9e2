"""Review files become votes: each judgment is accepted, a duplicate, a conflict or rejected."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches

import polars as pl

from assets.dataset_file.models import Dataset
from assets.ports import ReviewAnswer, ReviewFile, ReviewReject, ReviewTool
from assets.regions.votes import unknown_name
from assets.review.balance import REJECTS, Balance, ReviewImport, Source
from assets.review.lookup import resolved_items
from assets.review.retractions import import_retractions, is_retraction_file
from quality.ledger import with_vote_ids
from quality.schema import ORIGIN, VOTES
from quality.schema import UTC as UTC_TYPE

NOBODY = "unknown"
_ANSWERS = {
    "task": pl.String(),
    "annotation": pl.String(),
    "actor": pl.String(),
    "label": pl.String(),
    "shown_prediction": pl.String(),
    "lead_time_s": pl.Float64(),
    "cast_at": UTC_TYPE,
    "made_for": pl.String(),
    "also": pl.String(),
    "region": pl.String(),
}
_SHOWN = 80
_SAME = ("item_id", "task", "annotation", "cast_at")


def import_review_file(
    content: bytes,
    name: str,
    dataset: Dataset,
    *,
    tool: ReviewTool,
    items: pl.DataFrame,
    votes: pl.DataFrame,
    imported_at: datetime,
    run_id: str,
    code_version: str,
) -> ReviewImport:
    """The votes that a review export or a retraction file comes to.

    An annotation is known by task, annotation, item and time of change. Known with the same
    actor and label it is a duplicate; with another, a conflict, set aside. Changed later it is
    a new vote, and the ledger's rule that an actor's last word counts does the rest. So the
    same file twice, or a newer export with the same annotations, adds nothing.

    Args:
        content: The file's bytes, already kept.
        name: The file's name, for messages.
        dataset: Its ontology says which classes there are.
        tool: Reads the format.
        items: Columns item_id and source_uri, one row for each source an item came from.
        votes: The ledger so far (schema VOTES).
        imported_at: When; stands for itself only, no vote's identity depends on it.
        run_id: The run that imports.
        code_version: The code that imports.

    Raises:
        ReviewUnreadable: the file as a whole is no review file.
        LedgerUnbalanced: a judgment is unaccounted for.
    """
    digest = hashlib.sha256(content).hexdigest()
    source = Source(name, digest, imported_at, run_id, code_version)
    if is_retraction_file(content):
        return import_retractions(content, source, votes)
    file = tool.answers(content, task=dataset.task)
    answers = _checked(_frame(file.answers, items, dataset), dataset, votes)
    return ReviewImport(
        file=name,
        file_sha256=digest,
        votes=_votes(answers.filter(pl.col("outcome") == "accepted"), dataset, source),
        rejects=_set_aside(answers, file.rejects, source),
        balance=_balance(answers, file),
    )


def _votes(accepted: pl.DataFrame, dataset: Dataset, source: Source) -> pl.DataFrame:
    votes = accepted.select(
        *("item_id", "actor", "label", "region", "shown_prediction", "lead_time_s", "cast_at"),
        _kind().alias("kind"),
        pl.lit("human").alias("actor_kind"),
        pl.lit("1").alias("actor_version"),
        pl.lit(None, pl.String).alias("trained_on"),
        pl.lit(None, pl.Float64).alias("score"),
        pl.lit(dataset.ontology.version).alias("ontology_version"),
        pl.lit(source.imported_at.astimezone(UTC)).cast(UTC_TYPE).alias("imported_at"),
        pl.struct(pl.lit(source.file_sha256).alias("file_sha256"), "task", "annotation")
        .cast(ORIGIN)
        .alias("origin"),
        pl.lit(None, pl.String).alias("retracts"),
        pl.lit(source.run_id).alias("run_id"),
        pl.lit(source.code_version).alias("code_version"),
    )
    return VOTES.check(with_vote_ids(votes))


def _frame(answers: Sequence[ReviewAnswer], items: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    rows = [
        (
            answer.task,
            answer.annotation,
            f"human:{answer.completed_by or NOBODY}",
            answer.label,
            answer.shown_prediction,
            answer.lead_time_s,
            answer.cast_at,
            answer.dataset,
            None if answer.also_named is None else f"human:{answer.also_named}",
            answer.region,
        )
        for answer in answers
    ]
    frame = pl.DataFrame(rows, schema=_ANSWERS, orient="row")
    return frame.with_columns(resolved_items(answers, items, dataset.ingestion))


def _kind() -> pl.Expr:
    """Skip, blind vote, or what became of the prediction that the person was shown."""
    kept = pl.col("label") == pl.col("shown_prediction")
    return (
        pl.when(pl.col("label").is_null())
        .then(pl.lit("skip"))
        .when(pl.col("shown_prediction").is_null())
        .then(pl.lit("vote"))
        .when(kept)
        .then(pl.lit("accept"))
        .otherwise(pl.lit("fix"))
    )


def _checked(answers: pl.DataFrame, dataset: Dataset, votes: pl.DataFrame) -> pl.DataFrame:
    """The answers with `outcome` and `reason`.

    What is on record already is a duplicate even if its class has left the ontology since.
    """
    placed = _placed(answers, dataset)
    said = _said_before(placed.filter(pl.col("misplaced").is_null()), votes)
    twin = pl.col("first_actor").is_not_null()
    same_actor = pl.any_horizontal(pl.col("actor", "also") == pl.col("first_actor"))
    agrees = same_actor & pl.col("label").eq_missing(pl.col("first_label"))
    conflict = pl.format(
        "the same annotation of the same time is on record as '{}' by {}; which one is right?",
        pl.col("first_label").fill_null("skip"),
        "first_actor",
    )
    return (
        placed.join(said, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("misplaced").is_not_null())
            .then(pl.lit("rejected"))
            .when(twin & agrees)
            .then(pl.lit("duplicate"))
            .when(pl.col("unknown_class").is_not_null())
            .then(pl.lit("rejected"))
            .when(twin)
            .then(pl.lit("conflict"))
            .otherwise(pl.lit("accepted"))
            .alias("outcome")
        )
        .with_columns(
            pl.when(pl.col("outcome") == "conflict")
            .then(conflict)
            .otherwise(pl.coalesce("misplaced", "unknown_class"))
            .alias("reason")
        )
    )


def _placed(answers: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """The answers, numbered, with what is wrong about their dataset, item or class."""
    column = "region" if dataset.has_regions else "label"
    named = answers[column].drop_nulls().unique()
    unknown = {
        said: _unknown_class(name, dataset)
        for said in named
        if (name := unknown_name(dataset, said)) is not None
    }
    elsewhere = pl.when(pl.col("made_for") != dataset.name).then(
        pl.format("the task is of dataset '{}', not of '{}'", "made_for", pl.lit(dataset.name))
    )
    faults = pl.col(column).replace_strict(unknown, default=None, return_dtype=pl.String)
    return answers.with_columns(
        pl.coalesce(elsewhere, "item_fault").alias("misplaced"), faults.alias("unknown_class")
    ).with_row_index("row")


def _said_before(answers: pl.DataFrame, votes: pl.DataFrame) -> pl.DataFrame:
    """By row, who said what first under the same annotation, in the ledger or in this file."""
    ledger = votes.filter(pl.col("kind") != "retract", pl.col("actor_kind") == "human").select(
        pl.lit(None, pl.UInt32).alias("row"),
        "item_id",
        pl.col("origin").struct.field("task"),
        pl.col("origin").struct.field("annotation"),
        *("cast_at", "actor", "label"),
    )
    known = ledger.join(answers, on=["item_id", "task", "annotation"], how="semi")
    sound = pl.col("unknown_class").is_null()
    both = pl.concat([known, answers.filter(sound).select(known.columns)]).with_row_index("order")
    first = both.group_by(_SAME, maintain_order=True).agg(
        pl.col("order", "actor", "label").first().name.prefix("first_")
    )
    return (
        answers.select("row", *_SAME)
        .join(first, on=_SAME, how="inner", nulls_equal=True)
        .join(both.select("row", "order").drop_nulls(), on="row", how="left")
        .filter(pl.col("order").is_null() | (pl.col("order") != pl.col("first_order")))
        .select("row", "first_actor", "first_label")
    )


def _unknown_class(label: str, dataset: Dataset) -> str:
    folded = {name.casefold(): name for name in dataset.classes}
    close = get_close_matches(label.strip().casefold()[:_SHOWN], folded, n=1)
    hint = f"; did you mean '{folded[close[0]]}'?" if close else ""
    shown = label if len(label) <= _SHOWN else label[:_SHOWN] + "..."
    return (
        f"'{shown}' is no class of {dataset.name} (ontology {dataset.ontology.version}), "
        f"expected one of {list(dataset.classes)}{hint}"
    )


def _set_aside(
    answers: pl.DataFrame, unread: Sequence[ReviewReject], source: Source
) -> pl.DataFrame:
    aside = answers.filter(pl.col("outcome").is_in(["rejected", "conflict"]))
    rows = pl.DataFrame(
        [(r.task, r.annotation, "rejected", r.reason) for r in unread],
        schema={c: REJECTS[c] for c in ("task", "annotation", "outcome", "reason")},
        orient="row",
    )
    return (
        pl.concat([aside, rows], how="diagonal")
        .with_columns(
            pl.lit(source.file).alias("file"), pl.lit(source.file_sha256).alias("file_sha256")
        )
        .select(list(REJECTS))
    )


def _balance(answers: pl.DataFrame, file: ReviewFile) -> Balance:
    counts = dict(answers.group_by("outcome").len().iter_rows())
    return Balance(
        tasks_in=file.received,
        accepted=counts.get("accepted", 0),
        duplicate=counts.get("duplicate", 0),
        conflict=counts.get("conflict", 0),
        rejected=counts.get("rejected", 0) + len(file.rejects),
        unanswered=len(file.unanswered),
    )
