"""Tracing one item at a commit: only the buckets and votes that concern it are read."""

import json
from typing import Any

import polars as pl

from assets.dataset_file.models import Dataset
from assets.errors import AssetError
from assets.ports import DatasetStore
from assets.recipe import RECIPE
from quality.lineage.buckets import bucket_of, bucket_path
from quality.lineage.trace import Trace, trace
from quality.ontology.mapping import ClassMapping
from quality.schema import HISTORY, ITEMS, LABELS, REGIONS, SCORES, VOTES, Table
from quality.synthetic.origin import is_synthetic

SHOWN_CANDIDATES = 5


class ItemNotFound(AssetError, LookupError):
    """No item, or more than one, goes by this name.

    Attributes:
        name: What was asked for.
        candidates: Ids of the items that it could mean.
        same_file: Where none goes by it: sources of items out of the file that it names.
    """

    def __init__(
        self, name: str, candidates: tuple[str, ...], same_file: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.candidates = candidates
        self.same_file = same_file
        shown = ", ".join(c[:16] for c in candidates[:SHOWN_CANDIDATES])
        found = f"it could be {len(candidates)} items: {shown}" if candidates else "there is none"
        like = f" (that file's items are called {', '.join(same_file)})" if same_file else ""
        super().__init__(
            f"item '{name}': {found}{like}; give an item id, the beginning of one, or the file it "
            "came from"
        )


class ItemRejected(AssetError, LookupError):
    """What is asked for never became an item: it was set aside when it came in.

    Attributes:
        name: What was asked for.
        place: File and row that it came in as.
        reason: Why it was set aside, in a word.
        detail: Why, in a sentence.
    """

    def __init__(self, name: str, place: str, reason: str, detail: str) -> None:
        self.name = name
        self.place = place
        self.reason = reason
        self.detail = detail
        super().__init__(
            f"item '{name}': there is none; {place} was rejected when it came in "
            f"({reason}: {detail}). Mend it and drop it into the inbox again"
        )


def find_item(store: DatasetStore, commit: str, name: str) -> str:
    """The item id that a name stands for: an id, its beginning, or the end of its source.

    Raises:
        ItemNotFound: none or several items go by it.
        ItemRejected: none does, because what is meant was not taken in.
    """
    items = store.table(commit, f"{ITEMS.name}/")
    if items is None:
        raise ItemNotFound(name, ())
    source = pl.col("source_uri")
    meant = pl.col("item_id").str.starts_with(name) | source.str.ends_with(name)
    found = items.filter(meant).select("item_id").unique().collect()["item_id"].sort()
    if found.is_empty():
        return _not_taken(store, commit, name) or _nowhere(name, items)
    if found.len() != 1:
        raise ItemNotFound(name, tuple(found))
    return str(found.item())


def _nowhere(name: str, items: pl.LazyFrame) -> str:
    raise ItemNotFound(name, (), _same_file(items, name))


def _not_taken(store: DatasetStore, commit: str, name: str) -> str | None:
    """The item that a row set aside as its duplicate is; None where no such row has the name.

    Raises:
        ItemRejected: the row is no item at all.
    """
    rejects = store.table(commit, "rejects/batch=")
    if rejects is None:
        return None
    file = pl.when(pl.col("row").is_null()).then("source")
    lines, rows = (pl.format(f"{{}}#{word}={{}}", "source", "row") for word in ("line", "row"))
    places = (file, lines, rows, pl.col("source_uri"))
    meant = rejects.filter(
        pl.any_horizontal(place.str.ends_with(name).fill_null(value=False) for place in places)
    ).with_columns(place=pl.coalesce(file, pl.format("row {} of {}", "row", "source")))
    found = meant.select("place", "reason", "detail", "item_id").head(1).collect()
    if found.is_empty():
        return None
    place, reason, detail, item_id = found.row(0)
    if item_id is None:
        raise ItemRejected(name, place, reason, detail)
    return str(item_id)


def _same_file(items: pl.LazyFrame, name: str, most: int = 3) -> tuple[str, ...]:
    """The first sources out of the file before the `#` of a name."""
    file, mark, _ = name.partition("#")
    if not mark:
        return ()
    sources = items.select(pl.col("source_uri").unique().sort())
    alike = sources.filter(pl.col("source_uri").str.starts_with(file + mark))
    return tuple(alike.head(most).collect()["source_uri"])


def trace_item(store: DatasetStore, name: str, *, at: str) -> Trace:
    """The trace of one item at a ref.

    Raises:
        RefNotFound: there is no such ref.
        ItemNotFound: none or several items go by the name.
    """
    commit = store.head(at)
    made_by = _recipe(store, commit)
    released = made_by is not None
    item_id = find_item(store, commit, name)
    return trace(
        item_id,
        item=_row(_of_item(store, commit, ITEMS, item_id)),
        label=_row(_in_bucket(store, commit, LABELS, item_id)) if released else None,
        score=_row(_in_bucket(store, commit, SCORES, item_id)) if released else None,
        votes=_of_item(store, commit, VOTES, item_id),
        history=_in_bucket(store, commit, HISTORY, item_id) if released else HISTORY.empty(),
        regions=_in_bucket(store, commit, REGIONS, item_id) if released else None,
        mapping=_mapping(made_by),
    )


def _recipe(store: DatasetStore, commit: str) -> dict[str, Any] | None:
    """The recipe at a commit; None before the first release."""
    if not store.listing(commit, RECIPE):
        return None
    recipe: dict[str, Any] = json.loads(store.read(commit, RECIPE))
    return recipe


def _mapping(recipe: dict[str, Any] | None) -> ClassMapping | None:
    """What votes of older ontologies say in that of a release."""
    if recipe is None:
        return None
    return Dataset.model_validate(recipe["dataset_file"]).carries


def _row(frame: pl.DataFrame) -> dict[str, Any] | None:
    return frame.row(0, named=True) if frame.height else None


def _of_item(store: DatasetStore, commit: str, table: Table, item_id: str) -> pl.DataFrame:
    found = store.table(commit, f"{table.name}/")
    if found is None:
        return table.empty()
    rows = found.filter(pl.col("item_id") == item_id).collect()
    if table is ITEMS:
        rows = rows.sort(is_synthetic(), maintain_order=True)
    return table.check(rows.unique(table.key, keep="first", maintain_order=True))


def _in_bucket(store: DatasetStore, commit: str, table: Table, item_id: str) -> pl.DataFrame:
    buckets = json.loads(store.read(commit, RECIPE))["dataset_file"]["storage"]["buckets"]
    path = bucket_path(table.name, bucket_of(item_id, buckets))
    if not store.listing(commit, path):
        return table.empty()
    local = store.fetch(commit, [path])[path]
    return table.check(pl.read_parquet(local).filter(pl.col("item_id") == item_id))
