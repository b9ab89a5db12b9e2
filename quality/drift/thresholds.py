"""Thresholds from experience: what do accepted batches differ by, when nothing is wrong?

Two kinds of noise are measured on past accepted batches. Rows are exchanged at random between a
reference and a batch: what differs then is sampling. And each batch is held against all others:
what differs then is also what batches of a healthy source differ by, from day to day.

References:
    Westfall and Young 1993, Resampling-based multiple testing (the largest of many statistics).
    Vovk, Gammerman and Shafer 2005, Algorithmic learning in a random world (the rank taken).
"""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.drift.columns import measure_column
from quality.drift.errors import DriftError
from quality.drift.policy import DriftPolicy, Thresholds

Floats = NDArray[np.float64]

FEWEST_BATCHES = 2


def calibrated_thresholds(
    batches: Sequence[pl.DataFrame],
    *,
    seed: int,
    policy: DriftPolicy,
    false_alarm_rate: float = 0.01,
    permutations: int = 200,
) -> Thresholds:
    """Effects per column that a batch of the same source exceeds, in any column, at a stated rate.

    Args:
        batches: Past accepted batches, with the same columns.
        seed: Of the permutations.
        policy: How columns are measured.
        false_alarm_rate: Chance of any alarm on a batch whose rows come from the pooled batches.
        permutations: Random exchanges of rows; at least 1 / false_alarm_rate - 1.

    Raises:
        DriftError: Fewer than two batches, batches smaller than the policy's `min_n`, columns that
            differ, or too few permutations for the rate.
    """
    _check(batches, policy, false_alarm_rate, permutations)
    pooled = pl.concat(batches)
    n_current = int(np.median([batch.height for batch in batches]))
    rng = np.random.default_rng(seed)
    exchanged = _exchanged_rows(pooled, n_current, permutations, rng, policy)
    apart = _each_against_the_rest(batches, policy)
    bars = np.fmax(_bars(exchanged, false_alarm_rate), _bars(apart, false_alarm_rate))
    effects = {
        name: float(bar)
        for name, bar in zip(pooled.columns, bars, strict=True)
        if not math.isnan(bar)
    }
    return Thresholds(
        effects=effects,
        false_alarm_rate=false_alarm_rate,
        batch_rate=max(false_alarm_rate, 1 / (len(batches) + 1)),
        n_reference=pooled.height - n_current,
        n_current=n_current,
        n_batches=len(batches),
    )


def _check(
    batches: Sequence[pl.DataFrame], policy: DriftPolicy, rate: float, permutations: int
) -> None:
    if len(batches) < FEWEST_BATCHES:
        raise DriftError(f"{len(batches)} accepted batches: thresholds need two at least")
    small = [batch.height for batch in batches if batch.height < policy.min_n]
    if small:
        raise DriftError(
            f"{len(small)} batches have fewer than {policy.min_n} rows: leave them out", small=small
        )
    if any(batch.schema != batches[0].schema for batch in batches):
        raise DriftError("the accepted batches differ in their columns: compare like with like")
    if not 0 < rate < 1 or (permutations + 1) * rate < 1:
        raise DriftError(
            f"{permutations} permutations cannot tell a false-alarm rate of {rate:g}: expected a "
            "rate within 0 to 1 and at least 1 / rate - 1 permutations",
            permutations=permutations,
            false_alarm_rate=rate,
        )


def _exchanged_rows(
    pooled: pl.DataFrame,
    n_current: int,
    permutations: int,
    rng: np.random.Generator,
    policy: DriftPolicy,
) -> Floats:
    effects = []
    for _ in range(permutations):
        shuffled = pooled[rng.permutation(pooled.height)]
        effects.append(_effects(shuffled[n_current:], shuffled[:n_current], policy))
    return np.array(effects)


def _each_against_the_rest(batches: Sequence[pl.DataFrame], policy: DriftPolicy) -> Floats:
    effects = []
    for number, batch in enumerate(batches):
        rest = pl.concat([other for k, other in enumerate(batches) if k != number])
        effects.append(_effects(rest, batch, policy))
    return np.array(effects)


def _effects(reference: pl.DataFrame, current: pl.DataFrame, policy: DriftPolicy) -> list[float]:
    rows = [measure_column(n, reference[n], current[n], policy) for n in reference.columns]
    return [math.nan if row.effect is None else row.effect for row in rows]


def _bars(effects: Floats, rate: float) -> Floats:
    """Per column, the effect that the worst column of a draw exceeds at the given rate.

    Args:
        effects: (draws, columns); a column that could not be measured is NaN throughout.
        rate: Share of draws in which any column may lie above its bar.
    """
    measured = ~np.isnan(effects).any(axis=0)
    bars = np.full(effects.shape[1], math.nan)
    if not measured.any():
        return bars
    kept = effects[:, measured]
    middle, spread = kept.mean(axis=0), kept.std(axis=0)
    scaled = np.divide(kept - middle, spread, out=np.zeros_like(kept), where=spread > 0)
    worst = np.sort(scaled.max(axis=1))
    rank = min(math.ceil((len(worst) + 1) * (1 - rate)), len(worst))
    bars[measured] = middle + spread * worst[rank - 1]
    return bars
