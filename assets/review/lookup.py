"""Which item a task is about: by item id, by the source's name for it, or by its very content."""

import hashlib
from collections.abc import Sequence

import polars as pl

from assets.dataset_file.models import Ingestion
from assets.ports import ReviewAnswer

_SHOWN = 60


def resolved_items(
    answers: Sequence[ReviewAnswer], items: pl.DataFrame, ingestion: Ingestion
) -> list[pl.Series]:
    """For each answer the item's id, or why there is none.

    A task names its item by `item_id`; else by `source_uri`; else by the name that the item
    had in its source (the dataset's id column), if no two items had it; else by its text,
    since an item's id is the digest of its content.

    Args:
        answers: The answers of one file.
        items: Columns item_id and source_uri, one row for each source an item came from.
        ingestion: Says which columns held the items' names and texts.

    Returns:
        Series item_id and item_fault (strings); exactly one of them is null in each place.
    """
    known = _known([a.item_id for a in answers], items)
    unnamed = [a for a in answers if a.item_id not in known]
    by_source = _sources([k for a in unnamed for k in _keys(a, ingestion)], items)
    by_content = _known([_content_id(a, ingestion) for a in unnamed], items)
    ids: list[str | None] = []
    faults: list[str | None] = []
    for answer in answers:
        found = _own(answer.item_id, known)
        for key in [] if found else _keys(answer, ingestion):
            found = found or by_source.get(key, set())
        found = found or _own(_content_id(answer, ingestion), by_content)
        ids.append(next(iter(found)) if len(found) == 1 else None)
        faults.append(None if len(found) == 1 else _fault(answer, len(found), ingestion))
    return [
        pl.Series("item_id", ids, dtype=pl.String),
        pl.Series("item_fault", faults, dtype=pl.String),
    ]


def _known(asked: Sequence[str | None], items: pl.DataFrame) -> set[str]:
    ids = pl.Series("item_id", list(set(asked)), dtype=pl.String).to_frame()
    return set(items.join(ids, on="item_id", how="semi")["item_id"])


def _own(item_id: str | None, known: set[str]) -> set[str]:
    return {item_id} if item_id is not None and item_id in known else set()


def _keys(answer: ReviewAnswer, ingestion: Ingestion) -> list[str]:
    fields = answer.item_fields
    names = [fields.get(ingestion.id_column), answer.item_id]
    return [*filter(None, [fields.get("source_uri")]), *(f"id={n}" for n in names if n)]


def _content_id(answer: ReviewAnswer, ingestion: Ingestion) -> str | None:
    text = answer.item_fields.get(ingestion.text_column)
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def _sources(keys: Sequence[str], items: pl.DataFrame) -> dict[str, set[str]]:
    """Items by source URI and by its fragment, of those that are asked for."""
    wanted = pl.Series("key", sorted(set(keys)), dtype=pl.String)
    if not wanted.len() or not items.height:
        return {}
    fragment = pl.col("source_uri").str.extract(r"(?s)#(.*)$").fill_null("")
    pairs = items.select("item_id", pl.concat_list("source_uri", fragment).alias("key"))
    asked = pairs.explode("key").join(wanted.to_frame(), on="key", how="semi")
    found: dict[str, set[str]] = {}
    for item_id, key in asked.rows():
        found.setdefault(key, set()).add(item_id)
    return found


def _fault(answer: ReviewAnswer, found: int, ingestion: Ingestion) -> str:
    stated = [f"item_id={answer.item_id}"] if answer.item_id else []
    stated += [key for key in _keys(answer, ingestion) if key != f"id={answer.item_id}"]
    named = ", ".join(s if len(s) <= _SHOWN else s[:_SHOWN] + "..." for s in stated)
    if found:
        return f"{found} items have this name ({named}); give the tasks an item_id or source_uri"
    return (
        f"unknown item ({named or 'the task names none'}); ingest it first, "
        "or look whether the tasks are of another dataset"
    )
