"""The tables of a dataset, each column declared once; every boundary checks its frame here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from quality.errors import QualityError

UTC = pl.Datetime("us", "UTC")
ORIGIN = pl.Struct({"file_sha256": pl.String, "task": pl.String, "annotation": pl.String})

MODALITIES = ("text", "image", "tabular")
ACTOR_KINDS = ("human", "model", "function", "llm", "ontology", "synthetic")
VOTE_KINDS = ("vote", "skip", "accept", "reject", "fix", "retract")
LABEL_STATES = ("auto", "human", "disputed", "unlabeled", "synthetic")
SPLITS = ("train", "valid", "test")
CAUSES = ("new_item", "new_vote", "retraction", "reweighting", "recipe", "ontology", "review")


class SchemaMismatch(QualityError):
    """A frame is not of its declared schema.

    Attributes:
        table: Name of the table.
        faults: One sentence a fault, all of them.
    """

    def __init__(self, table: str, faults: tuple[str, ...]) -> None:
        self.table = table
        self.faults = faults
        super().__init__(f"not a valid {table} table: " + "; ".join(faults))


@dataclass(frozen=True)
class Table:
    """A table's columns, which of them may be null, and which rows identify it."""

    name: str
    columns: Mapping[str, pl.DataType]
    key: tuple[str, ...]
    nullable: frozenset[str] = frozenset()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def empty(self) -> pl.DataFrame:
        """A frame of this schema without rows."""
        return pl.DataFrame(schema=dict(self.columns))

    def frame(self, rows: list[dict[str, object]]) -> pl.DataFrame:
        """A frame of this schema from rows, checked."""
        return self.check(pl.DataFrame(rows, schema=dict(self.columns), orient="row"))

    def check(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with its columns in the declared order.

        Raises:
            SchemaMismatch: names every missing, surplus or mistyped column, every null where
                none may be, every value outside its list, and repeated keys.
        """
        faults = [*self._column_faults(frame)]
        if not faults:
            faults = [*self._row_faults(frame)]
        if faults:
            raise SchemaMismatch(self.name, tuple(faults))
        return frame.select(list(self.columns))

    def _column_faults(self, frame: pl.DataFrame) -> list[str]:
        missing = [name for name in self.columns if name not in frame.columns]
        surplus = [name for name in frame.columns if name not in self.columns]
        mistyped = [
            f"column '{name}' is {frame.schema[name]}, expected {dtype}"
            for name, dtype in self.columns.items()
            if name in frame.columns and frame.schema[name] != dtype
        ]
        faults = [f"column '{name}' is missing" for name in missing]
        return faults + [f"column '{name}' is not declared" for name in surplus] + mistyped

    def _row_faults(self, frame: pl.DataFrame) -> list[str]:
        nulls = frame.null_count().row(0, named=True) if frame.height else {}
        faults = [
            f"column '{name}' has {count} nulls, none allowed"
            for name, count in nulls.items()
            if count and name not in self.nullable
        ]
        for name, allowed in self.values.items():
            strange = frame[name].drop_nulls().unique()
            strange = strange.filter(~strange.is_in(allowed)).sort()
            if strange.len():
                faults.append(
                    f"column '{name}' has {strange.head(5).to_list()}, expected one of {allowed}"
                )
        repeated = frame.height - frame.select(self.key).n_unique() if frame.height else 0
        if repeated:
            faults.append(f"{repeated} rows repeat the key {self.key}")
        return faults


ITEMS = Table(
    name="items",
    columns={
        "item_id": pl.String(),
        "content": pl.String(),
        "uri": pl.String(),
        "modality": pl.String(),
        "source_uri": pl.String(),
        "source_sha256": pl.String(),
        "group_id": pl.String(),
        "licence": pl.String(),
        "ingested_at": UTC,
    },
    key=("item_id",),
    nullable=frozenset({"content", "uri", "licence"}),
    values={"modality": MODALITIES},
)

PREDICTIONS = Table(
    name="predictions",
    columns={
        "item_id": pl.String(),
        "probabilities": pl.List(pl.Float64),
        "actor_version": pl.String(),
        "trained_on": pl.String(),
    },
    key=("item_id",),
    nullable=frozenset({"trained_on"}),
)

VOTES = Table(
    name="votes",
    columns={
        "vote_id": pl.String(),
        "item_id": pl.String(),
        "kind": pl.String(),
        "actor": pl.String(),
        "actor_kind": pl.String(),
        "actor_version": pl.String(),
        "trained_on": pl.String(),
        "label": pl.String(),
        "region": pl.String(),
        "score": pl.Float64(),
        "ontology_version": pl.String(),
        "shown_prediction": pl.String(),
        "lead_time_s": pl.Float64(),
        "cast_at": UTC,
        "imported_at": UTC,
        "origin": ORIGIN,
        "retracts": pl.String(),
        "run_id": pl.String(),
        "code_version": pl.String(),
    },
    key=("vote_id",),
    nullable=frozenset(
        {
            "trained_on",
            "label",
            "region",
            "score",
            "shown_prediction",
            "lead_time_s",
            "cast_at",
            "origin",
            "retracts",
        }
    ),
    values={"kind": VOTE_KINDS, "actor_kind": ACTOR_KINDS},
)

LABELS = Table(
    name="labels",
    columns={
        "item_id": pl.String(),
        "label": pl.String(),
        "state": pl.String(),
        "actor_kinds": pl.List(pl.String),
        "n_votes": pl.UInt32(),
        "n_human": pl.UInt32(),
        "vote_set_sha256": pl.String(),
        "split": pl.String(),
        "ontology_version": pl.String(),
        "since": pl.String(),
    },
    key=("item_id",),
    nullable=frozenset({"label"}),
    values={"state": LABEL_STATES, "split": SPLITS},
)

SCORES = Table(
    name="scores",
    columns={
        "item_id": pl.String(),
        "confidence": pl.Float64(),
        "agreement": pl.Float64(),
        "label_quality": pl.Float64(),
    },
    key=("item_id",),
    nullable=frozenset({"confidence", "agreement", "label_quality"}),
)

HISTORY = Table(
    name="history",
    columns={
        "item_id": pl.String(),
        "release": pl.String(),
        "from_label": pl.String(),
        "to_label": pl.String(),
        "cause": pl.String(),
        "caused_by": pl.List(pl.String),
    },
    key=("item_id", "release"),
    nullable=frozenset({"from_label", "to_label"}),
    values={"cause": CAUSES},
)

# One row a region of an item's label: only datasets of boxes or spans have it. `geometry` is a
# box's left, top, width and height in pixels, or a span's start and end in characters.
REGIONS = Table(
    name="regions",
    columns={
        "item_id": pl.String(),
        "region_id": pl.String(),
        "label": pl.String(),
        "geometry": pl.List(pl.Float64),
        "confidence": pl.Float64(),
        "n_votes": pl.UInt32(),
        "n_seen": pl.UInt32(),
        "actors": pl.List(pl.String),
        "tied": pl.Boolean(),
    },
    key=("item_id", "region_id"),
)

TABLES = {
    table.name: table for table in (ITEMS, PREDICTIONS, VOTES, LABELS, SCORES, HISTORY, REGIONS)
}
