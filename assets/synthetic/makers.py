"""Makers: each makes the content of one item of a class, from a generator that is handed in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.dataset_file.models import Dataset
from assets.dataset_file.synthetic import (
    AugmentSource,
    InterpolateSource,
    MixSource,
    OfParents,
    SyntheticSource,
    TemplatesSource,
)
from assets.synthetic.errors import NothingToMakeOf
from assets.synthetic.pictures import pixels_of, png_of
from assets.synthetic.table_rows import content_of, rows_of
from quality.synthetic.images import Pixels, Strengths, augmented, blended
from quality.synthetic.rows import Row, between, jittered, near
from quality.synthetic.templates import filled

Media = Callable[[str], bytes]


@dataclass(frozen=True)
class Made:
    """The content of a new item: a text, a table's row, or the bytes of a PNG.

    Attributes:
        content: Text or canonical JSON; None for an image.
        media: The image; None for all else.
        parents: Ids of the items that it was made of.
    """

    content: str | None
    media: bytes | None
    parents: tuple[str, ...]

    @property
    def item_id(self) -> str:
        """The digest of its content."""
        return sha256((self.content or "").encode() or self.media or b"").hexdigest()


class Maker(Protocol):
    """Makes items of one class."""

    def make(self, rng: np.random.Generator) -> Made:
        """One item, of this chance alone."""


def maker(
    source: SyntheticSource, label: str, examples: pl.DataFrame, dataset: Dataset, media: Media
) -> Maker:
    """What makes a source's items of one class.

    Args:
        source: The section.
        label: The class.
        examples: Items that are labeled so, rows of the items table in the order of their ids.
        dataset: The dataset file.
        media: Bytes of an image, by uri.

    Raises:
        NothingToMakeOf: there are too few examples, or no template.
    """
    if isinstance(source, TemplatesSource):
        texts = source.templates.get(label, ())
        if not texts:
            raise NothingToMakeOf(source.name, label, "it has no template")
        return _Templates(source, texts)
    if examples.height < source.fewest_examples:
        raise NothingToMakeOf(
            source.name,
            label,
            f"{examples.height} accepted labels in the train split of the last release, "
            f"{source.fewest_examples} needed",
        )
    kind = _Images if dataset.modality == "image" else _Rows
    return kind(source, examples, dataset, media)


@dataclass(frozen=True)
class _Templates:
    source: TemplatesSource
    templates: Sequence[str]

    def make(self, rng: np.random.Generator) -> Made:
        return Made(filled(self.templates, self.source.slots, rng), None, ())


def _pair(
    source: MixSource | InterpolateSource, features: NDArray[np.floating], rng: np.random.Generator
) -> tuple[int, int, float]:
    """Two rows of a class, and how much of the second."""
    first = int(rng.integers(len(features)))
    if isinstance(source, MixSource):
        second = (first + 1 + int(rng.integers(len(features) - 1))) % len(features)
        return first, second, rng.uniform(source.smallest_share, 1 - source.smallest_share)
    around = near(features, first, source.neighbours)
    return first, int(around[rng.integers(len(around))]), rng.uniform(0, 1)


@dataclass(frozen=True)
class _OfExamples:
    source: OfParents
    examples: pl.DataFrame
    dataset: Dataset
    media: Media

    @cached_property
    def ids(self) -> list[str]:
        return self.examples["item_id"].to_list()


@dataclass(frozen=True)
class _Images(_OfExamples):
    def make(self, rng: np.random.Generator) -> Made:
        source = self.source
        if isinstance(source, AugmentSource):
            row = int(rng.integers(len(self.ids)))
            how = Strengths(source.shift, source.rotate_degrees, source.elastic, source.noise)
            return Made(None, png_of(augmented(self._pixels(row), how, rng)), (self.ids[row],))
        assert isinstance(source, MixSource | InterpolateSource)  # noqa: S101 - the only others
        first, second, share = _pair(source, self._features, rng)
        one = self._pixels(first)
        other = _like(self._pixels(second, (one.shape[1], one.shape[0])), one)
        parents = (self.ids[first], self.ids[second])
        return Made(None, png_of(blended(one, other, share)), parents)

    def _pixels(self, row: int, size: tuple[int, int] | None = None) -> Pixels:
        return pixels_of(self.media(self.examples["uri"][row]), size)

    @cached_property
    def _features(self) -> NDArray[np.float32]:
        from assets.features.pixels import pixels

        return pixels(self.examples, self.media, side=self.dataset.features.image_side)


def _like(picture: Pixels, model: Pixels) -> Pixels:
    """A picture with as many bands as another."""
    if picture.ndim == model.ndim:
        return picture
    in_colour = model.ndim > picture.ndim
    return np.stack([picture] * 3, axis=-1) if in_colour else picture.mean(axis=-1)


@dataclass(frozen=True)
class _Rows(_OfExamples):
    def make(self, rng: np.random.Generator) -> Made:
        source = self.source
        if isinstance(source, AugmentSource):
            row = int(rng.integers(len(self.ids)))
            made = jittered(self._rows[row], self._spreads, source.jitter, rng)
            return self._made(made, row)
        assert isinstance(source, MixSource | InterpolateSource)  # noqa: S101 - the only others
        first, second, share = _pair(source, self._features, rng)
        moved = between(self._rows[first], self._rows[second], self._columns, share)
        return self._made(moved, first, second)

    def _made(self, row: Row, *parents: int) -> Made:
        return Made(content_of(row, self.dataset), None, tuple(self.ids[p] for p in parents))

    @cached_property
    def _rows(self) -> list[dict[str, float | str | None]]:
        return rows_of(self.examples["content"], self.dataset)

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        """The columns that are moved."""
        present = {name for row in self._rows for name in row}
        numbers = present - {*self.dataset.ingestion.categorical_columns}
        return self.source.columns or tuple(sorted(numbers))

    @cached_property
    def _numbers(self) -> NDArray[np.float64]:
        """The columns that are moved [rows, columns], NaN where a value is missing."""
        values = [[row.get(name) for name in self._columns] for row in self._rows]
        return np.array(values, dtype=np.float64)

    @cached_property
    def _spreads(self) -> dict[str, float]:
        """Standard deviation of each column that is moved, 0 where it has no value."""
        known = [column[~np.isnan(column)] for column in self._numbers.T]
        spreads = [float(column.std()) if len(column) else 0.0 for column in known]
        return dict(zip(self._columns, spreads, strict=True))

    @cached_property
    def _features(self) -> NDArray[np.float64]:
        """The columns that are moved in units of their spread; a missing value is the mean."""
        known = ~np.isnan(self._numbers)
        filled_in = np.where(known, self._numbers, 0)
        mean = filled_in.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        spread = np.array([*self._spreads.values()])
        scaled: NDArray[np.float64] = (filled_in - mean) / np.where(spread > 0, spread, 1)
        return np.where(known, scaled, 0)
