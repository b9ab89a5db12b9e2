"""A model's probabilities as ballots."""

import numpy as np
import polars as pl

from assets.labelers.interface import BALLOTS, Ballots, LabelerInput, Model, Probabilities
from quality.schema import PREDICTIONS


def model_votes(model: Model, actor: str, items: LabelerInput, *, vote_above: float) -> Ballots:
    """A vote for the likeliest class of each item, the first of equals; its probability as score.

    Args:
        model: Predicts.
        actor: Who votes.
        items: What is voted on.
        vote_above: Where the likeliest class is less likely, the model abstains.
    """
    features = items.features()
    probabilities = _among(items.classes, model, model.predict_proba(features))
    best = probabilities.argmax(axis=1)
    score = probabilities[np.arange(len(best)), best]
    version, release = model.version, pl.lit(model.trained_on, pl.String)
    ids = pl.Series("item_id", list(features.item_ids), dtype=pl.String)
    label = pl.Series("label", np.asarray(items.classes)[best].tolist(), dtype=pl.String)
    votes = pl.DataFrame([ids, label, pl.Series("score", score, dtype=pl.Float64)]).with_columns(
        label=pl.when(pl.col("score") >= vote_above).then("label"),
        actor=pl.lit(actor),
        actor_kind=pl.lit("model"),
        actor_version=pl.lit(version),
        trained_on=release,
    )
    predictions = pl.DataFrame(
        {"item_id": ids, "probabilities": probabilities.tolist()},
        schema_overrides={"probabilities": pl.List(pl.Float64)},
    ).with_columns(actor_version=pl.lit(version), trained_on=release)
    items.progress(len(ids), len(ids))
    return Ballots(BALLOTS.check(votes), PREDICTIONS.check(predictions))


def _among(classes: tuple[str, ...], model: Model, probabilities: Probabilities) -> Probabilities:
    """Probabilities in the order of the ontology as it is now; 0 for classes added since.

    A class that was taken out since takes its probability with it: the rest is not scaled up.
    """
    if classes == model.classes:
        return probabilities
    place = {name: k for k, name in enumerate(model.classes)}
    found = [probabilities[:, place[name]] if name in place else 0 for name in classes]
    return np.stack(np.broadcast_arrays(*found, np.zeros(len(probabilities)))[:-1], axis=1)
