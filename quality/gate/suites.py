"""What is expected of each table, built in and by the dataset file."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import polars as pl

from quality.errors import QualityError
from quality.schema import ACTOR_KINDS, LABEL_STATES, MODALITIES, SPLITS, TABLES, VOTE_KINDS

Severity = Literal["critical", "warning"]
SUM_TOLERANCE = 1e-5
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")
_SHA256 = "^[0-9a-f]{64}$"

# Columns that the gate adds to a table, so that expectations can be put on them. A column
# whose inputs a frame lacks is left out.
DERIVED: Mapping[str, Mapping[str, tuple[tuple[str, ...], pl.Expr]]] = {
    "items": {
        "has_content": (
            ("content", "uri"),
            pl.col("content").is_not_null() | pl.col("uri").is_not_null(),
        ),
    },
    "votes": {
        "actor_is_of_its_kind": (
            ("actor", "actor_kind"),
            pl.col("actor").str.starts_with(pl.col("actor_kind") + ":"),
        ),
    },
    "labels": {
        "is_accepted": (("state",), pl.col("state").is_in(["auto", "human"]).cast(pl.Float64)),
        "is_disputed": (("state",), (pl.col("state") == "disputed").cast(pl.Float64)),
        "label_fits_state": (
            ("state", "label"),
            pl.when(pl.col("state") == "unlabeled")
            .then(pl.col("label").is_null())
            .when(pl.col("state") != "disputed")
            .then(pl.col("label").is_not_null())
            .otherwise(statement=True),
        ),
    },
    "predictions": {
        "probabilities_count": (("probabilities",), pl.col("probabilities").list.len()),
        "probabilities_sum": (("probabilities",), pl.col("probabilities").list.sum()),
        "probabilities_min": (("probabilities",), pl.col("probabilities").list.min()),
    },
}


class SuiteInvalid(QualityError):
    """A suite holds expectations that cannot be judged.

    Attributes:
        suite: Name of the suite.
        faults: One sentence a fault, all of them.
    """

    def __init__(self, suite: str, faults: tuple[str, ...]) -> None:
        self.suite = suite
        self.faults = faults
        super().__init__(f"suite '{suite}' cannot be judged: " + "; ".join(faults))


@dataclass(frozen=True)
class Expectation:
    """One Great Expectations expectation.

    Attributes:
        type: For example expect_column_values_to_be_in_set.
        kwargs: Its arguments.
        severity: A failed critical one stops the release, a failed warning is shown.
        claim: What is true when it passes.
    """

    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "critical"
    claim: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its arguments name."""
        values = [self.kwargs[key] for key in _COLUMN_ARGUMENTS if key in self.kwargs]
        lists = [value if isinstance(value, list | tuple) else [value] for value in values]
        return tuple(str(column) for columns in lists for column in columns)

    @property
    def text(self) -> str:
        """The claim, or one made from the type and its arguments."""
        if self.claim:
            return self.claim
        words = self.type.removeprefix("expect_").replace("_", " ")
        return f"{words} ({', '.join(f'{k}={v!r}' for k, v in self.kwargs.items())})"


