"""What the gate found: a result for each expectation, a verdict for each table, a report."""

from collections.abc import Iterable
from dataclasses import dataclass

from quality.gate.suites import Severity

SHOWN_IDS = 50


@dataclass(frozen=True)
class Result:
    """One expectation judged.

    Attributes:
        type: The expectation's type; `no_nan` for the gate's own look for NaN.
        claim: What is true when it passed.
        severity: critical or warning.
        success: Whether it passed; False too where it could not be judged.
        observed: What was seen, in a few words.
        failing: Number of rows that fail; None where the expectation is not about rows.
        failing_ids: Ids of the first 50 of them.
        not_judged: Why it could not be judged; None where it was.
    """

    type: str
    claim: str
    severity: Severity
    success: bool
    observed: str
    failing: int | None = None
    failing_ids: tuple[str, ...] = ()
    not_judged: str | None = None


@dataclass(frozen=True)
class Verdict:
    """One suite judged on one table.

    Attributes:
        suite: Name of the suite.
        table: Name of the table.
        suite_digest: Digest of what was expected.
        rows: Rows of the table.
        results: One result for each expectation, in the suite's order.
    """

    suite: str
    table: str
    suite_digest: str
    rows: int
    results: tuple[Result, ...]

    @property
    def success(self) -> bool:
        """Whether every critical expectation passed."""
        return not self.failures("critical")

    def failures(self, severity: Severity) -> tuple[Result, ...]:
        """The results of one severity that did not pass."""
        return tuple(r for r in self.results if not r.success and r.severity == severity)

    def to_markdown(self) -> str:
        """A table for people, what failed first."""
        state = "passed" if self.success else "failed"
        heading = f"### {self.table}: {state} ({self.rows:,} rows)\n\n"
        columns = "| | claim | severity | observed | rows failing |\n|---|---|---|---|---|\n"
        ordered = sorted(self.results, key=lambda r: r.success)
        return heading + columns + "".join(_line(result) for result in ordered)


@dataclass(frozen=True)
class GateReport:
    """All suites judged on the data of one commit.

    Attributes:
        verdicts: One for each suite.
        data_digest: Digest of the data that was judged.
    """

    verdicts: tuple[Verdict, ...]
    data_digest: str

    @property
    def success(self) -> bool:
        """Whether every critical expectation of every suite passed."""
        return all(verdict.success for verdict in self.verdicts)

    def failures(self, severity: Severity) -> tuple[tuple[str, Result], ...]:
        """The results of one severity that did not pass, each with its table."""
        return tuple((v.table, r) for v in self.verdicts for r in v.failures(severity))

    def to_markdown(self) -> str:
        """The report for people."""
        critical, warnings = len(self.failures("critical")), len(self.failures("warning"))
        total = sum(len(v.results) for v in self.verdicts)
        verdict = "**Passed**" if self.success else "**Failed**"
        summary = (
            f"{verdict}: {total} expectations, {critical} critical failed, {warnings} warnings.\n\n"
        )
        return summary + "\n".join(v.to_markdown() for v in self.verdicts)


def _line(result: Result) -> str:
    mark = "ok" if result.success else "**not judged**" if result.not_judged else "**failed**"
    ids = _ids(result.failing_ids, result.failing or 0)
    failing = "" if not result.failing else f"{result.failing:,}{ids}"
    observed = result.not_judged or result.observed
    cells = (mark, result.claim, result.severity, observed, failing)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |\n"


def _ids(ids: Iterable[str], failing: int) -> str:
    shown = [f"`{i[:12]}`" for i in ids][:5]
    more = ", ..." if failing > len(shown) else ""
    return f": {', '.join(shown)}{more}" if shown else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
