"""Diversity: do several models err on different items, so that together they know more than one?

Over items whose class people settled, each two models are both right on N11 items, both wrong on
N00, only one is right on N10 and N01; N in all. Kuncheva and Whitaker 2003, Measures of diversity
in classifier ensembles, Machine Learning 51: disagreement (N01 + N10) / N; Yule's Q
(N11 N00 - N01 N10) / (N11 N00 + N01 N10), 0 where the two err independently, 1 where on the same
items, below 0 where on different ones; double fault N00 / N.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from quality.votes import require_columns

PAIRS = {
    "actor": pl.String,
    "other": pl.String,
    "n_items": pl.Int64,
    "differ": pl.Float64,
    "n_judged": pl.Int64,
    "disagreement": pl.Float64,
    "q": pl.Float64,
    "double_fault": pl.Float64,
    "reason": pl.String,
}
MEASURES = ("differ", "disagreement", "q", "double_fault")


@dataclass(frozen=True)
class Diversity:
    """How differently the members of an ensemble err.

    Attributes:
        actors: Each member: items judged, and the share of them on which it is right.
        pairs: Each two members: items that both voted on and the share on which they differ;
            of these the items judged, and disagreement, Q and double fault over them.
        means: The mean over pairs of each measure; None where no pair has it.
        n_judged: Items judged that every member voted on.
        best: Of these, the largest share on which one member is right.
        any_right: The share on which at least one is: what no combination of them can exceed.
        reason: Why there is nothing to say, or None.
    """

    actors: pl.DataFrame
    pairs: pl.DataFrame
    means: Mapping[str, float | None]
    n_judged: int
    best: float | None
    any_right: float | None
    reason: str | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; what is missing is null."""
        return {
            "actors": self.actors.to_dicts(),
            "pairs": self.pairs.to_dicts(),
            "means": dict(self.means),
            "n_judged": self.n_judged,
            "best": self.best,
            "any_right": self.any_right,
            "reason": self.reason,
        }

    def to_markdown(self) -> str:
        """The figures as a page for people."""
        if self.reason is not None:
            return f"# Diversity of the models\n\nNone: {self.reason}.\n"
        lines = ["# Diversity of the models", "", self._summary(), ""]
        lines += ["| | | items | differ | judged | disagreement | Q | double fault |"]
        lines += ["|---|---|---:|---:|---:|---:|---:|---:|"]
        lines += [_row(pair) for pair in self.pairs.iter_rows(named=True)]
        missing = dict.fromkeys(self.pairs["reason"].drop_nulls())
        return "\n".join([*lines, *(f"\n{reason}." for reason in missing)]) + "\n"

    def picture(self) -> bytes:
        """PNG of the share of items on which each two members differ."""
        from quality.pictures.matrices import disagreement_matrix

        names = self.actors["actor"].to_list()
        differ = np.full((len(names), len(names)), np.nan)
        for one, other, share in self.pairs.select("actor", "other", "differ").iter_rows():
            row, column = names.index(one), names.index(other)
            differ[row, column] = differ[column, row] = np.nan if share is None else share
        return disagreement_matrix(differ, names)

    def _summary(self) -> str:
        if self.best is None or self.any_right is None:
            return "People settled no item that all of them voted on."
        return (
            f"On {self.n_judged:,} items that people settled the best one is right on "
            f"{self.best:.1%}; on {self.any_right:.1%} at least one is."
        )


def diversity(votes: pl.DataFrame, truth: pl.DataFrame) -> Diversity:
    """The diversity of the actors of some votes.

    Args:
        votes: item_id, actor, label (null abstains); one vote an actor and item.
        truth: item_id, label: the items that people settled.

    Raises:
        VotesFrameError: a column is missing.
    """
    require_columns(votes, ("item_id", "actor", "label"))
    require_columns(truth, ("item_id", "label"))
    said = votes.drop_nulls("label").join(
        truth.select("item_id", true="label"), on="item_id", how="left"
    )
    said = said.with_columns(right=pl.col("label") == pl.col("true"))
    members = said["actor"].unique().sort().to_list()
    pairs = pl.DataFrame(
        [_pair(said, one, other) for one, other in combinations(members, 2)],
        schema=PAIRS,
        orient="row",
    )
    judged = said.drop_nulls("right")
    n_judged, best, any_right = _together(judged, len(members))
    return Diversity(
        actors=_members(said),
        pairs=pairs,
        means={name: _mean(pairs[name]) for name in MEASURES},
        n_judged=n_judged,
        best=best,
        any_right=any_right,
        reason=_why_none(members),
    )


def _pair(said: pl.DataFrame, one: str, other: str) -> tuple[Any, ...]:
    mine, theirs = (
        said.filter(actor=name).select("item_id", "label", "right") for name in (one, other)
    )
    both = mine.join(theirs, on="item_id", suffix="_other")
    differ = _mean(both["label"] != both["label_other"])
    judged = both.drop_nulls("right")
    n, right, also = judged.height, judged["right"], judged["right_other"]
    if not n:
        why = f"{one} and {other} share no item that people settled"
        return one, other, both.height, differ, 0, None, None, None, why
    n11, n00 = int((right & also).sum()), int((~right & ~also).sum())
    n10, n01 = int((right & ~also).sum()), int((~right & also).sum())
    product = n11 * n00 + n01 * n10
    q = (n11 * n00 - n01 * n10) / product if product else None
    why = f"Q of {one} and {other} is not defined: neither errs where it could be compared"
    reason = None if product else why
    return one, other, both.height, differ, n, (n01 + n10) / n, q, n00 / n, reason


def _members(said: pl.DataFrame) -> pl.DataFrame:
    judged = pl.col("right").is_not_null()
    found = said.group_by("actor").agg(
        judged.sum().cast(pl.Int64).alias("n_judged"), pl.col("right").mean().alias("accuracy")
    )
    return found.sort("actor").select("actor", "n_judged", pl.col("accuracy").cast(pl.Float64))


def _together(judged: pl.DataFrame, members: int) -> tuple[int, float | None, float | None]:
    """Items judged that every member voted on, the best member's share right, and any one's."""
    common = judged.filter(pl.len().over("item_id") == members)
    if common.is_empty():
        return 0, None, None
    best = common.group_by("actor").agg(pl.col("right").mean())["right"]
    by_item = common.group_by("item_id").agg(pl.col("right").any())["right"]
    return len(by_item), float(np.max(best.to_numpy())), _mean(by_item)


def _mean(values: pl.Series) -> float | None:
    known = values.drop_nulls().cast(pl.Float64)
    return float(known.to_numpy().mean()) if len(known) else None


def _why_none(members: list[str]) -> str | None:
    if len(members) >= 2:  # noqa: PLR2004 - a pair
        return None
    voting = f"{members[0]} alone votes" if members else "no model votes"
    return f"{voting} on items that it was not trained on; an ensemble takes two or more"


def _row(pair: Mapping[str, Any]) -> str:
    shares = [f"{pair['n_items']:,}", _text(pair["differ"]), f"{pair['n_judged']:,}"]
    shares += [_text(pair[name]) for name in MEASURES[1:]]
    return "| " + " | ".join([pair["actor"], pair["other"], *shares]) + " |"


def _text(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
