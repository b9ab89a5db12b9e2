"""The agreement report as a page for people."""

from collections.abc import Mapping, Sequence

import polars as pl

from quality.agreement.figure import Figure
from quality.agreement.report import AgreementReport

_HEADINGS = {
    "percent": "Percent",
    "krippendorff_alpha": "Krippendorff alpha",
    "taxonomy_alpha": "Alpha by taxonomy",
    "fleiss_kappa": "Fleiss kappa",
    "gwet_ac1": "Gwet AC1",
    "kappa": "Kappa",
}
_SECTIONS = {
    "With and without circular votes": ("all", "independent"),
    "Blind and anchored": ("blind", "anchored"),
    "People and machines": ("human-human", "model-model", "model-model/all"),
    "People against machines": (
        "human-model",
        "human-model/all",
        "human-model/blind",
        "human-model/anchored",
    ),
}


def render(report: AgreementReport, *, max_rows: int = 25) -> str:
    """The report in Markdown; long tables end with how many rows were left out."""
    parts = [
        "# Agreement",
        _summary(report.counts),
    ]
    for title, scopes in _SECTIONS.items():
        parts += [f"## {title}", _figures_table(report, scopes)]
    parts += ["## Classes", _frame_table(report.classes.sort("n_votes", descending=True), max_rows)]
    actors = report.actors.sort("n_votes", "actor", descending=[True, False])
    parts += ["## Actors", _frame_table(actors, max_rows)]
    pairs = report.pairs.filter(pl.col("n_items") > 0).sort(
        "n_items", "actor", "other", descending=[True, False, False]
    )
    parts += ["## Pairs of actors", _frame_table(pairs, max_rows)]
    parts += ["## Notes", "\n".join(f"- {note}" for note in report.notes)]
    return "\n\n".join(parts) + "\n"


def _summary(counts: Mapping[str, int]) -> str:
    """What the report is about, in one sentence."""
    return (
        f"{counts['votes']:,} votes of {counts['actors']:,} actors on {counts['items']:,} items; "
        f"{counts['abstained']:,} abstained, {counts['superseded']:,} superseded, "
        f"{counts['circular']:,} circular, {counts['anchored']:,} anchored. "
        "Intervals are 95 %, from resampling items."
    )


def most_active(report: AgreementReport, limit: int) -> list[str]:
    """Names of the actors with the most votes among those compared in pairs, by name."""
    compared = pl.concat([report.pairs["actor"], report.pairs["other"]]).unique()
    actors = report.actors.filter(pl.col("actor").is_in(compared.implode()))
    by_votes = actors.sort("n_votes", "actor", descending=[True, False])
    return sorted(by_votes["actor"].head(limit).to_list())


def _figures_table(report: AgreementReport, scopes: Sequence[str]) -> str:
    """One row per scope, one column per figure; reasons below, each once."""
    names = list(report.figures[scopes[0]])
    rows = [
        [scope, *_sizes(report.figures[scope]), *(_cell(report.figures[scope][n]) for n in names)]
        for scope in scopes
    ]
    table = _table(["Votes", "Items", "Actors", *(_HEADINGS[name] for name in names)], rows)
    reasons = dict.fromkeys(
        f"{scope}: {figure.reason}."
        for scope in scopes
        for figure in report.figures[scope].values()
        if figure.reason
    )
    return "\n\n".join([table, *reasons])


def _sizes(figures: Mapping[str, Figure]) -> list[str]:
    """Items and actors behind the figures of one scope."""
    first = next(iter(figures.values()))
    return [f"{first.n_items:,}", f"{first.n_actors:,}"]


def _cell(figure: Figure) -> str:
    """A figure in a table; its reason stands below."""
    return "none" if figure.value is None else str(figure)


def _frame_table(frame: pl.DataFrame, max_rows: int) -> str:
    """A frame as a table; null is an empty cell."""
    rows = [[_value(value) for value in row] for row in frame.head(max_rows).iter_rows()]
    table = _table([name.replace("_", " ") for name in frame.columns], rows)
    left = frame.height - max_rows
    return table if left <= 0 else f"{table}\n\n{left:,} more rows are in the JSON report."


def _value(value: object) -> str:
    """One value as text."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
