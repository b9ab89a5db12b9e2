"""The gate: suites and thresholds judged on one commit, and the receipt of it."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg
import polars as pl

from assets.agreement import REPORT as AGREEMENT
from assets.agreement import SCORECARDS
from assets.class_balance import balance_threshold
from assets.dataset_file.models import Dataset
from assets.drift import REPORT as DRIFT
from assets.evidence import gather
from assets.label_issues import LABEL_QUALITY
from assets.metadata import sample
from assets.ports import DatasetStore, Frames
from assets.recipe import canonical_json
from assets.regions.judging import region_thresholds
from assets.runs import Run
from assets.thresholds import (
    Threshold,
    agreement_thresholds,
    careful_people,
    drift_threshold,
    label_thresholds,
    synthetic_thresholds,
)
from quality.gate.digests import objects_digest
from quality.gate.suites import Expectation, Suite, SuiteInvalid, built_in
from quality.regions.region import LABEL
from quality.synthetic.labels import real

RECEIPT = "receipts/gate.json"
JUDGED = ("items/", "votes/", "labels/", "consensus/", "scores/", "history/", "regions/", "recipe/")
TABLES = ("items", "votes", "labels")
CHECKS = {
    **{f"{t}_pass_their_suite": f"Every critical expectation over {t} holds." for t in TABLES},
    "thresholds_hold": "Every threshold of the dataset file holds.",
}
WARNINGS = {"no_suite_raised_a_warning": "Every expectation of severity warning holds."}
LABELS_WITH_SCORES = (
    "SELECT labels.*, confidence, agreement, label_quality "
    "FROM labels LEFT JOIN scores USING (item_id) ORDER BY item_id"
)


@dataclass(frozen=True)
class Judgment:
    """What the gate says of one commit.

    Attributes:
        report: The suites' report (quality.gate.verdict.GateReport).
        thresholds: The dataset file's thresholds with what was observed.
        receipt: What is stored with the commit, JSON-able.
        n_labels: Rows of labels.
    """

    report: Any
    thresholds: tuple[Threshold, ...]
    receipt: dict[str, Any]
    n_labels: int

    @property
    def passed(self) -> bool:
        """Whether the snapshot may be released."""
        return bool(self.receipt["passed"])

    @property
    def markdown(self) -> str:
        """The judgment for people."""
        rows = [
            f"| {'ok' if t.holds else '**failed**'} | {t.claim} | {t.limit} | {t.observed_text} |"
            for t in self.thresholds
        ]
        table = ["### thresholds", "", "| | claim | limit | observed |", "|---|---|---|---|", *rows]
        return f"{self.report.to_markdown()}\n" + "\n".join(table) + "\n"

    def objects(self) -> dict[str, bytes]:
        """Receipt and report, by the path they are stored at."""
        return {RECEIPT: canonical_json(self.receipt), "reports/gate.md": self.markdown.encode()}


def data_sha256(store: DatasetStore, commit: str) -> str:
    """Digest of the data that the gate judges at a commit."""
    found = {o.path: o.sha256 for o in store.listing(commit) if o.path.startswith(JUDGED)}
    return objects_digest(found)


def suites(dataset: Dataset) -> dict[str, Suite]:
    """The built-in suites with what the dataset file adds."""
    stated = dataset.gate
    added = {"items": stated.items, "votes": stated.votes, "labels": stated.labels}
    pattern = LABEL if dataset.has_regions else None
    common = built_in(dataset.classes, label_pattern=pattern)
    return {
        table: common[table].with_expectations(
            Expectation(e.type, e.kwargs, e.severity, e.claim) for e in added[table]
        )
        for table in TABLES
    }


def gate_slips(dataset: Dataset) -> list[str]:
    """Expectations of a dataset file that no run could judge, one sentence a suite."""
    from quality.gate.checks import check_suite

    added = {
        "items": dataset.gate.items,
        "votes": dataset.gate.votes,
        "labels": dataset.gate.labels,
    }
    slips = []
    for table, suite in suites(dataset).items():
        try:
            if added[table]:
                check_suite(suite)
        except SuiteInvalid as error:
            slips.append(f"{dataset.name}: {error}")
    return slips


def judge(run: Run, commit: str, frames: Frames) -> Judgment:
    """Judge a commit: read what would be released, hold it to suites and thresholds."""
    from quality.gate.expectations import gate

    labels = frames.query(run.store, LABELS_WITH_SCORES, at=commit)
    tables = {
        "items": run.items(at=commit),
        "votes": gather(run, commit).counting,
        "labels": _with_issues(run, commit, real(labels)),
    }
    digest = data_sha256(run.store, commit)
    report = gate(tables, list(suites(run.dataset).values()), data_digest=digest)
    thresholds = (
        *_thresholds(run, commit, tables["labels"]),
        *synthetic_thresholds(run.dataset, labels),
    )
    return Judgment(report, thresholds, _receipt(report, thresholds, labels, digest), labels.height)


def _with_issues(run: Run, commit: str, labels: pl.DataFrame) -> pl.DataFrame:
    issues = pl.read_parquet(run.store.fetch(commit, [LABEL_QUALITY])[LABEL_QUALITY])
    flagged = issues.select("item_id", label_issue=pl.col("is_issue").cast(pl.Float64))
    return labels.join(flagged, on="item_id", how="left")


def _thresholds(run: Run, commit: str, labels: pl.DataFrame) -> list[Threshold]:
    store, dataset = run.store, run.dataset
    cards = pl.read_parquet(store.fetch(commit, [SCORECARDS])[SCORECARDS])
    return [
        *label_thresholds(dataset, labels, int(labels["label_issue"].sum() or 0)),
        *([] if dataset.has_regions else [balance_threshold(dataset, labels)]),
        *agreement_thresholds(dataset, json.loads(store.read(commit, AGREEMENT))),
        careful_people(dataset, cards),
        drift_threshold(dataset, store.read(commit, DRIFT)),
        *region_thresholds(run, commit),
    ]


def _receipt(
    report: Any, thresholds: tuple[Threshold, ...], labels: pl.DataFrame, digest: str
) -> dict[str, Any]:
    from quality.gate.receipt import Receipt

    failed = [f"{table}: {result.claim}" for table, result in report.failures("critical")]
    failed += [f"{t.claim}, observed {t.observed_text}" for t in thresholds if not t.holds]
    return {
        "passed": not failed,
        "failed": failed,
        "data_sha256": digest,
        "suites": asdict(Receipt.of(report)),
        "thresholds": [t.to_json() for t in thresholds],
        "states": dict(labels["state"].value_counts().sort("state").iter_rows()),
    }


def results(judgment: Judgment) -> list[dg.AssetCheckResult]:
    """The judgment as asset checks: blocking ones for what stops, one for warnings."""
    found = [_suite_result(verdict) for verdict in judgment.report.verdicts]
    broken = [t for t in judgment.thresholds if not t.holds]
    warnings = judgment.report.failures("warning")
    return [
        *found,
        dg.AssetCheckResult(
            check_name="thresholds_hold",
            passed=not broken,
            metadata={
                "failed": "; ".join(f"{t.claim}: {t.observed_text}" for t in broken),
                **{t.claim: t.observed_text for t in judgment.thresholds},
            },
        ),
        dg.AssetCheckResult(
            check_name="no_suite_raised_a_warning",
            passed=not warnings,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"warnings": len(warnings), "failing": _failing([r for _, r in warnings])},
        ),
    ]


def _suite_result(verdict: Any) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=f"{verdict.table}_pass_their_suite",
        passed=verdict.success,
        metadata={
            "rows": verdict.rows,
            "failed": "; ".join(r.claim for r in verdict.failures("critical")),
            "report": dg.MetadataValue.md(verdict.to_markdown()),
            "failing rows": _failing(verdict.failures("critical")),
        },
    )


def _failing(failures: Any) -> dg.MetadataValue[Any]:
    """Failing rows by item id, claim by claim."""
    rows = [(r.claim, item_id) for r in failures for item_id in r.failing_ids]
    rows += [(r.claim, r.not_judged or r.observed) for r in failures if not r.failing_ids]
    schema = {"claim": pl.String, "item_id": pl.String}
    return sample(pl.DataFrame(rows, schema=schema, orient="row"), rows=200)
