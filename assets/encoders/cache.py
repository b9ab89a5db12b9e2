"""Embeddings that were made once: Parquet files by encoder version, rows by content id."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError


class EmbeddingCache:
    """What one version of an encoder said of items; it may be deleted at any time."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder / "embeddings" / version

    def known(self, item_ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The embeddings that are here, by item."""
        wanted = pl.Series(item_ids, dtype=pl.String).implode()
        found: dict[str, NDArray[np.float32]] = {}
        for path in sorted(self._folder.glob("*.parquet")):
            try:
                frame = pl.read_parquet(path).filter(pl.col("item_id").is_in(wanted))
            except (OSError, PolarsError):
                # Cut off by a full disk, for example: what it held is made again.
                path.unlink(missing_ok=True)
                continue
            if frame.height:
                found.update(zip(frame["item_id"], frame["embedding"].to_numpy(), strict=True))
        return found

    def add(self, item_ids: Sequence[str], embeddings: NDArray[np.float32]) -> None:
        """Keep embeddings [n, d]; a file appears whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        rows = pl.Array(pl.Float32, embeddings.shape[1])
        frame = pl.DataFrame(
            {"item_id": list(item_ids), "embedding": embeddings},
            schema={"item_id": pl.String, "embedding": rows},
        )
        name = hashlib.sha256("\n".join(item_ids).encode()).hexdigest()[:32]
        draft = self._folder / f"{uuid4().hex}.draft"
        frame.write_parquet(draft)
        draft.replace(self._folder / f"{name}.parquet")
