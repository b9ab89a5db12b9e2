"""Splits: train, valid or test as a function of the group alone."""

import hashlib

import polars as pl

from quality.errors import QualityError


class SharesInvalid(QualityError):
    """The shares of the splits are not a partition.

    Attributes:
        shares: What was given.
    """

    def __init__(self, shares: dict[str, float]) -> None:
        self.shares = shares
        super().__init__(f"split shares {shares}; expected shares of 0 or more that add up to 1")


def splits(groups: pl.Series, shares: dict[str, float], *, seed: int) -> pl.Series:
    """The split of each group id.

    The first 64 bits of SHA-256(seed, group) fall into one of the shares. A group keeps its
    split whatever else is in the dataset, so no item ever moves from test to train.

    Args:
        groups: Group id of each item.
        shares: Share by split name, in order; they add up to 1.
        seed: Part of the hash; changing it moves groups.

    Raises:
        SharesInvalid: shares are negative or do not add up to 1.
    """
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-9:  # noqa: PLR2004
        raise SharesInvalid(shares)
    distinct = groups.unique()
    chosen = [_split_of(f"{seed}\0{group}", shares) for group in distinct]
    return groups.replace_strict(distinct, pl.Series(chosen, dtype=pl.String)).alias("split")


def _split_of(key: str, shares: dict[str, float]) -> str:
    point = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64
    upper = 0.0
    for name, share in shares.items():
        upper += share
        if point < upper:
            return name
    return next(name for name, share in reversed(shares.items()) if share > 0)
