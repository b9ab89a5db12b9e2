"""Suites judged on frames."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from quality.gate.digests import frames_digest
from quality.gate.engine import argument_faults, validated
from quality.gate.hints import did_you_mean
from quality.gate.suites import Expectation, Suite, SuiteInvalid, with_derived
from quality.gate.verdict import SHOWN_IDS, GateReport, Result, Verdict


def gate(
    frames: Mapping[str, pl.DataFrame],
    suites: Sequence[Suite],
    *,
    data_digest: str | None = None,
    id_column: str = "item_id",
) -> GateReport:
    """Judge every suite on its table.

    Args:
        frames: Tables by name; a suite whose table is not there fails as not judged.
        suites: What is expected.
        data_digest: Digest of the stored data (`objects_digest`); without it the frames' own.
        id_column: Column that names failing rows.
    """
    verdicts = tuple(_judge_table(frames.get(suite.table), suite, id_column) for suite in suites)
    return GateReport(verdicts, data_digest or frames_digest(frames))


def judge(frame: pl.DataFrame, suite: Suite, *, id_column: str = "item_id") -> Verdict:
    """Judge one suite on one table.

    Great Expectations takes NaN for null and skips nulls, so NaN in a column that the suite
    names is looked for first and is a critical failure of its own.

    Args:
        frame: The table.
        suite: What is expected of it.
        id_column: Column that names failing rows.

    Raises:
        SuiteInvalid: an expectation has an unknown type or bad arguments.
    """
    table = with_derived(frame, suite.table)
    named = _named_columns(suite, table.columns)
    nan = [_nan_result(table, column, id_column) for column in named]
    faults = argument_faults(suite.expectations)
    if faults:
        raise SuiteInvalid(suite.name, tuple(faults))
    results = [r for r in nan if r is not None] + _results(table, suite, named, id_column)
    return Verdict(suite.name, suite.table, suite.digest, frame.height, tuple(results))


def _judge_table(frame: pl.DataFrame | None, suite: Suite, id_column: str) -> Verdict:
    if frame is not None:
        return judge(frame, suite, id_column=id_column)
    missing = f"there is no table '{suite.table}'"
    results = tuple(_not_judged(e, missing) for e in suite.expectations)
    return Verdict(suite.name, suite.table, suite.digest, 0, results)


def _named_columns(suite: Suite, present: Sequence[str]) -> list[str]:
    """Columns of the frame that the suite's arguments or row conditions name."""
    named: set[str] = set()
    for expectation in suite.expectations:
        named.update(expectation.columns)
        named.update(re.findall(r"\w+", str(expectation.kwargs.get("row_condition", ""))))
    return [column for column in present if column in named]


def _nan_result(frame: pl.DataFrame, column: str, id_column: str) -> Result | None:
    if not frame.schema[column].is_float():
        return None
    rows = frame[column].is_nan().fill_null(value=False).arg_true()
    return Result(
        type="no_nan",
        claim=f"{column} holds no NaN",
        severity="critical",
        success=rows.is_empty(),
        observed=f"{rows.len():,} NaN",
        failing=rows.len(),
        failing_ids=_ids(frame, rows.to_list(), id_column),
    )


def _results(
    frame: pl.DataFrame, suite: Suite, named: Sequence[str], id_column: str
) -> list[Result]:
    """A result for each expectation; those that the frame cannot answer are not asked."""
    obstacles = [_obstacle(expectation, frame) for expectation in suite.expectations]
    asked = {n: e for n, e in enumerate(suite.expectations) if obstacles[n] is None}
    found = validated(_flat(frame, suite, named), asked)
    return [
        _not_judged(expectation, obstacle)
        if obstacle is not None
        else _result(expectation, found[number], frame, id_column)
        for number, (expectation, obstacle) in enumerate(
            zip(suite.expectations, obstacles, strict=True)
        )
    ]


def _obstacle(expectation: Expectation, frame: pl.DataFrame) -> str | None:
    if expectation.type == "expect_column_to_exist":
        return None
    for column in expectation.columns:
        if column not in frame.columns:
            return f"there is no column '{column}'{did_you_mean(column, frame.columns)}"
        if frame.schema[column].is_nested():
            return f"column '{column}' holds {frame.schema[column]}, not single values"
    return None


def _flat(frame: pl.DataFrame, suite: Suite, named: Sequence[str]) -> pl.DataFrame:
    """The columns that the suite names, as pandas can hold them.

    An expectation on the table's columns must see all their names; the columns that nothing
    else names hold nulls there.
    """
    on_columns = any(e.type.startswith("expect_table_column") for e in suite.expectations)
    on_existence = any(e.type == "expect_column_to_exist" for e in suite.expectations)
    flat = [c for c in named if not frame.schema[c].is_nested()]
    others = [c for c in frame.columns if c not in flat] if on_columns or on_existence else []
    columns = [*(_plain(frame, c) for c in flat), *(_nulls(frame, c) for c in others)]
    # A frame without columns has no rows, and Great Expectations counts rows.
    return frame.select(columns or _nulls(frame, "row"))


def _nulls(frame: pl.DataFrame, column: str) -> pl.Expr:
    return pl.repeat(None, frame.height, dtype=pl.Null).alias(column)


def _plain(frame: pl.DataFrame, column: str) -> pl.Expr:
    named = frame.schema[column] in {pl.Categorical, pl.Enum}
    return pl.col(column).cast(pl.String) if named else pl.col(column)


def _result(
    expectation: Expectation, found: Mapping[str, Any], frame: pl.DataFrame, id_column: str
) -> Result:
    if "exception" in found:
        return _not_judged(expectation, found["exception"])
    rows = list(found.get("unexpected_index_list") or [])
    failing = found.get("unexpected_count")
    return Result(
        type=expectation.type,
        claim=expectation.text,
        severity=expectation.severity,
        success=found["success"],
        observed=_observed(found),
        failing=None if failing is None else int(failing),
        failing_ids=_ids(frame, rows, id_column),
    )


def _observed(found: Mapping[str, Any]) -> str:
    if found.get("observed_value") is not None:
        value = found["observed_value"]
        return f"{value:.6g}" if isinstance(value, float) else str(value)
    values = list(dict.fromkeys(str(v) for v in found.get("partial_unexpected_list") or []))[:5]
    percent = found.get("unexpected_percent")
    share = "" if percent is None else f"{percent:.4g} % unexpected"
    return f"{share}: {', '.join(values)}" if values else share


def _not_judged(expectation: Expectation, reason: str) -> Result:
    return Result(
        type=expectation.type,
        claim=expectation.text,
        severity=expectation.severity,
        success=False,
        observed="",
        not_judged=f"could not be judged: {reason}",
    )


def _ids(frame: pl.DataFrame, rows: Sequence[int], id_column: str) -> tuple[str, ...]:
    if id_column not in frame.columns:
        return tuple(f"row {row}" for row in rows[:SHOWN_IDS])
    return tuple(str(value) for value in frame[id_column].gather(list(rows[:SHOWN_IDS])))
