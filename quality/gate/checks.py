"""Suites checked before any run, so that no run fails for a slip in the dataset file."""

import polars as pl

from quality.gate.engine import argument_faults, validated
from quality.gate.hints import did_you_mean
from quality.gate.suites import Suite, SuiteInvalid, columns_of


def check_suite(suite: Suite) -> None:
    """Refuse a suite that no run could judge.

    Raises:
        SuiteInvalid: names every unknown type, bad argument, unknown column, and expectation
            that needs an SQL engine.
    """
    faults = argument_faults(suite.expectations) or _column_faults(suite) or _engine_faults(suite)
    if faults:
        raise SuiteInvalid(suite.name, tuple(faults))


def _column_faults(suite: Suite) -> list[str]:
    allowed = columns_of(suite.table)
    return [
        f"expectation {position} ({expectation.type}): "
        f"table {suite.table} has no column '{column}'{did_you_mean(column, allowed)}"
        for position, expectation in enumerate(suite.expectations, start=1)
        for column in expectation.columns
        if allowed and column not in allowed
    ]


def _engine_faults(suite: Suite) -> list[str]:
    """Expectations that only another engine can judge, found by trying them on two empty rows."""
    blank = pl.DataFrame({column: [None, None] for column in sorted(columns_of(suite.table))})
    found = validated(blank, dict(enumerate(suite.expectations, start=1)))
    return [
        f"expectation {number} ({suite.expectations[number - 1].type}): needs an SQL engine; "
        "the gate judges data frames"
        for number, result in sorted(found.items())
        if "No provider found" in result.get("exception", "")
    ]
