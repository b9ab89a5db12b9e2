"""The ontology as a voter: terms in texts say classes; the actor is `ontology:NAME`."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from assets.dataset_file.ontology_labeler import OntologyLabeler as Section
from assets.labelers.errors import LabelerError
from assets.labelers.interface import BALLOTS, ActorErrors, Ballots, LabelerInput
from quality.ontology.taxonomy import Taxonomy
from quality.ontology.terms import RULES, TermMatcher

EXAMPLES = 3
# A word that ends each column's text, so that no term is found across two columns.
BETWEEN_COLUMNS = " \N{SYMBOL FOR UNIT SEPARATOR} "


class TermsMissing(LabelerError):
    """No class of the ontology has a term, so nothing could be found."""

    def __init__(self, labeler: str) -> None:
        super().__init__(
            labeler,
            "no class of the ontology has terms; give some under ontology.classes[].terms, or "
            "take the names of the classes as terms with match_names: true",
        )


class NoText(LabelerError):
    """The items are images, which hold no terms."""

    def __init__(self, labeler: str) -> None:
        super().__init__(labeler, "images hold no terms; it votes on texts and rows only")


class OntologyLabeler:
    """Votes for the most specific class that the terms of an item say."""

    def __init__(self, section: Section, _root: Path) -> None:
        self._section = section
        self._version = self._digest(None)

    @property
    def actors(self) -> Mapping[str, str]:
        """The one actor with its version."""
        return {f"ontology:{self._section.name}": self._version}

    @property
    def version(self) -> str:
        """Digest of the section and of the ontology that it voted with; at first of the section."""
        return self._version

    def vote(self, items: LabelerInput) -> Ballots:
        """One vote an item; the reasons of abstentions are counted.

        Raises:
            TermsMissing: the ontology has nothing to look for.
            NoText: the items are images.
        """
        taxonomy = items.ontology.taxonomy
        self._version = self._digest(taxonomy)
        matcher = TermMatcher(taxonomy, self._section.match_names)
        if not matcher.concepts:
            raise TermsMissing(self._section.name)
        found = matcher.find(self._texts(items.items))
        items.progress(items.items.height, items.items.height)
        said = (
            items.items.select("item_id")
            .with_row_index("text")
            .join(found, on="text", how="left", maintain_order="left")
        )
        return Ballots(BALLOTS.check(self._votes(said)), abstentions=tuple(self._reasons(said)))

    def _texts(self, items: pl.DataFrame) -> pl.Series:
        """What is searched of each item."""
        if items.height and items["content"].null_count() == items.height:
            raise NoText(self._section.name)
        texts = [self._text(*row) for row in items.select("modality", "content").rows()]
        return pl.Series(texts, dtype=pl.String)

    def _text(self, modality: str, content: str | None) -> str:
        if modality != "tabular":
            return content or ""
        row: dict[str, Any] = json.loads(content or "{}")
        texts = (row.get(column) for column in self._section.columns or row)
        return BETWEEN_COLUMNS.join(text for text in texts if isinstance(text, str))

    def _votes(self, said: pl.DataFrame) -> pl.DataFrame:
        ((actor, version),) = self.actors.items()
        return said.select(
            "item_id",
            actor=pl.lit(actor),
            actor_kind=pl.lit("ontology"),
            actor_version=pl.lit(version),
            trained_on=pl.lit(None, pl.String),
            label="label",
            score=pl.lit(None, pl.Float64),
        )

    def _reasons(self, said: pl.DataFrame) -> Iterator[ActorErrors]:
        (actor,) = self.actors
        for (reason,), rows in said.drop_nulls("reason").group_by("reason", maintain_order=True):
            first = rows.head(EXAMPLES).select("item_id", "terms", "concepts").rows()
            yield ActorErrors(
                actor,
                f"found {reason}",
                rows.height,
                tuple((item, f"{terms} for {concepts}") for item, terms, concepts in first),
            )

    def _digest(self, taxonomy: Taxonomy | None) -> str:
        section = self._section.model_dump(mode="json", exclude={"description"})
        concepts = taxonomy.concepts if taxonomy else ()
        return hashlib.sha256(repr((RULES, sorted(section.items()), concepts)).encode()).hexdigest()
