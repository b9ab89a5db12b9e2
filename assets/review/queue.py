"""The review queue: which items people are asked about, written as a file for the review tool."""

import hashlib
import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl

from assets.dataset_file.models import Dataset
from assets.ports import OpenTask, ProjectFolder, ReviewTask, ReviewTool
from assets.regions.review import with_regions
from quality.ledger import effective_votes
from quality.selection.queue import EXPLORED, review_queue

QUEUE = {
    "item_id": pl.String(),
    "prediction": pl.String(),
    "score": pl.Float64(),
    "predicted_by": pl.String(),
    "priority": pl.Float64(),
    "reason": pl.String(),
    "awaited": pl.UInt32(),
}


def build_queue(
    labels: pl.DataFrame,
    scores: pl.DataFrame,
    probabilities: pl.DataFrame,
    votes: pl.DataFrame,
    dataset: Dataset,
    *,
    seed: int,
    waiting: Collection[OpenTask] = (),
) -> pl.DataFrame:
    """The items worth a person's look, within the review budget, most worthwhile first.

    A share of the budget, `review.explore`, is drawn at random from items that nobody answered
    and goes out without a prediction, so that the answers measure how right the labels are.

    Left out are items that people answered as often as the review policy asks (a skip is an
    answer, a vote that was taken back is none) and items of an earlier queue that wait for an
    answer still.

    Args:
        labels: item_id, label and n_votes of each item.
        scores: item_id, agreement and label_quality, null where they are not known.
        probabilities: item_id and probabilities in the order of the ontology's classes.
        votes: The ledger.
        dataset: Its review section says how many and by which signal, its consensus section
            who predicted.
        seed: Settles ties.
        waiting: The tasks of earlier queues, as `waiting_items` finds them.

    Returns:
        Columns of QUEUE; `priority` in [0, 1].
    """
    review, answered = dataset.review, _human_votes(votes)
    candidates = (
        labels.select("item_id", "label", "n_votes")
        .join(answered, "item_id", how="left")
        .with_columns(pl.col("cast", "counting").fill_null(0))
        .filter(pl.col("counting") < review.votes_per_item)
        .join(_still_waiting(waiting, answered), "item_id", how="anti")
        .join(scores.select("item_id", "agreement", "label_quality"), "item_id", how="left")
        .join(probabilities.select("item_id", "probabilities"), "item_id", how="left")
        .join(_models_differ(votes), "item_id", how="left")
        .with_columns((1 - pl.col("agreement")).clip(0.0, 1.0).fill_null(0.0).alias("disagreement"))
        .with_columns(pl.max_horizontal("disagreement", pl.col("models_differ").fill_null(0.0)))
    )
    explored = _explored(candidates, round(review.budget * review.explore), seed)
    rest, budget = candidates.join(explored, "item_id", how="anti"), review.budget - explored.height
    if review.strategy == "auto":
        chosen = _strongest_doubt(rest, len(dataset.classes), budget, seed)
    else:
        chosen = review_queue(rest, budget=budget, seed=seed, strategy=review.strategy)
    awaited = pl.col("cast") + review.votes_per_item - pl.col("counting")
    blind = pl.col("reason") == EXPLORED
    queue = pl.concat([explored, chosen])
    return queue.join(candidates, "item_id", how="left", maintain_order="left").select(
        "item_id",
        pl.when(~blind).then("label").alias("prediction"),
        pl.when(~blind).then(pl.col("probabilities").list.max()).alias("score"),
        pl.lit(f"consensus:{dataset.consensus.aggregator}").alias("predicted_by"),
        "priority",
        "reason",
        awaited.cast(pl.UInt32).alias("awaited"),
    )


def waiting_items(dataset: Dataset, tool: ReviewTool, folder: ProjectFolder) -> list[OpenTask]:
    """The tasks of the queue files that lie in the project; deleting a file frees its items."""
    return [
        task
        for path in sorted(folder.queue(dataset.name).glob("*.json"))
        for task in tool.answers(path.read_bytes()).unanswered
    ]


def write_queue(
    queue: pl.DataFrame,
    items: pl.DataFrame,
    media: Mapping[str, bytes],
    *,
    dataset: Dataset,
    tool: ReviewTool,
    folder: ProjectFolder,
    regions: Mapping[str, str] | None = None,
) -> Path | None:
    """Write the queue and the tool's configuration; where the queue is, None if it is empty.

    The file is named for its content, appears whole or not at all, and is written once.

    Args:
        queue: What `build_queue` chose.
        items: The items table, or its columns item_id, modality and content.
        media: Images by item id.
        dataset: The dataset.
        tool: Writes its format.
        folder: Where queues lie.
        regions: The predicted sets of boxes or spans by item, as canonical text.
    """
    if queue.is_empty():
        return None
    rows = queue.join(
        items.select("item_id", "modality", "content"), "item_id", maintain_order="left"
    )
    tasks = [
        with_regions(ReviewTask(**row, image=media.get(row["item_id"])), regions or {})
        for row in rows.to_dicts()
    ]
    content = tool.tasks(tasks, dataset=dataset.name)
    where = folder.queue(dataset.name)
    where.mkdir(parents=True, exist_ok=True)
    classes = {c.name: c.description for c in dataset.ontology.classes if not c.group}
    name, setup = tool.setup(
        dataset=dataset.name, modality=dataset.modality, classes=classes, task=dataset.task
    )
    _write(where / name, setup)
    digest = hashlib.sha256(content).hexdigest()[:12]
    path = where / f"{dataset.name}-{digest}.json"
    _write(path, content)
    return path


