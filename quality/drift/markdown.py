"""A drift report as Markdown, for people and for the Dagster UI."""

from typing import TYPE_CHECKING

from quality.drift.columns import FeatureDrift

if TYPE_CHECKING:
    from quality.drift.report import DriftReport

HEADLINES = {
    "none": "No drift",
    "watch": "Worth a look",
    "drift": "Drift",
    "too_few": "Too few rows to say",
}
HEADER = "| column | kind | effect | corrected p | PSI | JS | statistic | verdict | note |"
RULE = "|---|---|---:|---:|---:|---:|---:|---|---|"


def report_markdown(report: "DriftReport") -> str:
    """Verdict, reasons, sample sizes, and one table row per thing compared."""
    rows = [*report.features, report.embedding, report.label, report.confidence]
    ranked = sorted((r for r in rows if r is not None), key=lambda row: -(row.effect or 0.0))
    policy = report.policy
    sizes = f"{report.n_current:,} rows now against {report.n_reference:,} in the reference"
    lines = [f"**{HEADLINES[report.verdict]}**: {sizes}.", ""]
    lines += [f"- {_cell(reason)}" for reason in report.reasons]
    if ranked:
        lines += ["", HEADER, RULE, *(_row(row) for row in ranked)]
    certain = f"a corrected p ({policy.correction}) of at most {policy.alpha:g}"
    large = f"an effect, the share of probability that moved, of at least {policy.min_effect:g}"
    lines += ["", f"Drift is {certain} and {large}."]
    if policy.thresholds:
        lines[-1] += (
            " Columns are held to what accepted batches differ by, where that is known, instead "
            "of to p."
        )
    return "\n".join(lines) + "\n"


def _row(row: FeatureDrift) -> str:
    verdict = "drift" if row.drifted else "watch" if row.watched else ""
    figures = [row.effect, row.corrected_p, row.psi, row.js, row.statistic]
    cells = [
        _cell(row.name),
        row.kind,
        *("" if figure is None else f"{figure:.3g}" for figure in figures),
        verdict,
        _cell(row.reason or ""),
    ]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
