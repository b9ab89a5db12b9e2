"""Where a synthetic item comes from: its `source_uri` says so, and marks it."""

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

import numpy as np
import polars as pl

# No file below an inbox has a name with two slashes in a row, so no raw item looks like this.
SCHEME = "synthetic://"
_PARTS = r"^synthetic://([^/]+)/[^/]+/([^/]+)/([0-9a-f+]*)#(\d+)$"


@dataclass(frozen=True)
class Origin:
    """What a synthetic item was made of, and how.

    Attributes:
        source: Name of the dataset file's section that made it.
        kind: How: augment, mix, interpolate or templates.
        label: The class that it was made as.
        parents: Ids of the items that it was made of; none for a template.
        number: Which draw of this source and class it is.
    """

    source: str
    kind: str
    label: str
    parents: tuple[str, ...]
    number: int

    @property
    def uri(self) -> str:
        """The item's `source_uri`: synthetic://SOURCE/KIND/CLASS/PARENT+PARENT#NUMBER."""
        label = quote(self.label, safe="")
        return f"{SCHEME}{self.source}/{self.kind}/{label}/{'+'.join(self.parents)}#{self.number}"


def is_synthetic() -> pl.Expr:
    """Whether a row of the items table is a synthetic item."""
    return pl.col("source_uri").str.starts_with(SCHEME)


def with_origins(items: pl.DataFrame) -> pl.DataFrame:
    """Synthetic items with what their `source_uri` says.

    Returns:
        The rows with `source`, `made_as` (the class, escaped), `parents` (ids) and `number`.
    """
    uri = pl.col("source_uri")
    named = pl.col("parents").str.split("+")
    return items.with_columns(
        uri.str.extract(_PARTS, 1).alias("source"),
        uri.str.extract(_PARTS, 2).alias("made_as"),
        uri.str.extract(_PARTS, 3).alias("parents"),
        uri.str.extract(_PARTS, 4).cast(pl.Int64).alias("number"),
    ).with_columns(named.list.eval(pl.element().filter(pl.element() != "")).alias("parents"))


def parents_of(source_uri: str | None) -> tuple[str, ...]:
    """Ids of the items that an item was made of; none for one that was not made."""
    if source_uri is None or not source_uri.startswith(SCHEME):
        return ()
    path, _, _ = source_uri.rpartition("#")
    return tuple(filter(None, path.rpartition("/")[2].split("+")))


def draw(seed: int, label: str, number: int) -> np.random.Generator:
    """Where all chance of one draw comes from: the same whatever else is made."""
    digest = sha256(f"{seed}\0{label}\0{number}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
