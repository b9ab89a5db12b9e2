"""Items on their way to the table: spilled to disk by id, so that memory follows one bucket."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from assets.dataset_file.models import Dataset
from assets.ingestion.rejects import REJECTS, Reason
from assets.ingestion.staged import STAGED
from quality.schema import ITEMS, UTC

BUCKET_BYTES = 32 << 20
MAX_BUCKETS = 256


@dataclass
class Staging:
    """Items by the first bits of their id, each bucket a folder of chunks.

    Attributes:
        folder: Where it is spilled.
        buckets: A power of two, at most 256.
    """

    folder: Path
    buckets: int
    _chunks: int = 0

    @staticmethod
    def of_size(folder: Path, size: int) -> "Staging":
        """A staging for so many bytes of content: about 32 MiB a bucket."""
        buckets = 1
        while buckets < MAX_BUCKETS and buckets * BUCKET_BYTES < size:
            buckets *= 2
        return Staging(folder, buckets)

    def add(self, items: pl.DataFrame) -> pl.DataFrame:
        """Spill some items; what repeats among them comes back as rows of the rejects."""
        # A file of few contents over and over would else all lie in one bucket.
        first, again = _once(items)
        first_byte = pl.col("item_id").str.slice(0, 2).str.to_integer(base=16, dtype=pl.Int64)
        keyed = first.with_columns(bucket=first_byte * self.buckets // 256)
        for (bucket,), part in keyed.partition_by("bucket", as_dict=True).items():
            path = self.folder / f"{bucket:03}" / f"{self._chunks:06}.arrow"
            path.parent.mkdir(parents=True, exist_ok=True)
            part.drop("bucket").write_ipc(path, compression="lz4")
        self._chunks += 1
        return _duplicates(again, first)

    def fold(self, known: pl.LazyFrame | None) -> Iterator["Folded"]:
        """The items bucket by bucket in the order of their ids, each item once.

        Args:
            known: The items that the dataset has already, with a column item_id.
        """
        for bucket in range(self.buckets):
            first, again = _once(self._bucket(bucket))
            met = _met(known, first.select("item_id"))
            yield Folded(
                taken=first.join(met, on="item_id", how="anti").sort("item_id"),
                rejects=pl.concat([_duplicates(again, first), _known(first, met)]),
            )

    def _bucket(self, bucket: int) -> pl.DataFrame:
        paths = sorted((self.folder / f"{bucket:03}").glob("*.arrow"))
        frames = [pl.read_ipc(path) for path in paths]
        return pl.concat([pl.DataFrame(schema=STAGED), *frames])


@dataclass(frozen=True)
class Folded:
    """One bucket: the items to take, and the rows that say nothing new as rows of the rejects."""

    taken: pl.DataFrame
    rejects: pl.DataFrame


def items_table(taken: pl.DataFrame, dataset: Dataset, ingested_at: datetime) -> pl.DataFrame:
    """Staged items as rows of the items table, checked."""
    return ITEMS.check(
        taken.drop("source", "row").with_columns(
            modality=pl.lit(dataset.modality),
            licence=pl.lit(dataset.ingestion.licence, pl.String),
            ingested_at=pl.lit(ingested_at).cast(UTC),
        )
    )


def _once(items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    is_first = items["item_id"].is_first_distinct()
    return items.filter(is_first), items.filter(~is_first)


def _met(known: pl.LazyFrame | None, mine: pl.DataFrame) -> pl.DataFrame:
    if known is None:
        return mine.clear()
    ids = known.select("item_id").join(mine.lazy(), on="item_id", how="semi")
    return ids.unique().collect(engine="streaming")


def _duplicates(again: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    origin = first.select("item_id", first_source="source", first_row="row")
    row = pl.format(" {}", "first_row").fill_null("")
    return _as_rejects(
        again.join(origin, on="item_id", how="left", maintain_order="left"),
        Reason.DUPLICATE,
        pl.format("same content as {}{}", "first_source", row),
    )


def _known(first: pl.DataFrame, met: pl.DataFrame) -> pl.DataFrame:
    known = first.join(met, on="item_id", how="semi")
    return _as_rejects(known, Reason.KNOWN, pl.lit("the dataset has this item already"))


def _as_rejects(items: pl.DataFrame, reason: Reason, detail: pl.Expr) -> pl.DataFrame:
    columns = items.select(
        "source",
        "row",
        reason=pl.lit(reason.value),
        detail=detail,
        excerpt=pl.lit(None, pl.String),
        rows=pl.lit(1, pl.Int64),
        item_id="item_id",
        source_uri="source_uri",
    )
    return columns.select(list(REJECTS.columns))