def _human_votes(votes: pl.DataFrame) -> pl.DataFrame:
    """By item: how many votes people ever cast, and how many of them count."""
    said = votes.filter((pl.col("actor_kind") == "human") | (pl.col("kind") == "retract"))
    people = said.filter(pl.col("kind") != "retract")
    counting = effective_votes(said)
    return (
        people.group_by("item_id")
        .agg(pl.len().alias("cast"))
        .join(counting.group_by("item_id").agg(pl.len().alias("counting")), "item_id", how="left")
    )


def _models_differ(votes: pl.DataFrame) -> pl.DataFrame:
    """By item: the share of pairs of models that name different classes, and who names which.

    Votes on items that a model was trained on are heard, too: models that still differ on what
    they have learned are as good a reason to look.
    """
    named = effective_votes(votes.filter(pl.col("actor_kind") == "model")).drop_nulls("label")
    said = pl.format("{} {}", pl.col("actor").str.strip_prefix("model:"), "label")
    same, n = pl.len().over("item_id", "label") - 1, pl.len().over("item_id")
    return (
        named.sort("item_id", "actor")
        .with_columns(same.alias("same"), n.alias("n"), said.alias("said"))
        .filter(pl.col("n") > 1)
        .group_by("item_id", maintain_order=True)
        .agg(
            (1 - (pl.col("same") / (pl.col("n") - 1)).mean()).alias("models_differ"),
            pl.col("said").str.join(", ").alias("models_say"),
        )
    )


def _still_waiting(waiting: Collection[OpenTask], answered: pl.DataFrame) -> pl.DataFrame:
    """Items whose task has not had the votes that it waits for.

    All votes ever cast are counted: an item whose votes were taken back later was answered, and
    is asked about again in a new task.
    """
    tasks = pl.DataFrame(
        [(task.item_id, task.awaited) for task in waiting],
        schema={"item_id": pl.String, "awaited": pl.Int64},
        orient="row",
    )
    return (
        tasks.join(answered, "item_id", how="left")
        .filter(pl.col("cast").fill_null(0) < pl.col("awaited").fill_null(1))
        .select("item_id")
    )


def _explored(candidates: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """Items drawn at random, first in the queue so that people get to all of them."""
    return (
        candidates.filter(pl.col("cast") == 0)
        .with_columns(_tie_break(candidates.filter(pl.col("cast") == 0)["item_id"], seed + 1))
        .sort("tie", "item_id")
        .head(n)
        .select("item_id", pl.lit(1.0).alias("priority"), pl.lit(EXPLORED).alias("reason"))
    )


def _strongest_doubt(
    candidates: pl.DataFrame, classes: int, budget: int, seed: int
) -> pl.DataFrame:
    """The strategy `auto`: an item is as urgent as the strongest of all doubts about it.

    Not their mean: an item that one signal is sure about must not be hidden by the others.
    """
    return (
        candidates.with_columns(_uncertainty(classes).alias("uncertainty"))
        .with_columns((1 - pl.col("label_quality")).fill_null(0.0).alias("doubt"))
        .with_columns(pl.max_horizontal("uncertainty", "disagreement", "doubt").alias("priority"))
        .with_columns(_tie_break(candidates["item_id"], seed))
        .sort("priority", "uncertainty", "tie", "item_id", descending=[True, True, False, False])
        .head(budget)
        .select("item_id", "priority", _reason().alias("reason"))
    )


def _uncertainty(classes: int) -> pl.Expr:
    """Entropy of the probabilities over its greatest value; 1 where there are none."""
    p = pl.element()
    terms = pl.when(p > 0).then(-p * p.log()).otherwise(0.0)
    entropy = pl.col("probabilities").list.eval(terms).list.sum()
    return (entropy / pl.lit(float(classes)).log()).fill_null(1.0).clip(0.0, 1.0)


def _tie_break(item_ids: pl.Series, seed: int) -> pl.Series:
    ties = [hashlib.sha256(f"{seed}/{item}".encode()).hexdigest()[:16] for item in item_ids]
    return pl.Series("tie", ties, dtype=pl.String)


def _reason() -> pl.Expr:
    split = (
        pl.when(pl.col("models_differ") == pl.col("disagreement"))
        .then(pl.format("models differ: {}", "models_say"))
        .otherwise(pl.format("votes disagree: agreement {}", pl.col("agreement").round(2)))
    )
    unsure = pl.format("uncertain: {} at best", pl.col("probabilities").list.max().round(2))
    return (
        pl.when(pl.col("label").is_null())
        .then(pl.lit("nobody labeled it"))
        .when(pl.col("doubt") == pl.col("priority"))
        .then(pl.format("looks mislabeled: label quality {}", pl.col("label_quality").round(2)))
        .when(pl.col("disagreement") >= pl.col("uncertainty"))
        .then(split)
        .otherwise(unsure.fill_null(pl.lit("no probability is known")))
    )


def _write(path: Path, content: bytes) -> None:
    """The whole file or none: written beside, forced to disk, then renamed into place."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
