"""Great Expectations, the only module that speaks to it."""

import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl

from quality.gate.hints import did_you_mean
from quality.gate.suites import Expectation

# Arguments that the gate itself gives to every expectation.
_OURS = {"meta", "severity", "result_format", "catch_exceptions", "batch_id", "id", "windows"}


def validated(
    frame: pl.DataFrame, expectations: Mapping[int, Expectation]
) -> dict[int, Mapping[str, Any]]:
    """What Great Expectations finds of each expectation, by its number.

    Args:
        frame: Single values only, no lists or structs.
        expectations: By a number of the caller's, since the results come in another order.

    Returns:
        success, and what its result holds in the COMPLETE format, of which
        `unexpected_index_list` are row numbers; or exception, the message of what was raised.
    """
    from great_expectations.core.expectation_suite import ExpectationSuite

    with _quietly():
        suite = ExpectationSuite(
            name="gate",
            expectations=[
                _implementation(e)(**e.kwargs, severity=e.severity, meta={"number": number})
                for number, e in expectations.items()
            ],
        )
        results = _batch(frame).validate(suite, result_format={"result_format": "COMPLETE"}).results
    return {r.expectation_config.meta["number"]: _found(r) for r in results}


def argument_faults(expectations: Sequence[Expectation]) -> list[str]:
    """Unknown types and bad arguments, one sentence each."""
    import great_expectations  # noqa: F401 - fills the registry
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    known = list_registered_expectation_implementations()
    faults: list[str] = []
    for number, expectation in enumerate(expectations, start=1):
        where = f"expectation {number} ({expectation.type})"
        if expectation.type not in known:
            likely = did_you_mean(expectation.type, known)
            faults.append(f"{where}: no such type in Great Expectations{likely}")
        else:
            faults += [f"{where}: {fault}" for fault in _refusals(expectation)]
    return faults


def _batch(frame: pl.DataFrame) -> Any:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("gate").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole").get_batch(
        {"dataframe": frame.to_pandas()}
    )


def _found(result: Any) -> Mapping[str, Any]:
    """The result, or the messages of exceptions, which Great Expectations nests by metric."""
    info = result.exception_info
    raised = [info] if "raised_exception" in info else [m for m in info.values() if m]
    messages = [str(m["exception_message"]) for m in raised if m["raised_exception"]]
    if messages:
        return {"exception": "; ".join(dict.fromkeys(messages))}
    return {**dict(result.result or {}), "success": bool(result.success)}


def _implementation(expectation: Expectation) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    return get_expectation_impl(expectation.type)


def _refusals(expectation: Expectation) -> list[str]:
    reserved = sorted(_OURS & expectation.kwargs.keys())
    if reserved:
        return [f"the gate sets {reserved} itself; leave them out of kwargs"]
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
