"""Texts as hashed n-grams: no vocabulary, so nothing to fit and nothing to leak."""

from typing import Any

import polars as pl

CHUNK_TEXTS = 10_000


def hashed_ngrams(texts: pl.Series, *, dimensions: int) -> Any:
    """Counts of word 1- and 2-grams and of 3- to 5-grams of characters within words.

    Both are hashed with signs into the same columns (Weinberger et al. 2009,
    doi:10.1145/1553374.1553516), lower case, and each row is scaled to length 1; a text without
    any n-gram is a row of zeros.

    Args:
        texts: The texts.
        dimensions: Number of columns.

    Returns:
        A `scipy.sparse.csr_array`, float32 [texts, dimensions].
    """
    import numpy as np
    from scipy.sparse import csr_array, vstack
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.preprocessing import normalize

    options = {"n_features": dimensions, "norm": None, "dtype": np.float32}
    words = HashingVectorizer(ngram_range=(1, 2), **options)
    characters = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **options)
    blocks = [csr_array((0, dimensions), dtype=np.float32)]
    for chunk in texts.fill_null("").to_frame().iter_slices(CHUNK_TEXTS):
        few = chunk.to_series().to_list()
        counts = words.transform(few) + characters.transform(few)
        blocks.append(csr_array(normalize(counts, copy=False)))
    return vstack(blocks, format="csr")
