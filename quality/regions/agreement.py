"""How well actors agree on regions: alpha with IoU as distance, and F1 between pairs.

Coefficients over single candidates have no true negatives: where all draw carefully nearly every
candidate is a yes of all, and kappa falls to 0. So whole sets are compared (as in Braylan, Alonso
and Lease, Measuring Annotator Agreement Generally across Complex Structured, Multi-object, and
Free-text Annotation Tasks, WWW 2022, https://doi.org/10.1145/3485447.3512242).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.agreement.bootstrap import REPLICATES, interval
from quality.agreement.coefficients import ratio
from quality.agreement.figure import Figure
from quality.agreement.values import alpha_of_values
from quality.regions.matching import Floats, matched, most_overlap
from quality.regions.region import Region, from_text

_PAIRS_OF_SETS = 20_000
_COMPARED = {
    "item_id": pl.String,
    "actor": pl.String,
    "other": pl.String,
    "human": pl.Boolean,
    "other_human": pl.Boolean,
    "both": pl.Int64,
    "drawn": pl.Int64,
    "f1": pl.Float64,
    "overlap": pl.Float64,
}


@dataclass(frozen=True)
class RegionAgreement:
    """What is known about how well actors agree on regions.

    Attributes:
        figures: By scope (`human-human`, `model-model`, `human-model`, `independent`) and name:
            `krippendorff_alpha` (not across groups) and `f1`.
        pairs: One row per pair of actors: actor, other, n_items, f1, overlap.
        classes: label, n (regions of it that two actors could agree on), f1.
        actors: actor, agreement (F1 with all others), low, high, n_items.
        items: item_id, agreement (mean F1 of its pairs; null with fewer than two actors).
        counts: Judgments and regions read.
        threshold: IoU at which two regions are the same.
    """

    figures: dict[str, dict[str, Figure]]
    pairs: pl.DataFrame
    classes: pl.DataFrame
    actors: pl.DataFrame
    items: pl.DataFrame
    counts: dict[str, int]
    threshold: float

    def to_json(self) -> dict[str, object]:
        """The report as plain JSON values, without `items`."""
        return {
            "figures": {
                scope: {name: figure.to_json() for name, figure in group.items()}
                for scope, group in self.figures.items()
            },
            "pairs": self.pairs.to_dicts(),
            "classes": self.classes.to_dicts(),
            "actors": self.actors.to_dicts(),
            "counts": self.counts,
            "iou": self.threshold,
        }

    def to_markdown(self) -> str:
        """The report as a page for people."""
        rows = [
            f"| {scope} | {name} | {figure} | {figure.n_items} |"
            for scope, group in self.figures.items()
            for name, figure in group.items()
        ]
        figures = ["| among | figure | value | items |", "|---|---|---|---|", *rows]
        head = f"# Agreement on regions\n\nTwo are the same at IoU {self.threshold:g} or more.\n"
        tables = [_table(self.pairs), _table(self.classes), _table(self.actors)]
        return "\n\n".join([head, "\n".join(figures), *tables]) + "\n"

    def picture(self) -> bytes:
        """PNG of the F1 of each two actors."""
        from quality.pictures.matrices import agreement_matrix

        names = sorted({*self.pairs["actor"], *self.pairs["other"]})[:30]
        place = {name: row for row, name in enumerate(names)}
        values = np.full((len(names), len(names)), np.nan)
        for actor, other, value in self.pairs.select("actor", "other", "f1").iter_rows():
            if value is not None and actor in place and other in place:
                values[place[actor], place[other]] = values[place[other], place[actor]] = value
        return agreement_matrix(values, names)


def region_agreement(
    judgments: pl.DataFrame,
    classes: Sequence[str],
    *,
    threshold: float,
    seed: int,
    replicates: int = REPLICATES,
) -> RegionAgreement:
    """Every agreement figure of judgments of regions, with intervals from resampling items.

    Args:
        judgments: item_id, actor, actor_kind, region (canonical text; null abstains), circular
            (left out everywhere), one row an item and actor.
        classes: The ontology's classes.
        threshold: IoU from which two regions are the same.
        seed: Of the bootstrap and of sampled pairs.
        replicates: Of the bootstrap; 0 leaves the intervals out.

    Raises:
        RegionInvalid: a text is no set of regions.
    """
    judged = judgments.drop_nulls("region").filter(~pl.col("circular")).sort("item_id", "actor")
    drawn = [from_text(text) for text in judged["region"]]
    compared, by_class = _compared(judged, drawn, threshold)
    human = (judged["actor_kind"] == "human").to_numpy()
    how = {"seed": seed, "replicates": replicates}
    scopes = {
        "human-human": (human, pl.col("human") & pl.col("other_human")),
        "model-model": (~human, ~pl.col("human") & ~pl.col("other_human")),
        "independent": (np.ones_like(human), pl.lit(value=True)),
    }
    figures = {
        scope: {
            "krippendorff_alpha": set_alpha(judged, drawn, chosen, **how),
            "f1": f1_figure(compared.filter(pairs), **how),
        }
        for scope, (chosen, pairs) in scopes.items()
    }
    across = compared.filter(pl.col("human") != pl.col("other_human"))
    figures["human-model"] = {"f1": f1_figure(across, **how)}
    return RegionAgreement(
        figures=figures,
        pairs=_pairs(compared),
        classes=_per_class(by_class, classes),
        actors=_per_actor(compared, sorted(judged["actor"].unique()), **how),
        items=_per_item(judged, compared),
        counts={"judgments": judged.height, "regions": sum(map(len, drawn))},
        threshold=threshold,
    )


def set_alpha(
    judged: pl.DataFrame,
    drawn: Sequence[tuple[Region, ...]],
    chosen: npt.NDArray[np.bool_],
    *,
    seed: int,
    replicates: int,
) -> Figure:
    """Krippendorff's alpha of whole sets; their distance is one minus their shared overlap."""
    own = judged.filter(pl.Series(chosen))
    places = np.flatnonzero(chosen).astype(np.float64)[:, None]

    def apart(one: Floats, other: Floats) -> Floats:
        pairs = zip(one[:, 0].astype(int), other[:, 0].astype(int), strict=True)
        return np.array([1 - most_overlap(drawn[a], drawn[b]).overlap for a, b in pairs])

    return alpha_of_values(
        own["item_id"].rank("dense").to_numpy(),
        places,
        apart,
        n_actors=own["actor"].n_unique(),
        seed=seed,
        replicates=replicates,
        most_pairs=_PAIRS_OF_SETS,
    )


