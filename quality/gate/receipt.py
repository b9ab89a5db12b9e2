"""The receipt: what was expected, of which data, with which verdict."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from quality.errors import QualityError
from quality.gate.verdict import GateReport, Result


class ReceiptUnreadable(QualityError):
    """Bytes that are no receipt.

    Attributes:
        reason: What is wrong with them.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"not a receipt of the gate: {reason}; expected what Receipt.to_json made")


@dataclass(frozen=True)
class Receipt:
    """The gate's verdict on one commit's data, small enough to be stored with it.

    Attributes:
        passed: Whether every critical expectation passed.
        data_digest: Digest of the data that was judged.
        suite_digests: Digest of each suite, by table.
        counts: expectations, passed, failed_critical, failed_warning, not_judged.
        failures: What did not pass: table, claim, severity, observed, failing, failing_ids.
    """

    passed: bool
    data_digest: str
    suite_digests: dict[str, str]
    counts: dict[str, int]
    failures: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, report: GateReport) -> Self:
        """The receipt of a report."""
        failures = [*report.failures("critical"), *report.failures("warning")]
        results = [result for verdict in report.verdicts for result in verdict.results]
        return cls(
            passed=report.success,
            data_digest=report.data_digest,
            suite_digests={v.table: v.suite_digest for v in report.verdicts},
            counts={
                "expectations": len(results),
                "passed": sum(r.success for r in results),
                "failed_critical": len(report.failures("critical")),
                "failed_warning": len(report.failures("warning")),
                "not_judged": sum(r.not_judged is not None for r in results),
            },
            failures=tuple(_failure(table, result) for table, result in failures),
        )

    def covers(self, data_digest: str) -> bool:
        """Whether the gate passed exactly this data."""
        return self.passed and self.data_digest == data_digest

    def to_json(self) -> bytes:
        """The receipt as stored; the same receipt is the same bytes."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """A stored receipt. Raises ReceiptUnreadable."""
        try:
            stated = json.loads(content)
            receipt = cls(**{**stated, "failures": tuple(stated["failures"])})
        except (ValueError, TypeError, KeyError) as error:
            raise ReceiptUnreadable(f"{type(error).__name__}: {error}") from error
        return receipt


def _failure(table: str, result: Result) -> dict[str, Any]:
    return {
        "table": table,
        "claim": result.claim,
        "severity": result.severity,
        "observed": result.not_judged or result.observed,
        "failing": result.failing,
        "failing_ids": list(result.failing_ids),
    }
