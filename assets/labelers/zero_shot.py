"""Zero-shot: the class whose description is most like the text, by the cosine of embeddings."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.dataset_file.ontology import Ontology
from assets.dataset_file.pretrained import ZeroShotLabeler as Section
from assets.encoders.opening import OpenEncoder
from assets.labelers.errors import LabelerError
from assets.labelers.interface import BALLOTS, Ballots, LabelerInput
from quality.schema import PREDICTIONS

NO_LENGTH = 1e-12


class ZeroShotLabeler:
    """Votes for the class whose description lies nearest to the item.

    Its version covers the descriptions of the ontology that it voted by last.
    """

    def __init__(self, section: Section, root: Path) -> None:
        self._section = section
        self._root = root
        self._descriptions: dict[str, str] = dict(section.descriptions)

    @property
    def actors(self) -> Mapping[str, str]:
        """Version of the one actor."""
        return {f"model:{self._section.name}": self.version}

    @property
    def version(self) -> str:
        """Digest of encoder, descriptions, temperature and margin."""
        facts = [
            self._encoder.version,
            self._descriptions,
            self._section.temperature,
            self._section.min_margin,
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def vote(self, items: LabelerInput) -> Ballots:
        """One vote an item; it abstains where two classes are about as near.

        Raises:
            EncoderError: the encoder cannot be used.
            LabelerError: a description is of no class, or the encoder is not one of texts.
        """
        self._descriptions = self._described(items.ontology)
        features = items.features()
        cosines = self._cosines(features.dense(), [*self._descriptions.values()])
        odds = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / self._section.temperature)
        probabilities = odds / odds.sum(axis=1, keepdims=True)
        ordered = np.sort(cosines, axis=1)
        clear = ordered[:, -1] - ordered[:, -2] >= self._section.min_margin
        best = np.asarray(items.classes)[cosines.argmax(axis=1)]
        items.progress(len(features), len(features))
        return self._ballots(features.item_ids, best, clear, probabilities)

    @cached_property
    def _encoder(self) -> OpenEncoder:
        return OpenEncoder(self._section.encoder, self._root)

    def _described(self, ontology: Ontology) -> dict[str, str]:
        given, names = self._section.descriptions, ontology.names
        unknown = sorted(given.keys() - set(names))
        if unknown:
            reason = f"descriptions of {unknown}, which are not classes of {list(names)}"
            raise LabelerError(self._section.name, reason)
        return {c.name: given.get(c.name) or c.description or c.name for c in ontology.classes}

    def _cosines(self, items: NDArray[np.float32], texts: list[str]) -> NDArray[np.float64]:
        if self._encoder.modality != "text":
            reason = f"'{self._section.encoder.source}' encodes no texts, so no descriptions either"
            raise LabelerError(self._section.name, reason)
        return _length_one(items) @ _length_one(self._encoder.embeddings_of(texts)).T

    def _ballots(
        self,
        item_ids: tuple[str, ...],
        best: NDArray[np.str_],
        clear: NDArray[np.bool_],
        probabilities: NDArray[np.float64],
    ) -> Ballots:
        (actor, version), release = next(iter(self.actors.items())), pl.lit(None, pl.String)
        ids = pl.Series("item_id", list(item_ids), dtype=pl.String)
        labels = [str(b) if c else None for b, c in zip(best, clear, strict=True)]
        votes = pl.DataFrame(
            {"item_id": ids, "label": labels, "score": probabilities.max(axis=1)},
            schema_overrides={"label": pl.String, "score": pl.Float64},
        ).with_columns(
            actor=pl.lit(actor),
            actor_kind=pl.lit("model"),
            actor_version=pl.lit(version),
            trained_on=release,
        )
        predictions = pl.DataFrame(
            {"item_id": ids, "probabilities": probabilities.tolist()},
            schema_overrides={"probabilities": pl.List(pl.Float64)},
        ).with_columns(actor_version=pl.lit(version), trained_on=release)
        return Ballots(BALLOTS.check(votes), PREDICTIONS.check(predictions))


def _length_one(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    whole = rows.astype(np.float64)
    lengths = np.linalg.norm(whole, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = whole / np.maximum(lengths, NO_LENGTH)
    return scaled
