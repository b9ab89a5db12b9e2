"""Who should vote on what, within a budget of money."""

import numpy as np
import polars as pl

from quality.probabilities import Floats, probability_matrix
from quality.selection.errors import SelectionError
from quality.selection.gain import vote_gain

PLAN_SCHEMA = {"item_id": pl.String, "actor": pl.String, "cost": pl.Float64, "gain": pl.Float64}


def plan_votes(
    scores: pl.DataFrame,
    actors: pl.DataFrame,
    *,
    budget: float,
    seed: int,
    voted: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One vote per item at most, where it is worth most for its cost.

    Takes the pair of item and actor with the highest gain per cost, then the next that still
    fits, until nothing fits or no vote is worth anything.

    Args:
        scores: item_id, probabilities (a list in class order).
        actors: actor, accuracy (chance to name the right class), cost (of one vote, above 0)
            and, where wanted, capacity (votes at most).
        budget: What all votes together may cost.
        seed: Of ties.
        voted: item_id, actor of the votes there are; nobody is asked twice.

    Returns:
        item_id, actor, cost, gain; in the order chosen.

    Raises:
        SelectionError: A column is missing, or a cost, an accuracy or the budget makes no sense.
        ProbabilitiesError: A row is no probability distribution.
    """
    _check(scores, actors, budget)
    gain = _gains(scores, actors)
    if voted is not None:
        _strike_out(gain, scores, actors, voted)
    cost = actors["cost"].cast(pl.Float64).to_numpy()
    left = _capacities(actors)
    # Ties fall by a seeded order of items, then by the order of the actors.
    shuffled = np.random.default_rng(seed).permutation(scores.height)
    worth = (gain / cost)[shuffled]
    taken: list[tuple[int, int]] = []
    free = np.ones(scores.height, np.bool_)
    for pair in np.argsort(-worth, axis=None, kind="stable"):
        row, actor = divmod(int(pair), len(cost))
        item = int(shuffled[row])
        if budget < cost.min() or gain[item, actor] <= 0:
            break
        if free[item] and left[actor] > 0 and cost[actor] <= budget:
            taken.append((item, actor))
            free[item] = False
            left[actor] -= 1
            budget -= cost[actor]
    items, who = ([pair[side] for pair in taken] for side in (0, 1))
    return pl.DataFrame(
        {
            "item_id": scores["item_id"].gather(items),
            "actor": actors["actor"].gather(who),
            "cost": cost[who],
            "gain": gain[items, who],
        },
        schema=PLAN_SCHEMA,
    )


def _gains(scores: pl.DataFrame, actors: pl.DataFrame) -> Floats:
    """(n_items, n_actors) expected gain of each possible vote."""
    given = scores["probabilities"]
    n_classes = int(given.list.len().head(1).item()) if len(given) else 0
    table = probability_matrix(given, n_items=scores.height, n_classes=n_classes)
    gains = np.zeros((scores.height, actors.height))
    for place, accuracy in enumerate(actors["accuracy"]):
        gains[:, place] = vote_gain(table, float(accuracy))
    return gains


def _strike_out(
    gain: Floats, scores: pl.DataFrame, actors: pl.DataFrame, voted: pl.DataFrame
) -> None:
    """Makes votes that were cast already worthless."""
    rows = scores.select("item_id").with_row_index("row")
    columns = actors.select("actor").with_row_index("column")
    cast = voted.select("item_id", "actor").join(rows, on="item_id").join(columns, on="actor")
    gain[cast["row"].to_numpy(), cast["column"].to_numpy()] = 0.0


def _capacities(actors: pl.DataFrame) -> Floats:
    """(n_actors,) votes each actor can cast; no limit where none is given."""
    if "capacity" not in actors.columns:
        return np.full(actors.height, np.inf)
    return actors["capacity"].cast(pl.Float64).fill_null(np.inf).to_numpy().copy()


def _check(scores: pl.DataFrame, actors: pl.DataFrame, budget: float) -> None:
    """Raises where no plan can be made of these."""
    for frame, what, columns in (
        (scores, "scores", ("item_id", "probabilities")),
        (actors, "actors", ("actor", "accuracy", "cost")),
    ):
        missing = [name for name in columns if name not in frame.columns]
        if missing:
            raise SelectionError(f"{what} lack the columns {missing}; found {frame.columns}.")
    if not 0 <= budget < np.inf:
        raise SelectionError(f"the budget is {budget}; expected a finite amount, none or more.")
    if not actors.height:
        raise SelectionError("there are no actors to ask; name at least one.")
    cost = actors["cost"].cast(pl.Float64)
    if cost.null_count() or not ((cost > 0) & cost.is_finite()).all():
        raise SelectionError(f"costs are {cost.to_list()[:10]}; each must be finite and above 0.")
