"""Which item a task is about: by item id, or by the id that the item's source gave it."""

from collections.abc import Sequence

import polars as pl

from assets.ports import ReviewAnswer


def resolved_items(answers: Sequence[ReviewAnswer], items: pl.DataFrame) -> list[pl.Series]:
    """For each answer the item's id, or why there is none.

    A task names its item by `item_id`; else by `source_uri`; else by a field that the source's
    fragment repeats, as the field id = s00000 does for `answers.jsonl#id=s00000`.

    Args:
        answers: The answers of one file.
        items: Columns item_id and source_uri, one row for each source an item came from.

    Returns:
        Series item_id and item_fault (strings); exactly one of them is null in each place.
    """
    asked = pl.Series("item_id", list({a.item_id for a in answers}), dtype=pl.String).to_frame()
    known = set(items.join(asked, on="item_id", how="semi")["item_id"])
    unnamed = [a for a in answers if a.item_id not in known]
    by_source = _sources(unnamed, items)
    ids: list[str | None] = []
    faults: list[str | None] = []
    for answer in answers:
        named = answer.item_id
        found = {named} if named is not None and named in known else _matches(answer, by_source)
        ids.append(next(iter(found)) if len(found) == 1 else None)
        faults.append(None if len(found) == 1 else _fault(answer, found))
    return [
        pl.Series("item_id", ids, dtype=pl.String),
        pl.Series("item_fault", faults, dtype=pl.String),
    ]


def _keys(answer: ReviewAnswer) -> list[str]:
    fields = dict(answer.item_fields)
    if answer.item_id is not None:
        fields["item_id"] = answer.item_id
    uri = fields.get("source_uri")
    return [*([uri] if uri else []), *(f"{name}={value}" for name, value in fields.items())]


def _sources(answers: Sequence[ReviewAnswer], items: pl.DataFrame) -> dict[str, set[str]]:
    """Items by source URI and by its fragment, of those that the answers may mean."""
    wanted = pl.Series("key", sorted({key for a in answers for key in _keys(a)}), dtype=pl.String)
    if not wanted.len() or not items.height:
        return {}
    pairs = items.select(
        "item_id",
        pl.concat_list(
            "source_uri", pl.col("source_uri").str.extract(r"#([^#]*)$").fill_null("")
        ).alias("key"),
    ).explode("key")
    found: dict[str, set[str]] = {}
    for item_id, key in pairs.join(wanted.to_frame(), on="key", how="semi").rows():
        found.setdefault(key, set()).add(item_id)
    return found


def _matches(answer: ReviewAnswer, by_source: dict[str, set[str]]) -> set[str]:
    for key in _keys(answer):
        if key in by_source:
            return by_source[key]
    return set()


def _fault(answer: ReviewAnswer, found: set[str]) -> str:
    if found:
        return (
            f"{len(found)} items fit the task's fields ({_named(answer)}); "
            "give the tasks an `item_id` or a `source_uri`"
        )
    return (
        f"unknown item ({_named(answer)}); ingest it first, "
        "or look whether the tasks are of another dataset"
    )


def _named(answer: ReviewAnswer) -> str:
    keys = [key if len(key) <= 60 else key[:60] + "..." for key in _keys(answer)]  # noqa: PLR2004 - a line's width
    return ", ".join(keys[:4]) or "the task has no id of an item"
