"""What the classes of older versions of an ontology are now.

Votes keep the class and the version that they were given in; what they say now is looked up
whenever they are folded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

Fate = Literal["kept", "renamed", "merged", "split", "dropped", "unknown"]

UNKNOWN = "class is not in the ontology"
DROPPED = "class was dropped from the ontology"
SPLIT = "class was split"


@dataclass(frozen=True)
class ClassMapping:
    """From the classes of older versions to those of the current one.

    Attributes:
        version: The current version.
        classes: Its classes.
        older: By older version and class, what the class is now: one class; several where it was
            split, so that people have to look; none where it was dropped. A class that is not
            listed and that there still is, is itself.
    """

    version: str
    classes: tuple[str, ...]
    older: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def now(self, version: str, label: str) -> tuple[str, ...] | None:
        """What a class of a version is now; None where nobody said what became of it."""
        listed = {} if version == self.version else self.older.get(version, {})
        if label in listed:
            return listed[label]
        return (label,) if label in self.classes else None

    def why_aside(self, version: str, label: str) -> str | None:
        """Why a vote for a class of a version counts for nothing now; None where it counts."""
        now = self.now(version, label)
        if now is None:
            return UNKNOWN
        if len(now) > 1:
            return f"{SPLIT} into {', '.join(now)}: people have to look"
        return None if now else DROPPED

    def carried(self, votes: pl.DataFrame) -> pl.DataFrame:
        """The votes with the `label` that they amount to now.

        Args:
            votes: label (null abstains), ontology_version, and any other columns.

        Returns:
            The rows in their order with `given_label`, as it was cast, and `reason`: why a
            vote counts for nothing, null where it counts. Such a vote keeps its label.
        """
        pairs = votes.select("ontology_version", "label").unique().drop_nulls("label").rows()
        rows = [(version, label, *self._carried(version, label)) for version, label in pairs]
        schema = dict.fromkeys(("ontology_version", "label", "now", "reason"), pl.String)
        lookup = pl.DataFrame(rows, schema=schema, orient="row")
        return (
            votes.join(lookup, on=["ontology_version", "label"], how="left", maintain_order="left")
            .with_columns(pl.col("label").alias("given_label"), pl.col("now").alias("label"))
            .drop("now")
        )

    def _carried(self, version: str, label: str) -> tuple[str, str | None]:
        reason = self.why_aside(version, label)
        now = self.now(version, label)
        return (now[0] if now and not reason else label), reason
