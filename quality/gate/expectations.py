"""Great Expectations, fed: suites checked before a run, and judged on a frame."""

import logging
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import polars as pl

from quality.gate.digests import frames_digest
from quality.gate.suites import Expectation, Suite, SuiteInvalid, columns_of, with_derived
from quality.gate.verdict import SHOWN_IDS, GateReport, Result, Verdict

_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")
_OURS = {"meta", "severity", "result_format", "catch_exceptions", "batch_id", "id", "windows"}


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
    results = [r for r in nan if r is not None] + _validated(table, suite, named, id_column)
    return Verdict(suite.name, suite.table, suite.digest, frame.height, tuple(results))


def check_suite(suite: Suite) -> None:
    """Refuse a suite that no run could judge, before any run.

    Raises:
        SuiteInvalid: names every unknown type, bad argument, unknown column, and expectation
            that needs an SQL engine.
    """
    faults = _argument_faults(suite) or _column_faults(suite) or _engine_faults(suite)
    if faults:
        raise SuiteInvalid(suite.name, tuple(faults))


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
        named.update(_columns(expectation))
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


def _validated(
    frame: pl.DataFrame, suite: Suite, named: Sequence[str], id_column: str
) -> list[Result]:
    """A result for each expectation; those that the frame cannot answer are not asked."""
    obstacles = [_obstacle(expectation, frame) for expectation in suite.expectations]
    asked = [p for p, obstacle in enumerate(obstacles) if obstacle is None]
    judged = _judged(_flat(frame, suite, named), suite, asked)
    return [
        _result(expectation, judged[position], frame, id_column)
        if obstacle is None
        else _not_judged(expectation, obstacle)
        for position, (expectation, obstacle) in enumerate(
            zip(suite.expectations, obstacles, strict=True)
        )
    ]


def _judged(frame: pl.DataFrame, suite: Suite, asked: Sequence[int]) -> dict[int, Any]:
    """Great Expectations' own results, by position in the suite; it answers in another order."""
    with _quietly():
        validation = _batch(frame).validate(
            _expectation_suite(suite, asked), result_format={"result_format": "COMPLETE"}
        )
    return {r.expectation_config.meta["position"]: r for r in validation.results}


def _columns(expectation: Expectation) -> list[str]:
    """The columns that the expectation's arguments name."""
    values = [expectation.kwargs[key] for key in _COLUMN_ARGUMENTS if key in expectation.kwargs]
    lists = [value if isinstance(value, list | tuple) else [value] for value in values]
    return [str(column) for columns in lists for column in columns]


def _obstacle(expectation: Expectation, frame: pl.DataFrame) -> str | None:
    if expectation.type == "expect_column_to_exist":
        return None
    for column in _columns(expectation):
        if column not in frame.columns:
            return f"there is no column '{column}'{_hint(column, frame.columns)}"
        if frame.schema[column].is_nested():
            return f"column '{column}' holds {frame.schema[column]}, not single values"
    return None


def _hint(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _flat(frame: pl.DataFrame, suite: Suite, named: Sequence[str]) -> pl.DataFrame:
    """The columns that the suite names, as pandas can hold them.

    An expectation on the table's columns must see all their names; those that nothing else
    names hold nulls, which cost no memory.
    """
    on_columns = any(e.type.startswith("expect_table_column") for e in suite.expectations)
    on_existence = any(e.type == "expect_column_to_exist" for e in suite.expectations)
    flat = [c for c in named if not frame.schema[c].is_nested()]
    others = [c for c in frame.columns if c not in flat] if on_columns or on_existence else []
    narrowed = frame.select(
        *(_plain(frame, c) for c in flat), *(pl.lit(None).alias(c) for c in others)
    )
    # Great Expectations counts rows of the frame it is given, even of one without columns.
    return (
        narrowed
        if narrowed.width
        else pl.DataFrame({"row": pl.int_range(frame.height, eager=True)})
    )


def _plain(frame: pl.DataFrame, column: str) -> pl.Expr:
    named = frame.schema[column] in {pl.Categorical, pl.Enum}
    return pl.col(column).cast(pl.String) if named else pl.col(column)


def _batch(frame: pl.DataFrame) -> Any:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("gate").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole").get_batch(
        {"dataframe": frame.to_pandas()}
    )


