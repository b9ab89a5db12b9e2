"""The review queue: which items people see next, in which order, and why."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.probabilities import Floats, probability_matrix
from quality.selection.diversity import Codes, k_center
from quality.selection.errors import SelectionError
from quality.selection.gain import vote_gain
from quality.selection.uncertainty import entropy, least_confidence, margin

Signal = Literal["entropy", "margin", "least_confidence", "disagreement", "gain", "random"]
QUEUE_SCHEMA = {"item_id": pl.String, "priority": pl.Float64, "reason": pl.String}
DEFAULT_WEIGHTS: Mapping[Signal, float] = {"margin": 0.5, "disagreement": 0.5}
ACCURACY = 0.8
_SHORTLIST = 4
_REASONS: Mapping[str, str] = {
    "entropy": "the prediction is spread over the classes",
    "margin": "two classes are nearly as probable",
    "least_confidence": "the prediction is not confident",
    "disagreement": "the votes disagree",
    "gain": "one more vote would decide most",
    "random": "drawn at random",
}
EXPLORED = "drawn at random, so that errors nobody suspects are seen too"


def review_queue(
    scores: pl.DataFrame,
    *,
    budget: int,
    seed: int,
    strategy: Signal | None = None,
    weights: Mapping[Signal, float] | None = None,
    accuracy: float = ACCURACY,
    explore: float = 0.0,
    features: npt.ArrayLike | None = None,
) -> pl.DataFrame:
    """The items that people should see next, most urgent first.

    Args:
        scores: item_id; probabilities, a list in class order (null where nothing predicted the
            item, which counts as knowing nothing); n_votes (used by the reason); disagreement
            or vote_entropy from 0 to 1 (null counts as 0). Columns that the strategy does not
            read may be missing.
        budget: How many items, each to get one vote.
        seed: Of ties, random items and the first center; the same seed gives the same queue.
        strategy: One signal to go by: entropy, margin, least_confidence, disagreement, gain
            (a new item or another vote, whichever is worth more) or random.
        weights: Or several signals, each from 0 to 1, with their weights; priority is the
            weighted mean. Without either, margin and disagreement count half each.
        accuracy: Of the people who vote, for the signal gain.
        explore: Share of the budget spent on items drawn at random among the rest.
        features: (n_items, n_features) to spread the queue: of the four times as many most
            urgent items those are taken that differ most.

    Returns:
        item_id, priority (0 to 1), reason; by priority, ties in an order that the seed decides.

    Raises:
        SelectionError: A column is missing, an id is repeated, a signal has no such name, or the
            budget, a weight or a share makes no sense.
        ProbabilitiesError: A row is no probability distribution.
    """
    mixture = _mixture(strategy, weights)
    _check(scores, budget, explore)
    n_random = min(round(budget * explore), scores.height)
    # Ties follow a seeded order of the ids, so the order of the rows leaves no trace.
    by_name = scores["item_id"].arg_sort().to_numpy()
    rng = np.random.default_rng(seed)
    order = by_name[rng.permutation(scores.height)]
    parts = _signals(scores[order], mixture, accuracy, rng)
    weighted = np.stack([parts[name] * weight for name, weight in mixture.items()])
    priority = weighted.sum(axis=0) / sum(mixture.values())
    names = np.array(list(mixture))[weighted.argmax(axis=0)]
    ranked = np.argsort(-priority, kind="stable")
    table = None if features is None else np.asarray(features)[order]
    urgent = _spread(ranked, budget - n_random, table, seed)
    rest = ranked[~np.isin(ranked, urgent)]
    explored = rng.permutation(np.sort(rest))[:n_random]
    reasons = _reasons(names[urgent], scores[order[urgent]])
    chosen = np.concatenate([urgent, explored])
    queue = pl.DataFrame(
        {
            "item_id": scores["item_id"].gather(order[chosen]),
            "priority": priority[chosen],
            "reason": [*reasons, *([EXPLORED] * len(explored))],
        },
        schema=QUEUE_SCHEMA,
    )
    return queue.sort("priority", descending=True, maintain_order=True)


def _mixture(
    strategy: Signal | None, weights: Mapping[Signal, float] | None
) -> Mapping[Signal, float]:
    """Signals and their weights."""
    if strategy is not None and weights is not None:
        raise SelectionError("both a strategy and weights are given; give one of them.")
    mixture = weights if weights is not None else DEFAULT_WEIGHTS
    if strategy is not None:
        mixture = {strategy: 1.0}
    unknown = [name for name in mixture if name not in _REASONS]
    if unknown:
        raise SelectionError(f"no signal is called {unknown}; expected some of {list(_REASONS)}.")
    if not mixture or any(not weight >= 0 for weight in mixture.values()):
        raise SelectionError(f"weights are {dict(mixture)}; none may be negative or missing.")
    total = sum(mixture.values())
    if not 0 < total < np.inf:
        raise SelectionError(f"weights sum to {total}; expected a finite number above 0.")
    return mixture


def _check(scores: pl.DataFrame, budget: int, explore: float) -> None:
    """Raises where nothing can be chosen by these."""
    if budget < 0:
        raise SelectionError(f"the budget is {budget} votes; expected none or more.")
    if not 0 <= explore <= 1:
        raise SelectionError(f"explore is {explore}; expected a share from 0 to 1.")
    if "item_id" not in scores.columns:
        raise SelectionError(f"scores lack the column item_id; found {scores.columns}.")
    if scores["item_id"].null_count() or scores["item_id"].n_unique() < scores.height:
        raise SelectionError("item ids are missing or repeated; list every item once.")


def _signals(
    scores: pl.DataFrame,
    mixture: Mapping[Signal, float],
    accuracy: float,
    rng: np.random.Generator,
) -> dict[Signal, Floats]:
    """(n_items,) of each signal, from 0 to 1."""
    from_probabilities: dict[str, Callable[[Floats], Floats]] = {
        "entropy": entropy,
        "margin": margin,
        "least_confidence": least_confidence,
        "gain": lambda table: vote_gain(table, accuracy),
    }
    table = _probabilities(scores) if set(mixture) & set(from_probabilities) else None
    found: dict[Signal, Floats] = {}
    for name in mixture:
        if name == "random":
            found[name] = rng.random(scores.height)
        elif name == "disagreement":
            found[name] = _disagreement(scores)
        elif table is not None:
            found[name] = from_probabilities[name](table)
    return found


def _probabilities(scores: pl.DataFrame) -> Floats:
    """(n_items, n_classes) probabilities, uniform where there are none."""
    if "probabilities" not in scores.columns:
        raise SelectionError(f"scores lack the column probabilities; found {scores.columns}.")
    given = scores["probabilities"]
    if given.dtype == pl.Array:
        given = given.arr.to_list()
    known = given.is_not_null().to_numpy() if given.dtype == pl.List else np.zeros(0, np.bool_)
    if not known.any():
        return (
            np.ones((scores.height, 1)) if not scores.height else np.full((scores.height, 2), 0.5)
        )
    n_classes = int(given.filter(known).list.len().head(1).item())
    table = np.full((len(given), n_classes), 1 / max(n_classes, 1))
    table[known] = probability_matrix(
        given.filter(known), n_items=int(known.sum()), n_classes=n_classes
    )
    return table


def _disagreement(scores: pl.DataFrame) -> Floats:
    """(n_items,) disagreement of the votes, 0 where it is not known."""
    name = next((each for each in ("disagreement", "vote_entropy") if each in scores.columns), None)
    if name is None:
        raise SelectionError(
            f"scores lack the column disagreement (or vote_entropy); found {scores.columns}."
        )
    values = scores[name].cast(pl.Float64).fill_null(0.0).to_numpy()
    if not ((values >= 0) & (values <= 1)).all():
        raise SelectionError(f"{name} must lie between 0 and 1; it does not everywhere.")
    return np.asarray(values)


def _spread(ranked: Codes, n: int, features: npt.ArrayLike | None, seed: int) -> Codes:
    """The first n, or the n that differ most among four times as many."""
    if features is None or n >= len(ranked):
        return ranked[:n]
    shortlist = ranked[: n * _SHORTLIST]
    kept = k_center(np.asarray(features)[shortlist], n, seed=seed)
    return shortlist[np.sort(kept)]


def _reasons(signals: npt.NDArray[np.str_], scores: pl.DataFrame) -> list[str]:
    """Why each item is in the queue."""
    nothing = pl.Series([None] * scores.height)
    n_votes = scores["n_votes"] if "n_votes" in scores.columns else nothing
    if "probabilities" in scores.columns:
        guessed = scores["probabilities"].is_not_null()
    else:
        guessed = nothing.is_null()
    return [
        _reason(str(signal), known, votes)
        for signal, known, votes in zip(signals, guessed, n_votes, strict=True)
    ]


def _reason(signal: str, known: bool, n_votes: int | None) -> str:
    """Why one item is in the queue."""
    seen = {None: "", 0: "; nobody voted on it yet", 1: "; one vote so far"}
    votes = seen.get(n_votes, f"; {n_votes} votes so far")
    if not known and signal not in {"disagreement", "random"}:
        return "nothing predicted it" + votes
    return _REASONS[signal] + votes
