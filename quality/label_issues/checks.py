"""What is checked before labels are judged: the listing, and that no model judges its own."""

from collections.abc import Collection, Sequence

import polars as pl

from quality.label_issues.errors import InSampleError, LabelIssuesError


def check_listing(item_ids: pl.Series, labels: pl.Series, classes: Sequence[str]) -> None:
    """Every item once with its labels, every class once.

    Raises:
        LabelIssuesError: Lengths differ, or an id or a class is missing or repeated.
    """
    if len(item_ids) != len(labels):
        raise LabelIssuesError(
            f"{len(item_ids)} items, but {len(labels)} labels; give one per item."
        )
    if item_ids.null_count() or item_ids.n_unique() < len(item_ids):
        raise LabelIssuesError("item ids are missing or repeated; list every item once.")
    if not classes or len(set(classes)) < len(classes):
        raise LabelIssuesError(f"classes are {list(classes)}; list at least one, each once.")


def check_out_of_fold(
    item_ids: pl.Series,
    *,
    fold: pl.Series | Sequence[int | None] | None,
    trained_on: Collection[str] | pl.Series | None,
) -> str:
    """Says what shows that no item was predicted by a model that had seen it.

    Args:
        item_ids: The predicted items.
        fold: The held-out fold each prediction comes from, null where the item was seen.
        trained_on: Ids of the items that the one predicting model learned from.

    Raises:
        InSampleError: An item has no fold, or an item was trained on.
        LabelIssuesError: There is not one fold per item.
    """
    shown = []
    if fold is not None:
        _check_folds(item_ids, pl.Series("fold", fold))
        shown.append("fold")
    if trained_on is not None:
        seen = pl.Series(list(trained_on), dtype=pl.String)
        _refuse(item_ids.filter(item_ids.is_in(seen.implode())), "the model was trained on them")
        shown.append("trained_on")
    return " and ".join(shown) if shown else "taken on trust"


def _check_folds(item_ids: pl.Series, fold: pl.Series) -> None:
    """One fold per item, none missing."""
    if len(fold) != len(item_ids):
        raise LabelIssuesError(f"{len(item_ids)} items, but {len(fold)} folds; give one per item.")
    _refuse(item_ids.filter(fold.is_null()), "they were held out of no fold")


def _refuse(seen: pl.Series, why: str) -> None:
    """Raises where any item was seen."""
    if len(seen):
        raise InSampleError(len(seen), tuple(seen.head(5).to_list()), why)
