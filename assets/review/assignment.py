"""Whom each task of a queue is for."""

import polars as pl

from assets.dataset_file.models import Dataset
from quality.consensus.skills import PERSON
from quality.ledger import effective_votes
from quality.selection.routing import Reviewer, routed


def assigned(
    queue: pl.DataFrame,
    probabilities: pl.DataFrame,
    votes: pl.DataFrame,
    skills: pl.DataFrame,
    dataset: Dataset,
) -> pl.DataFrame:
    """The queue with an `assignee`: a row for each person who is asked about an item.

    A task that nobody has room for, or that all have voted on, has none: anybody may take it.

    Args:
        queue: What `build_queue` chose.
        probabilities: item_id and probabilities in the order of the ontology's classes.
        votes: The ledger.
        skills: Of the SKILLS schema.
        dataset: Its review section says who the reviewers are and how many votes an item gets.
    """
    prefix = f"{PERSON}:"
    people = votes.filter((pl.col("actor_kind") == PERSON) & (pl.col("kind") != "retract"))
    had = _counting(votes, queue)
    if dataset.has_regions:
        # Those of an item with regions are not of its classes: which it has, nothing says.
        probabilities = probabilities.clear()
    wanted = pl.lit(dataset.review.votes_per_item) - pl.col("counting").fill_null(0)
    tasks = (
        queue.select("item_id")
        .join(probabilities.select("item_id", "probabilities"), "item_id", how="left")
        .join(had, "item_id", how="left", maintain_order="left")
        .select("item_id", "probabilities", wanted.cast(pl.Int64).alias("wanted"))
    )
    reviewers = [Reviewer(prefix + r.name, r.capacity) for r in dataset.review.reviewers]
    voted = people.select("item_id", "actor").unique()
    given = routed(tasks, skills, reviewers, voted, dataset.classes)
    names = given.select("item_id", pl.col("actor").str.strip_prefix(prefix).alias("assignee"))
    return queue.join(names, "item_id", how="left", maintain_order="left_right")


def _counting(votes: pl.DataFrame, queue: pl.DataFrame) -> pl.DataFrame:
    """By item of the queue: how many votes of people count."""
    asked = votes.join(queue, on="item_id", how="semi")
    said = asked.filter((pl.col("actor_kind") == PERSON) | (pl.col("kind") == "retract"))
    return effective_votes(said).group_by("item_id").agg(pl.len().alias("counting"))
