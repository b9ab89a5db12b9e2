"""Votes on one item that cannot both be right, by what the taxonomy says."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import polars as pl

from quality.ontology.taxonomy import Taxonomy

PAIRS = {
    "one_class": pl.String(),
    "other_class": pl.String(),
    "relation": pl.String(),
    "items": pl.UInt32(),
    "by_people": pl.UInt32(),
}
EXAMPLES = {
    "item_id": pl.String(),
    "one_class": pl.String(),
    "one_actors": pl.List(pl.String),
    "other_class": pl.String(),
    "other_actors": pl.List(pl.String),
}
_SHOWN = 50


@dataclass(frozen=True)
class Contradictions:
    """Pairs of different classes that votes on the same items name.

    Attributes:
        pairs: Rows of PAIRS: the two classes; whether they are `excluded` by the taxonomy,
            `apart` (neither says the other), or one the `ancestor` of the other, which is no
            contradiction; on how many items; and on how many people alone say both.
        examples: Rows of EXAMPLES, the first items on which two excluded classes are named.
    """

    pairs: pl.DataFrame
    examples: pl.DataFrame

    def items(self, relation: str) -> int:
        """Pairs of classes and items of a relation; an item counts once for each pair."""
        return int(self.pairs.filter(pl.col("relation") == relation)["items"].sum())

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {"pairs": self.pairs.to_dicts(), "examples": self.examples.to_dicts()}


def contradictions(taxonomy: Taxonomy, votes: pl.DataFrame) -> Contradictions:
    """Which votes contradict each other.

    Args:
        taxonomy: What excludes what, and what is above what.
        votes: item_id, actor, actor_kind, label of the votes that count; a null label abstains.
    """
    said = (
        votes.drop_nulls("label")
        .group_by("item_id", "label")
        .agg(pl.col("actor").sort(), people=(pl.col("actor_kind") == "human").any())
    )
    both = (
        said.join(said, on="item_id", suffix="_other")
        .filter(pl.col("label") < pl.col("label_other"))
        .rename({"label": "one_class", "label_other": "other_class"})
    )
    names = pl.concat([both["one_class"], both["other_class"]]).unique().sort().to_list()
    relations = _relations(taxonomy, names)
    pairs = (
        both.group_by("one_class", "other_class")
        .agg(
            pl.len().cast(pl.UInt32).alias("items"),
            (pl.col("people") & pl.col("people_other")).sum().cast(pl.UInt32).alias("by_people"),
        )
        .join(relations, on=["one_class", "other_class"])
        .sort("items", "one_class", "other_class", descending=[True, False, False])
        .select(list(PAIRS))
    )
    opposed = both.join(
        relations.filter(pl.col("relation") == "excluded"), on=["one_class", "other_class"]
    ).sort("item_id", "one_class", "other_class")
    examples = opposed.head(_SHOWN).rename({"actor": "one_actors", "actor_other": "other_actors"})
    return Contradictions(pairs, examples.select(list(EXAMPLES)))


def _relations(taxonomy: Taxonomy, names: Sequence[str]) -> pl.DataFrame:
    """The relation of each two of the names."""
    rows = [(one, other, taxonomy.relation(one, other)) for one, other in combinations(names, 2)]
    return pl.DataFrame(
        rows,
        schema={name: PAIRS[name] for name in ("one_class", "other_class", "relation")},
        orient="row",
    )
