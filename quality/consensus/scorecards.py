"""Scorecards of labeling functions: where they speak, how they clash, how good they seem."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.consensus.aggregator import TIE, Aggregator
from quality.consensus.majority import vote_shares
from quality.votes import VoteCodes

SHARES = ("coverage", "overlap", "conflict", "accuracy", "majority_agreement", "gold_accuracy")


@dataclass(frozen=True)
class Scorecard:
    """One labeling function (or any other actor).

    Attributes:
        function: its name.
        classes: the classes that it votes for, in ontology order.
        n_votes: votes that name a class.
        coverage: share of all items on which it votes.
        overlap: share of all items on which it and another vote.
        conflict: share of all items on which it and another vote differently.
        accuracy: expected share of its votes that are right, by the aggregator; None without.
        majority_agreement: share of its votes that go with the majority, a tie between m
            classes counting 1/m; None without votes.
        gold_accuracy: share of its votes on gold items that are right; None without any.
    """

    function: str
    classes: tuple[str, ...]
    n_votes: int
    coverage: float
    overlap: float
    conflict: float
    accuracy: float | None
    majority_agreement: float | None
    gold_accuracy: float | None

    def percents(self) -> list[str]:
        """The shares in the order of SHARES, empty where there is none."""
        shares = (getattr(self, share) for share in SHARES)
        return ["" if share is None else f"{share:.1%}" for share in shares]


@dataclass(frozen=True)
class FunctionReport:
    """The scorecards of all functions, and how the labels compare with the majority's.

    Attributes:
        method: the aggregator behind the accuracies.
        n_items: all items.
        n_labeled: items with a label by the aggregator.
        n_majority_labeled: items with a label by majority.
        n_different: items that both label, differently.
        scorecards: by name.
    """

    method: str
    n_items: int
    n_labeled: int
    n_majority_labeled: int
    n_different: int
    scorecards: tuple[Scorecard, ...]

    @classmethod
    def of(cls, fitted: Aggregator, gold: pl.DataFrame | None = None) -> Self:
        """Report on the functions behind a fitted aggregator.

        Args:
            fitted: any aggregator; its actors are the functions.
            gold: item_id, label of items whose label is known, if there are any.

        Raises:
            NotFittedError: the aggregator has seen no votes.
        """
        votes = fitted.votes_
        shares = vote_shares(votes, votes.weight)
        leads = (shares > 0) & (shares >= shares.max(axis=1, keepdims=True, initial=0) - TIE)
        majority = np.where(leads.sum(axis=1) == 1, leads.argmax(axis=1), -1)
        label = _label_codes(votes, fitted.predict().select("item_id", "label"))
        return cls(
            method=fitted.name,
            n_items=votes.n_items,
            n_labeled=int((label >= 0).sum()),
            n_majority_labeled=int((majority >= 0).sum()),
            n_different=int(((label >= 0) & (majority >= 0) & (label != majority)).sum()),
            scorecards=_scorecards(fitted, leads, gold),
        )

    def to_frame(self) -> pl.DataFrame:
        """One row per function, the fields of its scorecard as columns."""
        fields: dict[str, pl.DataType] = {"function": pl.String(), "classes": pl.List(pl.String)}
        fields |= {"n_votes": pl.Int64()} | {share: pl.Float64() for share in SHARES}
        return pl.DataFrame([vars(card) for card in self.scorecards], schema=fields)

    def to_markdown(self) -> str:
        """The report as a page for people."""
        head = ["function", "votes for", "votes", *(share.replace("_", " ") for share in SHARES)]
        rows = [
            [card.function, ", ".join(card.classes), f"{card.n_votes:,}", *card.percents()]
            for card in self.scorecards
        ]
        lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
        summary = (
            f"{self.n_items:,} items: {self.n_labeled:,} labeled by {self.method}, "
            f"{self.n_majority_labeled:,} by majority; {self.n_different:,} of them differently."
        )
        return "\n".join(["# Labeling functions", "", summary, "", *lines, ""])


def _scorecards(
    fitted: Aggregator, leads: NDArray[np.bool_], gold: pl.DataFrame | None
) -> tuple[Scorecard, ...]:
    votes = fitted.votes_
    n_votes = np.diff(votes.starts)[votes.item]
    cell = votes.item.astype(np.int64) * votes.n_classes + votes.label
    named = np.bincount(cell, minlength=votes.n_items * votes.n_classes) > 0
    n_named = named.reshape(-1, votes.n_classes).sum(axis=1)[votes.item]
    coverage, overlap, conflict = (
        np.bincount(votes.actor[which], minlength=votes.n_actors) / max(1, votes.n_items)
        for which in (n_votes > 0, n_votes > 1, n_named > 1)
    )
    agreed = leads[votes.item, votes.label] / np.maximum(leads.sum(axis=1), 1)[votes.item]
    truth = np.full(votes.n_votes, -1) if gold is None else _label_codes(votes, gold)[votes.item]
    with_majority = _mean(votes, agreed, n_votes > 0)
    with_gold = _mean(votes, truth == votes.label, truth >= 0)
    used = np.bincount(votes.cells, minlength=votes.n_actors * votes.n_classes)
    quality = fitted.actor_quality_
    return tuple(
        Scorecard(
            function=name,
            classes=tuple(c for c, n in zip(votes.classes, uses, strict=True) if n),
            n_votes=int(uses.sum()),
            coverage=float(coverage[a]),
            overlap=float(overlap[a]),
            conflict=float(conflict[a]),
            accuracy=quality["quality"][a],
            majority_agreement=with_majority[a],
            gold_accuracy=with_gold[a],
        )
        for a, (name, uses) in enumerate(
            zip(votes.actors, used.reshape(-1, votes.n_classes), strict=True)
        )
    )


def _mean(
    votes: VoteCodes, value: NDArray[np.generic], which: NDArray[np.bool_]
) -> list[float | None]:
    """The mean over each actor's votes that count; None where none does."""
    n = np.bincount(votes.actor[which], minlength=votes.n_actors)
    total = np.bincount(votes.actor[which], value[which].astype(np.float64), votes.n_actors)
    return [float(t / k) if k else None for t, k in zip(total, n, strict=True)]


def _label_codes(votes: VoteCodes, labels: pl.DataFrame) -> NDArray[np.int64]:
    """int64 [n_items]: the class of each item, -1 where it has none."""
    classes = pl.DataFrame({"label": votes.classes}).with_row_index("code")
    coded = labels.join(classes, on="label", how="inner").unique("item_id", keep="last")
    items = votes.items.to_frame("item_id")
    joined = items.join(coded, on="item_id", how="left", maintain_order="left")
    return joined["code"].cast(pl.Int64).fill_null(-1).to_numpy()
