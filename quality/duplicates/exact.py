"""Exact duplicates: items of one content, by its digest."""

from collections.abc import Sequence

import polars as pl

from quality.duplicates.report import SCHEMA, checked_ids


def exact_duplicates(
    item_ids: Sequence[str] | pl.Series, digests: Sequence[str | None] | pl.Series
) -> pl.DataFrame:
    """Frame item_id, duplicate_of, similarity (1) of items whose digest came before.

    Args:
        item_ids: One per item, oldest first: the first of a digest stands for it.
        digests: Of the content; null is like nothing else.

    Raises:
        DuplicatesError: Ids that do not fit the digests.
    """
    given = pl.Series("digest", digests, dtype=pl.String)
    frame = pl.DataFrame({"item_id": checked_ids(item_ids, len(given)), "digest": given})
    known = frame.filter(pl.col("digest").is_not_null())
    first = known.with_columns(duplicate_of=pl.col("item_id").first().over("digest"))
    repeated = first.filter(pl.col("item_id") != pl.col("duplicate_of"))
    return repeated.with_columns(similarity=pl.lit(1.0)).select(list(SCHEMA))
