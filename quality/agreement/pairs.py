"""Two actors at a time: Cohen's kappa and Scott's pi, over the items that both voted on.

Cohen (1960): (p_o - p_e) / (1 - p_e) with p_e = sum_kl w_kl a_k b_l of the two actors' own shares;
weighted as in Cohen (1968). Scott (1955): the same with both shares replaced by their mean.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.agreement.bootstrap import interval
from quality.agreement.coefficients import ONE_CLASS, beyond_chance, ratio
from quality.agreement.counts import Codes, Floats
from quality.agreement.errors import AgreementError
from quality.agreement.weights import Weights, agreement_weights, weighted
from quality.compiled import compiled
from quality.votes import VoteCodes

Chance = Literal["cohen", "scott"]
MOST_CELLS = 20_000_000
MATRIX_SCHEMA = {
    "actor": pl.String,
    "other": pl.String,
    "n_items": pl.Int64,
    "percent": pl.Float64,
    "kappa": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "reason": pl.String,
}


@dataclass(frozen=True)
class PairTable:
    """Agreement of each two actors.

    Attributes:
        actors: Actors of the rows and columns.
        n_items: (n_actors, n_actors) items that both voted on.
        percent: (n_actors, n_actors) weighted share of them on which they agree, else NaN.
        kappa: (n_actors, n_actors) chance-corrected, NaN where it is not defined.
        low: (n_actors, n_actors) lower end of kappa's 95 % interval, NaN where none was drawn.
        high: (n_actors, n_actors) upper end.
    """

    actors: tuple[str, ...]
    n_items: Codes
    percent: Floats
    kappa: Floats
    low: Floats
    high: Floats

    def frame(self) -> pl.DataFrame:
        """One row per pair of different actors, with null and a reason where kappa is missing."""
        row, column = np.triu_indices(len(self.actors), 1)
        n_items, kappa = self.n_items[row, column], self.kappa[row, column]
        return pl.DataFrame(
            {
                "actor": [self.actors[place] for place in row],
                "other": [self.actors[place] for place in column],
                "n_items": n_items,
                "percent": pl.Series(self.percent[row, column], nan_to_null=True),
                "kappa": pl.Series(kappa, nan_to_null=True),
                "low": pl.Series(self.low[row, column], nan_to_null=True),
                "high": pl.Series(self.high[row, column], nan_to_null=True),
                "reason": [_reason(*facts) for facts in zip(n_items, kappa, strict=True)],
            },
            schema=MATRIX_SCHEMA,
        )


def pairwise(
    coded: VoteCodes,
    *,
    actors: Sequence[int] | None = None,
    chance: Chance = "cohen",
    weights: Weights = "identity",
    seed: int = 0,
    replicates: int = 0,
) -> PairTable:
    """Agreement of each two actors over the items both voted on.

    Args:
        coded: The votes.
        actors: Codes of the actors to compare; all of them by default. Memory grows with the
            square of the actors times the classes.
        chance: cohen keeps each actor's own use of the classes, scott takes the pair's mean.
        weights: How near two classes are.
        seed: Of the intervals.
        replicates: Of the intervals, items drawn anew; 0 leaves them out.

    Raises:
        AgreementError: There are too many actors and classes for a table of their pairs.
    """
    chosen = np.arange(len(coded.actors)) if actors is None else np.asarray(actors, np.int64)
    names = tuple(str(coded.actors[int(place)]) for place in chosen)
    near = agreement_weights(weights, len(coded.classes))
    n_items, agreeing, used = _together(coded, chosen, near)
    observed = ratio(agreeing, n_items)
    expected = ratio(_expected(used, near, chance), n_items**2)
    kappa = beyond_chance(observed, expected)
    low, high = np.full_like(kappa, np.nan), np.full_like(kappa, np.nan)
    if replicates:
        for pair, said in _crossed(coded, chosen):
            rng = np.random.default_rng([seed, *pair])
            ends = _pair_interval(said, near, chance, replicates, rng)
            if ends is not None:
                low[pair], high[pair] = ends
                low[pair[::-1]], high[pair[::-1]] = ends
    return PairTable(names, n_items, observed, kappa, low, high)


def cohen_kappa(
    coded: VoteCodes, one: str, other: str, *, weights: Weights = "identity"
) -> float | None:
    """Cohen's kappa of two actors, or None where it is not defined."""
    return _of_two(coded, one, other, "cohen", weights)


def scott_pi(
    coded: VoteCodes, one: str, other: str, *, weights: Weights = "identity"
) -> float | None:
    """Scott's pi of two actors, or None where it is not defined."""
    return _of_two(coded, one, other, "scott", weights)


