"""Agreement per class, per actor and per item."""

import numpy as np
import polars as pl
from scipy import sparse

from quality.agreement.bootstrap import REPLICATES, interval, resampled_sums
from quality.agreement.coefficients import ratio
from quality.agreement.counts import Codes, CountRows, Floats, item_agreement
from quality.coding import run_starts
from quality.votes import VoteCodes

CLASS_SCHEMA = {
    "label": pl.String,
    "n_votes": pl.Int64,
    "n_items": pl.Int64,
    "agreement": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "alpha": pl.Float64,
    "reason": pl.String,
}
ACTOR_SCHEMA = {
    "actor": pl.String,
    "n_votes": pl.Int64,
    "n_items": pl.Int64,
    "agreement": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "reason": pl.String,
}
_SILENT = (
    pl.col("actor"),
    pl.lit(0).cast(pl.Int64).alias("n_votes"),
    pl.lit(0).cast(pl.Int64).alias("n_items"),
    *(pl.lit(None).cast(pl.Float64).alias(name) for name in ("agreement", "low", "high")),
    pl.lit("it cast no vote that counts").alias("reason"),
)


def per_class(
    coded: VoteCodes, rows: CountRows, *, seed: int, replicates: int = REPLICATES
) -> pl.DataFrame:
    """How well each class is agreed on.

    `agreement` is the specific agreement: given a vote for the class, the chance that another
    vote on the same item names it too, sum_u n (n - 1) / sum_u n (m_u - 1) (Cicchetti and
    Feinstein 1990). `alpha` is Krippendorff's of this class against all others together.
    """
    moments = _class_moments(rows)
    n_classes = rows.n_classes
    totals = np.asarray(moments.T @ rows.times.astype(np.float64))
    value = ratio(totals[:n_classes], totals[n_classes:])
    ends: list[tuple[float | None, float | None]] = [(None, None)] * n_classes
    if rows.n_pairable > 1 and replicates:
        sums = resampled_sums(moments, rows.times, replicates=replicates, seed=seed)
        spread = ratio(sums[:, :n_classes], sums[:, n_classes:])
        ends = [interval(spread[:, place]) or (None, None) for place in range(n_classes)]
    items = np.asarray((rows.counts > 0).T @ rows.times)
    return pl.DataFrame(
        {
            "label": list(coded.classes),
            "n_votes": np.bincount(coded.label, minlength=n_classes),
            "n_items": items.astype(np.int64),
            "agreement": pl.Series(value, nan_to_null=True),
            "low": [low for low, _ in ends],
            "high": [high for _, high in ends],
            "alpha": pl.Series(_against_all_others(rows), nan_to_null=True),
            "reason": [
                None if defined else "no vote for this class has another vote beside it"
                for defined in np.isfinite(value)
            ],
        },
        schema=CLASS_SCHEMA,
    )


def per_actor(
    coded: VoteCodes, rows: CountRows, *, seed: int, replicates: int = REPLICATES
) -> pl.DataFrame:
    """Mean agreement of each actor with the others on the items it voted on, by actor.

    An item counts with the share of the others' votes that name the actor's label; the mean is
    over its items with other votes, the interval over the same items drawn anew.
    """
    sizes = np.diff(coded.starts)[coded.voted]
    row = np.repeat(rows.row_of_item(), sizes)
    votes = pl.DataFrame(
        {
            "code": coded.actor,
            "same": rows.votes_for(row, coded.label) - 1,
            "others": rows.sizes.astype(np.int64)[row] - 1,
        }
    )
    names = coded.actors.cast(pl.String)
    kinds = votes.group_by("code", "same", "others").len("times")
    kinds = kinds.with_columns(actor=names.gather(kinds["code"])).sort("actor", "same", "others")
    begin = run_starts(kinds["actor"].rle_id().to_numpy())
    same, others, times = (
        np.split(kinds[name].to_numpy(), begin[1:]) for name in ("same", "others", "times")
    )
    found = [
        _actor_row(actor, same[place], others[place], times[place], (replicates, seed, place))
        for place, actor in enumerate(kinds["actor"].gather(begin))
    ]
    voted = pl.DataFrame(found, schema=ACTOR_SCHEMA, orient="row")
    silent = names.to_frame("actor").join(voted, on="actor", how="anti")
    return pl.concat([voted, silent.select(*_SILENT)]).sort("actor")


def per_item(coded: VoteCodes, rows: CountRows) -> pl.DataFrame:
    """Each item with the share of its pairs of votes that agree, null with fewer than two."""
    agreement = np.full(coded.n_items, np.nan)
    agreement[coded.voted] = item_agreement(rows)
    return pl.DataFrame(
        {"item_id": coded.items, "agreement": pl.Series(agreement, nan_to_null=True)}
    )


def _class_moments(rows: CountRows) -> sparse.csr_array:
    """(n_rows, 2 n_classes): n (n - 1), then n (m - 1), per class."""
    others = np.maximum(rows.sizes - 1, 0)[:, None]
    agreeing = rows.counts.multiply(rows.counts) - rows.counts
    return sparse.hstack([agreeing, rows.counts.multiply(others)]).tocsr()


def _against_all_others(rows: CountRows) -> Floats:
    """(n_classes,) Krippendorff's alpha of each class, all others put together, else NaN."""
    sizes = rows.sizes
    pairable = rows.times * (sizes > 1)
    per_vote = np.divide(pairable, sizes - 1, out=np.zeros(len(sizes)), where=sizes > 1)
    votes = np.asarray(rows.counts.T @ pairable, np.float64)
    with_others = np.asarray(rows.counts.T @ (sizes * per_vote))
    disagreeing = with_others - np.asarray(rows.counts.multiply(rows.counts).T @ per_vote)
    n_votes = votes.sum()
    return np.asarray(1 - ratio(disagreeing * (n_votes - 1), votes * (n_votes - votes)))


def _actor_row(
    actor: str, same: Codes, others: Codes, times: Codes, draws: tuple[int, int, int]
) -> tuple[str, int, int, float | None, float | None, float | None, str | None]:
    """One row of ACTOR_SCHEMA from how often `same` of `others` votes named the actor's label."""
    n_votes, shared = int(times.sum()), others > 0
    share, times = same[shared] / others[shared], times[shared]
    n_items = int(times.sum())
    if not n_items:
        return actor, n_votes, 0, None, None, None, "nobody else voted on its items"
    mean = float(times @ share / n_items)
    replicates, seed, place = draws
    if n_items == 1 or not replicates:
        return actor, n_votes, n_items, mean, None, None, "no interval: one item is shared"
    rng = np.random.default_rng([seed, place])
    drawn = rng.multinomial(n_items, times / n_items, replicates) @ share / n_items
    low, high = np.quantile(drawn, [0.025, 0.975])
    return actor, n_votes, n_items, mean, float(low), float(high), None
