"""Few-shot examples, chosen from what people labeled; an item is never an example for itself."""

import hashlib
from collections.abc import Callable, Sequence
from itertools import chain, islice, zip_longest

import numpy as np
import polars as pl

from assets.dataset_file.language_models import FewShot
from assets.labelers.llm.prompt import Example

ROWS_AT_ONCE = 256

Examples = Callable[[int], Sequence[Example]]
"""The examples for the item in a row."""


def labeled_by_people(known: pl.DataFrame, classes: Sequence[str]) -> list[Example]:
    """The items of the train split whose label people gave, by item id."""
    rows = known.filter(
        (pl.col("state") == "human")
        & pl.col("label").is_in(list(classes))
        & pl.col("content").is_not_null()
    ).sort("item_id")
    return [Example(*row) for row in rows.select("item_id", "content", "label").iter_rows()]


def balanced(
    pool: Sequence[Example], few: FewShot, classes: Sequence[str], seed: int
) -> list[Example]:
    """One more example than is shown, each class in turn.

    Chance is in the digest of seed and item: a pool that grows changes few of the examples, so
    that most prompts stay what they were, in the cache, too.
    """
    drawn = sorted(pool, key=lambda e: hashlib.sha256(f"{seed}/{e.item_id}".encode()).digest())
    by_class = [[e for e in drawn if e.label == name] for name in classes]
    in_turn = (e for e in chain.from_iterable(zip_longest(*by_class)) if e is not None)
    return list(islice(in_turn, few.count + 1))


def chosen(
    pool: Sequence[Example], items: pl.DataFrame, few: FewShot, classes: Sequence[str], seed: int
) -> Examples:
    """The examples for each row of items, as the dataset file wants them chosen."""
    ids = items["item_id"].to_list()
    if not few.count or not pool:
        return lambda _row: ()
    if few.choice == "nearest":
        near = _nearest(pool, items["content"].fill_null("").to_list(), few.count + 1)
        return lambda row: _others([pool[k] for k in near[row]], ids[row], few.count)[::-1]
    drawn = balanced(pool, few, classes, seed)
    return lambda row: _others(drawn, ids[row], few.count)


def _others(examples: Sequence[Example], item_id: str, count: int) -> list[Example]:
    return [e for e in examples if e.item_id != item_id][:count]


def _nearest(pool: Sequence[Example], contents: Sequence[str], count: int) -> np.ndarray:
    """Places [n, count] in the pool by cosine of TF-IDF, the nearest first, then by item id."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(analyzer=_words, sublinear_tf=True)
    known = words.fit_transform([e.content for e in pool]).T.tocsr()
    asked = words.transform(contents)
    parts = [
        np.argsort(-(asked[at : at + ROWS_AT_ONCE] @ known).toarray(), axis=1, kind="stable")
        for at in range(0, len(contents), ROWS_AT_ONCE)
    ]
    return np.concatenate([part[:, :count] for part in parts] or [np.zeros((0, count), int)])


def _words(text: str) -> list[str]:
    """Whatever stands between blanks; a text without any is a word, too."""
    return text.casefold().split() or [text]