def _of_two(
    coded: VoteCodes, one: str, other: str, chance: Chance, weights: Weights
) -> float | None:
    places = {name: place for place, name in enumerate(coded.actors.to_list())}
    unknown = [name for name in (one, other) if name not in places]
    if unknown:
        raise AgreementError(f"no votes of {unknown}; the actors are {sorted(places)[:20]}.")
    if one == other:
        raise AgreementError(f"{one!r} would be compared with itself; name two actors.")
    pair = (places[one], places[other])
    kappa = pairwise(coded, actors=pair, chance=chance, weights=weights).kappa[0, 1]
    return None if np.isnan(kappa) else float(kappa)


def _together(coded: VoteCodes, chosen: Codes, near: Floats | None) -> tuple[Codes, Floats, Floats]:
    """Of each two chosen actors: items together, weighted agreements, classes used on them."""
    n_actors, n_classes = len(chosen), len(coded.classes)
    if n_actors**2 * n_classes > MOST_CELLS:
        raise AgreementError(
            f"{n_actors} actors and {n_classes} classes make too large a table to compare in "
            "pairs; choose fewer actors."
        )
    place = np.full(len(coded.actors), -1)
    place[chosen] = np.arange(n_actors)
    n_items = np.zeros((n_actors, n_actors), np.int64)
    agreeing = np.zeros((n_actors, n_actors))
    used = np.zeros((n_actors, n_actors, n_classes))
    tables = (n_items, agreeing, used)
    exact = np.eye(n_classes) if near is None else near
    compiled(_count_pairs)(coded.starts, place[coded.actor], coded.label, exact, tables)
    return n_items + n_items.T, agreeing + agreeing.T, used


def _count_pairs(
    begin: Codes,
    actor: Codes,
    label: npt.NDArray[np.int32],
    near: Floats,
    tables: tuple[Codes, Floats, Floats],
) -> None:
    """Counts every two votes of every item, each pair of actors once; -1 is no chosen actor."""
    n_items, agreeing, used = tables
    for item in range(len(begin) - 1):
        for i in range(begin[item], begin[item + 1]):
            for j in range(i + 1, begin[item + 1]):
                one, other = actor[i], actor[j]
                if one >= 0 and other >= 0:
                    n_items[one, other] += 1
                    agreeing[one, other] += near[label[i], label[j]]
                    used[one, other, label[i]] += 1
                    used[other, one, label[j]] += 1


def _crossed(coded: VoteCodes, chosen: Codes) -> Iterator[tuple[tuple[int, int], Codes]]:
    """Each two chosen actors, and (n_items, 2) what both said of each item they share."""
    label = np.full((len(chosen), coded.n_items), -1, np.int32)
    place = np.full(coded.n_actors, -1)
    place[chosen] = np.arange(len(chosen))
    held = place[coded.actor] >= 0
    label[place[coded.actor[held]], coded.item[held]] = coded.label[held]
    for one, other in combinations(range(len(chosen)), 2):
        both = (label[one] >= 0) & (label[other] >= 0)
        yield (one, other), np.stack([label[one][both], label[other][both]], axis=1)


def _pair_interval(
    said: Codes, near: Floats | None, chance: Chance, replicates: int, rng: np.random.Generator
) -> tuple[float, float] | None:
    """The interval of kappa from drawing a pair's items anew; None with fewer than two."""
    n_items = len(said)
    if n_items <= 1:
        return None
    exact = np.eye(int(said.max()) + 1) if near is None else near
    times = np.bincount(said[:, 0].astype(np.int64) * len(exact) + said[:, 1])
    cells = np.stack(np.divmod(np.flatnonzero(times), len(exact)), axis=1)
    drawn = rng.multinomial(n_items, times[times > 0] / n_items, replicates).astype(np.float64)
    one, other = (drawn @ (cells[:, [side]] == np.arange(len(exact))) for side in (0, 1))
    if chance == "scott":
        one = other = (one + other) / 2
    expected = (weighted(one, near) * other).sum(axis=-1) / n_items**2
    observed = drawn @ exact[cells[:, 0], cells[:, 1]] / n_items
    return interval(beyond_chance(observed, expected))


def _expected(used: Floats, near: Floats | None, chance: Chance) -> Floats:
    """n^2 times the agreement expected by chance, from counts of what the first one said.

    `used[a, b, k]` is how often a said k on the items it shares with b.
    """
    if chance == "scott":
        mean = (used + used.transpose(1, 0, 2)) / 2
        return np.asarray((weighted(mean, near) * mean).sum(axis=-1))
    return np.asarray((weighted(used, near) * used.transpose(1, 0, 2)).sum(axis=-1))


def _reason(n_items: int, kappa: float) -> str | None:
    """Why a pair has no kappa."""
    if not n_items:
        return "no item has votes of both"
    return ONE_CLASS if np.isnan(kappa) else None