def f1_figure(compared: pl.DataFrame, *, seed: int, replicates: int) -> Figure:
    """F1 over all pairs of actors and all items: twice the shared regions over all regions."""
    n_actors = len({*compared["actor"], *compared["other"]})
    by_item = compared.group_by("item_id").agg(pl.col("both", "drawn").sum()).sort("item_id")
    both, drawn = by_item["both"].to_numpy(), by_item["drawn"].to_numpy()
    if not drawn.sum():
        reason = "no item has judgments of two actors"
        reason = "nobody drew a region" if by_item.height else reason
        return Figure("f1", None, None, None, by_item.height, n_actors, reason)
    found = float(2 * both.sum() / drawn.sum())
    if by_item.height < 2 or not replicates:  # noqa: PLR2004 - one item cannot be resampled
        why = "no interval: fewer than two items have two judgments" if replicates else None
        return Figure("f1", found, None, None, by_item.height, n_actors, why)
    rng = np.random.default_rng(seed)
    shares = np.full(by_item.height, 1 / by_item.height)
    times = rng.multinomial(by_item.height, shares, replicates)
    low, high = interval(ratio(2.0 * (times @ both), (times @ drawn).astype(float))) or (None, None)
    return Figure("f1", found, low, high, by_item.height, n_actors, None)


def _compared(
    judged: pl.DataFrame, drawn: Sequence[tuple[Region, ...]], threshold: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row a pair of actors on an item, and one row a class of it."""
    whole, by_class = [], []
    rows = judged.with_row_index("row").select(
        "item_id", "row", "actor", human=pl.col("actor_kind") == "human"
    )
    for (item,), own in rows.group_by("item_id", maintain_order=True):
        for one, other in combinations(own.select("row", "actor", "human").rows(), 2):
            first, second = drawn[one[0]], drawn[other[0]]
            same = matched(first, second, threshold=threshold)
            overlap = most_overlap(first, second).overlap
            names = (item, one[1], other[1], one[2], other[2])
            total = same.n_one + same.n_other
            whole.append((*names, len(same.pairs), total, same.f1, overlap))
            by_class += [(r.label, 0, 1) for r in (*first, *second)]
            by_class += [(first[pair[0]].label, 1, 0) for pair in same.pairs]
    return (
        pl.DataFrame(whole, schema=_COMPARED, orient="row"),
        pl.DataFrame(
            by_class,
            schema={"label": pl.String, "both": pl.Int64, "drawn": pl.Int64},
            orient="row",
        ),
    )


def _f1() -> pl.Expr:
    total = pl.col("drawn").sum()
    return pl.when(total > 0).then(2 * pl.col("both").sum() / total)


def _pairs(compared: pl.DataFrame) -> pl.DataFrame:
    return (
        compared.group_by("actor", "other")
        .agg(pl.len().alias("n_items"), _f1().alias("f1"), pl.col("overlap").mean())
        .sort("actor", "other")
    )


def _per_class(by_class: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    found = by_class.group_by("label").agg(pl.col("drawn").sum().alias("n"), _f1().alias("f1"))
    named = pl.DataFrame({"label": pl.Series(list(classes), dtype=pl.String)})
    return named.join(found, on="label", how="left", maintain_order="left").with_columns(
        pl.col("n").fill_null(0)
    )


def _per_actor(
    compared: pl.DataFrame, actors: Sequence[str], *, seed: int, replicates: int
) -> pl.DataFrame:
    rows = []
    for actor in actors:
        own = compared.filter((pl.col("actor") == actor) | (pl.col("other") == actor))
        figure = f1_figure(own, seed=seed, replicates=replicates)
        rows.append((actor, figure.value, figure.low, figure.high, figure.n_items))
    schema = {
        "actor": pl.String,
        "agreement": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n_items": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _per_item(judged: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    mean = compared.group_by("item_id").agg(pl.col("f1").mean().alias("agreement"))
    items = judged.select("item_id").unique()
    return items.join(mean, on="item_id", how="left").sort("item_id")


def _table(frame: pl.DataFrame) -> str:
    def cell(value: object) -> str:
        return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)

    lines = ["| " + " | ".join(frame.columns) + " |", "|" + "---|" * frame.width]
    return "\n".join(
        [*lines, *("| " + " | ".join(map(cell, row)) + " |" for row in frame.iter_rows())]
    )
