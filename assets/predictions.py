"""The models' probabilities as one classifier, for an aggregator that hears one too."""

import numpy as np
import polars as pl

from assets.evidence import Evidence
from assets.runs import Run

SCHEMA = {"item_id": pl.String(), "actor": pl.String(), "probabilities": pl.List(pl.Float64)}


def independent_predictions(run: Run, evidence: Evidence) -> pl.DataFrame:
    """What each model's vote was made of, where the vote counts and is not circular.

    Votes given in another version of the ontology are left out: their probabilities may be of
    other classes.

    Returns:
        item_id, actor, probabilities in the order of the classes; sorted by item and actor.
    """
    given_now = pl.col("ontology_version") == run.dataset.ontology.version
    votes = evidence.independent.filter((pl.col("actor_kind") == "model") & given_now)
    found = [pl.DataFrame(schema=SCHEMA)]
    for actor in votes["actor"].unique().sort():
        table = run.store.table(evidence.commit, f"predictions/{actor.removeprefix('model:')}/")
        if table is None:
            continue
        stored = table.select("item_id", "actor_version", "probabilities").collect()
        counted = votes.filter(actor=actor).select("item_id", "actor", "actor_version")
        found.append(
            counted.join(stored, on=["item_id", "actor_version"])
            .unique("item_id", keep="first", maintain_order=True)
            .select(list(SCHEMA))
        )
    whole = pl.col("probabilities").list.len() == len(run.dataset.classes)
    return pl.concat(found).filter(whole).sort("item_id", "actor")


def one_classifier(predictions: pl.DataFrame) -> pl.DataFrame:
    """item_id and the mean of its models' probabilities."""
    if predictions.is_empty():
        return predictions.select("item_id", "probabilities")
    flat = predictions["probabilities"].explode().to_numpy()
    matrix = flat.reshape(predictions.height, -1)
    item = predictions["item_id"].rle_id().to_numpy()
    starts = np.flatnonzero(np.diff(item, prepend=-1))
    models = np.bincount(item)[:, None]
    mean = np.add.reduceat(matrix, starts, axis=0) / models
    return pl.DataFrame(
        {"item_id": predictions["item_id"].gather(starts), "probabilities": mean},
        schema={"item_id": pl.String, "probabilities": pl.Array(pl.Float64, matrix.shape[1])},
    )


def heard_once(votes: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    """The votes without those of models that are heard as the classifier already.

    Where nobody else names a class the model's vote stays: without a vote there is no label.
    """
    theirs = predictions.select("item_id", "actor")
    others = votes.join(theirs, on=["item_id", "actor"], how="anti").drop_nulls("label")
    doubled = theirs.join(others, on="item_id", how="semi")
    return votes.join(doubled, on=["item_id", "actor"], how="anti")
