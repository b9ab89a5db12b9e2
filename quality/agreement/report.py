"""The agreement report of one snapshot: every figure twice where the votes are not independent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

import numpy as np
import polars as pl

from quality.agreement.alpha import alpha_figure
from quality.agreement.bootstrap import REPLICATES
from quality.agreement.breakdown import per_actor, per_class, per_item
from quality.agreement.coefficients import Name, coefficient_figures
from quality.agreement.counts import count_votes
from quality.agreement.distances import Distance
from quality.agreement.errors import AgreementError, UnknownFigureError
from quality.agreement.figure import Figure
from quality.agreement.groups import between_groups
from quality.agreement.pairs import MOST_CELLS, pairwise
from quality.schema import ACTOR_KINDS
from quality.votes import Mask, VoteCodes, require_columns

WITHIN: tuple[Name, ...] = ("percent", "fleiss_kappa", "gwet_ac1")
MAX_COMPARED = 200
MOST_WITH_INTERVALS = 30
MODELS = (
    "Every actor that is not human counts as a model: functions, language models, ontologies and "
    "synthetic actors too."
)
CIRCULAR = "Circular votes, of a model on items it was trained on, count only in scopes named all."
FLAGS = ("human", "circular", "anchored")


@dataclass(frozen=True)
class AgreementReport:
    """How well the actors of one set of votes agree.

    A vote is *circular* where a model voted on an item it was trained on, *anchored* where the
    actor saw a prediction first. Everything but the scopes named "all" leaves circular votes
    out. "model" means every actor that is not human: models, functions, language models,
    ontologies and synthetic actors.

    Attributes:
        figures: Scope, then name, to figure. Scopes of votes compared with each other: all,
            independent (without circular ones), blind (of these, not anchored), anchored,
            human-human, model-model, model-model/all; their figures are percent,
            fleiss_kappa, gwet_ac1, krippendorff_alpha and, with distances between the classes,
            taxonomy_alpha. Scopes of people against machines:
            human-model, human-model/all, human-model/blind, human-model/anchored; their
            figures are percent and kappa.
        pairs: Each two actors: n_items, percent, Cohen's kappa (null with a reason) and, of 30
            actors at most, its interval.
        classes: Each class: specific agreement with its interval, alpha against all others.
        actors: Each actor: mean agreement with the others, with its interval.
        items: item_id, agreement (null with fewer than two votes), for the scores table.
        counts: Votes read, set aside and flagged.
        notes: What a reader must know about this report, one sentence each.
    """

    figures: Mapping[str, Mapping[str, Figure]]
    pairs: pl.DataFrame
    classes: pl.DataFrame
    actors: pl.DataFrame
    items: pl.DataFrame
    counts: Mapping[str, int]
    notes: tuple[str, ...]

    def figure(self, name: str, scope: str = "independent") -> Figure:
        """One figure, for example `figure("krippendorff_alpha", "independent")`.

        Raises:
            UnknownFigureError: The report has no such scope, or the scope no such figure.
        """
        if scope not in self.figures:
            raise UnknownFigureError(scope, list(self.figures), what="scope")
        if name not in self.figures[scope]:
            raise UnknownFigureError(name, list(self.figures[scope]), what="figure")
        return self.figures[scope][name]

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values, without the frame per item; missing ones are null."""
        return {
            "figures": {
                scope: {name: figure.to_json() for name, figure in group.items()}
                for scope, group in self.figures.items()
            },
            "pairs": self.pairs.to_dicts(),
            "classes": self.classes.to_dicts(),
            "actors": self.actors.to_dicts(),
            "counts": dict(self.counts),
            "notes": list(self.notes),
        }

    def to_markdown(self) -> str:
        """The report as a page for people."""
        from quality.agreement.markdown import render

        return render(self)

    def picture(self) -> bytes:
        """PNG of the agreement matrix: Cohen's kappa of each two actors."""
        from quality.agreement.markdown import most_active
        from quality.pictures.matrices import agreement_matrix

        names = most_active(self, 30)
        place = {name: row for row, name in enumerate(names)}
        kappa = np.full((len(names), len(names)), np.nan)
        for actor, other, value in self.pairs.select("actor", "other", "kappa").iter_rows():
            if value is not None and actor in place and other in place:
                kappa[place[actor], place[other]] = kappa[place[other], place[actor]] = value
        return agreement_matrix(kappa, names)


