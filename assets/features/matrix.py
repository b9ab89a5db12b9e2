"""Features of many items."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """A row of features for each item.

    Attributes:
        item_ids: The items, in row order.
        names: A name for each column.
        matrix: float32 [items, columns]: an array, or a `scipy.sparse.csr_array` for texts.
        kind: What they are, as `features.kind` names it.
        version: Digest of the code and of the settings that made them.
    """

    item_ids: tuple[str, ...]
    names: tuple[str, ...]
    matrix: Any
    kind: str
    version: str

    def __len__(self) -> int:
        return len(self.item_ids)

    @property
    def is_sparse(self) -> bool:
        """Whether the matrix is a sparse one."""
        return not isinstance(self.matrix, np.ndarray)

    def dense(self) -> NDArray[np.float32]:
        """The matrix as an array: 4 bytes x items x columns."""
        dense: NDArray[np.float32] = self.matrix.toarray() if self.is_sparse else self.matrix
        return dense

    def take(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> "FeatureMatrix":
        """Some of the items, in the order given."""
        index = np.asarray(rows, dtype=np.int64)
        ids = tuple(self.item_ids[row] for row in index)
        return FeatureMatrix(ids, self.names, self.matrix[index], self.kind, self.version)