def _expectation_suite(suite: Suite, asked: Sequence[int]) -> Any:
    from great_expectations.core.expectation_suite import ExpectationSuite

    faults = _argument_faults(suite)
    if faults:
        raise SuiteInvalid(suite.name, tuple(faults))
    chosen = [(position, suite.expectations[position]) for position in asked]
    return ExpectationSuite(
        name=suite.name,
        expectations=[
            _implementation(e)(**e.kwargs, severity=e.severity, meta={"position": position})
            for position, e in chosen
        ],
    )


def _result(expectation: Expectation, judged: Any, frame: pl.DataFrame, id_column: str) -> Result:
    fault = _exception(judged.exception_info)
    if fault is not None:
        return _not_judged(expectation, fault)
    found: dict[str, Any] = dict(judged.result or {})
    rows = found.get("unexpected_index_list")
    failing = found.get("unexpected_count")
    return Result(
        type=expectation.type,
        claim=expectation.text,
        severity=expectation.severity,
        success=bool(judged.success),
        observed=_observed(found),
        failing=None if failing is None else int(failing),
        failing_ids=_ids(frame, list(rows or [])[:SHOWN_IDS], id_column),
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


def _exception(info: Mapping[str, Any]) -> str | None:
    """The message of an exception that judging raised; Great Expectations nests it by metric."""
    if "raised_exception" in info:
        return str(info.get("exception_message")) if info["raised_exception"] else None
    messages = [str(m.get("exception_message")) for m in info.values() if isinstance(m, dict)]
    return "; ".join(dict.fromkeys(messages)) or None


def _ids(frame: pl.DataFrame, rows: Sequence[int], id_column: str) -> tuple[str, ...]:
    if id_column not in frame.columns:
        return tuple(f"row {row}" for row in rows[:SHOWN_IDS])
    return tuple(str(value) for value in frame[id_column].gather(list(rows[:SHOWN_IDS])))


def _implementation(expectation: Expectation) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    return get_expectation_impl(expectation.type)


def _argument_faults(suite: Suite) -> list[str]:
    import great_expectations  # noqa: F401 - fills the registry
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    known = list_registered_expectation_implementations()
    faults: list[str] = []
    for position, expectation in enumerate(suite.expectations, start=1):
        where = f"expectation {position} ({expectation.type})"
        if expectation.type not in known:
            hint = _hint(expectation.type, known)
            faults.append(f"{where}: no such type in Great Expectations{hint}")
            continue
        reserved = sorted(_OURS & expectation.kwargs.keys())
        if reserved:
            faults.append(f"{where}: the gate sets {reserved} itself; leave them out of kwargs")
            continue
        faults += [f"{where}: {fault}" for fault in _refusals(expectation)]
    return faults


def _refusals(expectation: Expectation) -> list[str]:
    try:
        for pattern in [
            expectation.kwargs.get("regex", ""),
            *expectation.kwargs.get("regex_list", []),
        ]:
            re.compile(pattern)
        with _quietly():
            _implementation(expectation)(**expectation.kwargs)
    except ValueError as error:
        errors = getattr(error, "errors", None)
        if errors is None:
            return [str(error)]
        stated = [(".".join(str(p) for p in e["loc"]), e["msg"]) for e in errors()]
        return [msg if loc == "__root__" else f"kwargs.{loc}: {msg}" for loc, msg in stated]
    except (TypeError, re.error) as error:
        return [str(error)]
    return []


def _column_faults(suite: Suite) -> list[str]:
    allowed = columns_of(suite.table)
    return [
        f"expectation {position} ({expectation.type}): "
        f"table {suite.table} has no column '{column}'{_hint(column, allowed)}"
        for position, expectation in enumerate(suite.expectations, start=1)
        for column in _columns(expectation)
        if allowed and column not in allowed
    ]


def _engine_faults(suite: Suite) -> list[str]:
    """Expectations that only another engine can judge, found by trying them on two empty rows."""
    blank = pl.DataFrame({column: [None, None] for column in sorted(columns_of(suite.table))})
    judged = _judged(blank, suite, range(len(suite.expectations)))
    messages = [_exception(judged[p].exception_info) or "" for p in range(len(judged))]
    return [
        f"expectation {position} ({suite.expectations[position - 1].type}): needs an SQL engine; "
        "the gate judges data frames"
        for position, message in enumerate(messages, start=1)
        if "No provider found" in message
    ]


@contextmanager
def _quietly() -> Iterator[None]:
    """Great Expectations without log lines and deprecations, whatever the caller logs."""
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(before)