def agreement_report(
    votes: pl.DataFrame,
    classes: Sequence[str],
    *,
    seed: int,
    replicates: int = REPLICATES,
    apart: Distance | None = None,
) -> AgreementReport:
    """Every agreement figure of a set of votes, with intervals from resampling items.

    Args:
        votes: item_id, actor, actor_kind (as in the votes table), label (null abstains),
            circular (a model voting on an item it was trained on), anchored (the actor saw a
            prediction first). One vote per actor and item; of several the last row wins.
        classes: The ontology's classes.
        seed: Of the bootstrap; the same seed and votes give the same report.
        replicates: Of the bootstrap; 0 leaves the intervals out.
        apart: (n_classes, n_classes) how far classes are apart, for example in a taxonomy; with
            it alpha is also given with these distances, as `taxonomy_alpha`.

    Raises:
        AgreementError: An actor is of no known kind.
        VotesFrameError: A column is missing, an item or an actor is null, a flag is no boolean.
        UnknownLabelError: A label is not among the classes.
    """
    require_columns(votes, ("actor_kind", "circular", "anchored"))
    strange = votes["actor_kind"].filter(~votes["actor_kind"].is_in(ACTOR_KINDS, nulls_equal=True))
    if len(strange):
        raise AgreementError(
            f"{len(strange)} votes are of actor kinds {strange.unique().sort().to_list()[:5]}; "
            f"expected one of {list(ACTOR_KINDS)}."
        )
    flagged = votes.with_columns(human=pl.col("actor_kind") == "human")
    coded = VoteCodes.of(flagged, classes, flags=FLAGS, by_name=False)
    independent = coded.where(~coded.flags["circular"])
    rows = count_votes(independent)
    compared = _most_voting(independent)
    drawn = replicates if len(compared) <= MOST_WITH_INTERVALS else 0
    table = pairwise(independent, actors=compared, seed=seed, replicates=drawn)
    return AgreementReport(
        figures=_figures(coded, independent, seed=seed, replicates=replicates, apart=apart),
        pairs=table.frame(),
        classes=per_class(independent, rows, seed=seed, replicates=replicates),
        actors=per_actor(independent, rows, seed=seed, replicates=replicates),
        items=per_item(independent, rows),
        counts=_counts(votes, coded),
        notes=_notes(coded, len(compared)),
    )


def _figures(
    coded: VoteCodes,
    independent: VoteCodes,
    *,
    seed: int,
    replicates: int,
    apart: Distance | None,
) -> dict[str, dict[str, Figure]]:
    """Figures of every scope."""
    human, anchored = independent.flags["human"], independent.flags["anchored"]
    within = {
        "all": coded,
        "independent": independent,
        "blind": independent.where(~anchored),
        "anchored": independent.where(anchored),
        "human-human": independent.where(human),
        "model-model": independent.where(~human),
        "model-model/all": coded.where(~coded.flags["human"]),
    }
    between = {
        "human-model": (independent, human),
        "human-model/all": (coded, coded.flags["human"]),
        "human-model/blind": (independent, human & ~anchored),
        "human-model/anchored": (independent, human & anchored),
    }
    figures: dict[str, dict[str, Figure]] = {}
    for scope, chosen in within.items():
        # Without circular or anchored votes several scopes are one and the same.
        twin = next((name for name in figures if within[name] is chosen), None)
        found = (
            figures[twin]
            if twin
            else _within(chosen, seed=seed, replicates=replicates, apart=apart)
        )
        figures[scope] = found
    for scope, (chosen, people) in between.items():
        machines = ~chosen.flags["human"]
        figures[scope] = between_groups(chosen, people, machines, seed=seed, replicates=replicates)
    return figures


def _within(
    coded: VoteCodes, *, seed: int, replicates: int, apart: Distance | None
) -> dict[str, Figure]:
    """Figures of votes that are all compared with each other."""
    rows, n_actors = count_votes(coded), coded.n_voters
    alpha = alpha_figure(rows, n_actors=n_actors, seed=seed, replicates=replicates)
    others = coefficient_figures(WITHIN, rows, n_actors=n_actors, seed=seed, replicates=replicates)
    found = {**others, alpha.name: alpha}
    if apart is not None:
        graded = alpha_figure(
            rows, n_actors=n_actors, seed=seed, replicates=replicates, scale=apart
        )
        found["taxonomy_alpha"] = replace(graded, name="taxonomy_alpha")
    return found


def _most_voting(coded: VoteCodes) -> list[int]:
    """Codes of the actors to compare in pairs, by name; of many those with the most votes."""
    votes = np.bincount(coded.actor, minlength=len(coded.actors))
    names = coded.actors.cast(pl.String).to_list()
    by_votes = sorted(range(len(names)), key=lambda code: (-votes[code], names[code]))
    limit = min(MAX_COMPARED, isqrt(MOST_CELLS // max(len(coded.classes), 1)))
    chosen = [code for code in by_votes[:limit] if votes[code]]
    return sorted(chosen, key=lambda code: names[code])


def _counts(votes: pl.DataFrame, coded: VoteCodes) -> dict[str, int]:
    """Votes read, set aside and flagged."""

    def flagged(mask: Mask) -> int:
        return int(np.count_nonzero(mask))

    return {
        "rows": votes.height,
        "votes": len(coded.item),
        "abstained": int(coded.n_abstained.sum()),
        "superseded": coded.n_duplicates,
        "human": flagged(coded.flags["human"]),
        "circular": flagged(coded.flags["circular"]),
        "anchored": flagged(coded.flags["anchored"]),
        "items": len(coded.items),
        "actors": len(coded.actors),
    }


def _notes(coded: VoteCodes, n_compared: int) -> tuple[str, ...]:
    """What a reader must know about this report."""
    notes = [MODELS, CIRCULAR]
    if coded.n_duplicates:
        notes.append(
            f"{coded.n_duplicates} votes were followed by another of the same actor on the same "
            "item; the last one counts."
        )
    if n_compared < len(coded.actors):
        notes.append(
            f"{n_compared} of {len(coded.actors)} actors, those with the most votes, are compared "
            "in pairs."
        )
    if n_compared > MOST_WITH_INTERVALS:
        notes.append(
            f"Pairs have no intervals: there are more than {MOST_WITH_INTERVALS} actors to compare."
        )
    return tuple(notes)