@dataclass(frozen=True)
class Suite:
    """All that is expected of one table."""

    name: str
    table: str
    expectations: tuple[Expectation, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of what the suite says."""
        said = [[e.type, dict(e.kwargs), e.severity, e.claim] for e in self.expectations]
        text = json.dumps([self.name, self.table, said], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def with_expectations(self, declared: Iterable[Expectation]) -> "Suite":
        """The suite and what a dataset file declares beside it."""
        return replace(self, expectations=(*self.expectations, *declared))


def with_derived(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """The frame with the columns that the gate derives for its table."""
    present = set(frame.columns)
    return frame.with_columns(
        expression.alias(name)
        for name, (inputs, expression) in DERIVED.get(table, {}).items()
        if present.issuperset(inputs)
    )


def columns_of(table: str) -> frozenset[str]:
    """Columns that an expectation over a table may name; none where the table is unknown."""
    declared = set(TABLES[table].columns) if table in TABLES else set()
    if table == "labels":
        declared |= {*TABLES["scores"].columns, "label_issue"}
    return frozenset(declared | set(DERIVED.get(table, {})))


def built_in(classes: Iterable[str], *, label_pattern: str | None = None) -> dict[str, Suite]:
    """The suites that every snapshot must pass, by table.

    Args:
        classes: The ontology's classes.
        label_pattern: Regular expression of a label where it is no single class.
    """
    names = list(classes)
    parts = {
        "items": _items(),
        "predictions": _predictions(len(names)),
        "votes": _votes(_label(names, label_pattern, "vote")),
        "labels": _labels(_label(names, label_pattern, "label")),
    }
    return {
        table: Suite(table, table, tuple(expectations)) for table, expectations in parts.items()
    }


def _items() -> list[Expectation]:
    return [
        _rows("there are items"),
        *_key("item_id"),
        _matches("item_id", _SHA256, "every item id is a SHA-256"),
        *_within("modality", MODALITIES),
        _filled("source_uri"),
        _filled("group_id"),
        _true("has_content", "every item has its content or says where it is"),
    ]


def _predictions(classes: int) -> list[Expectation]:
    return [
        _rows("there are predictions"),
        *_key("item_id"),
        _filled("actor_version"),
        _filled("probabilities_sum"),
        _between("probabilities_count", classes, classes, "one probability for each class"),
        _between("probabilities_min", 0, None, "no probability is negative"),
        _between("probabilities_sum", 1 - SUM_TOLERANCE, 1 + SUM_TOLERANCE, "they sum to one"),
    ]


def _label(classes: list[str], pattern: str | None, what: str) -> Expectation:
    if pattern is not None:
        return _matches("label", pattern, f"every {what} with a label names a set of regions")
    claims = {
        "vote": "every vote names a class of the ontology or abstains",
        "label": "every label is a class of the ontology",
    }
    return _in_set("label", classes, claims[what])


def _votes(label: Expectation) -> list[Expectation]:
    return [
        _rows("there are votes"),
        *_key("vote_id"),
        _filled("item_id"),
        _filled("actor"),
        _matches("actor", r"^[a-z]+:\S+$", "every actor is KIND:NAME"),
        *_within("actor_kind", ACTOR_KINDS),
        _true("actor_is_of_its_kind", "every actor is of the kind that its votes say"),
        *_within("kind", VOTE_KINDS),
        label,
        _filled("ontology_version"),
        Expectation(
            "expect_column_values_to_not_be_in_set",
            {"column": "actor", "value_set": ["human:unknown"]},
            "warning",
            "every human vote has an author",
        ),
    ]


def _labels(label: Expectation) -> list[Expectation]:
    return [
        _rows("there are labels"),
        *_key("item_id"),
        label,
        *_within("state", LABEL_STATES),
        _true("label_fits_state", "an accepted item has a label, an unlabeled one has none"),
        *_within("split", SPLITS),
        _between("confidence", 0, 1, "confidence is a probability"),
        _between("label_quality", 0, 1, "label quality is a share"),
        Expectation(
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_A": "n_votes", "column_B": "n_human", "or_equal": True},
            "critical",
            "no more human votes than votes",
        ),
    ]


def _rows(claim: str) -> Expectation:
    return Expectation("expect_table_row_count_to_be_between", {"min_value": 1}, "critical", claim)


def _filled(column: str) -> Expectation:
    kwargs = {"column": column}
    return Expectation(
        "expect_column_values_to_not_be_null", kwargs, "critical", f"every row has its {column}"
    )


def _key(column: str) -> list[Expectation]:
    once = Expectation(
        "expect_column_values_to_be_unique", {"column": column}, "critical", f"each {column} once"
    )
    return [_filled(column), once]


def _in_set(column: str, values: Iterable[str], claim: str) -> Expectation:
    kwargs = {"column": column, "value_set": list(values)}
    return Expectation("expect_column_values_to_be_in_set", kwargs, "critical", claim)


def _within(column: str, values: Iterable[str]) -> list[Expectation]:
    allowed = list(values)
    return [_filled(column), _in_set(column, allowed, f"{column} is one of {', '.join(allowed)}")]


def _between(column: str, low: float | None, high: float | None, claim: str) -> Expectation:
    bounds = {"min_value": low, "max_value": high}
    kwargs = {"column": column, **{k: v for k, v in bounds.items() if v is not None}}
    return Expectation("expect_column_values_to_be_between", kwargs, "critical", claim)


def _matches(column: str, regex: str, claim: str) -> Expectation:
    kwargs = {"column": column, "regex": regex}
    return Expectation("expect_column_values_to_match_regex", kwargs, "critical", claim)


def _true(column: str, claim: str) -> Expectation:
    kwargs = {"column": column, "value_set": [True]}
    return Expectation("expect_column_values_to_be_in_set", kwargs, "critical", claim)
