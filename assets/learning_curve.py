"""The learning curve: human labels and estimated quality of every release, in one report."""

import json
from typing import Any

import polars as pl

from assets.acceptance import REPORT as ACCEPTANCE
from assets.evidence import ACCEPTED, last_release
from assets.metadata import picture, sample
from assets.recipe import canonical_json
from assets.runs import Run
from quality.ledger import effective_votes
from quality.schema import LABELS, VOTES
from quality.synthetic.labels import real

REPORT = "reports/learning_curve.json"
NEWEST = 20
POINT = {
    "release": pl.String,
    "items": pl.Int64,
    "human_labels": pl.Int64,
    "human_votes": pl.Int64,
    "accepted": pl.Float64,
    "auto": pl.Float64,
    "accepted_from": pl.Float64,
    "calibrated": pl.Boolean,
    "judged_blind": pl.Int64,
    "precision": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def learning_curve_objects(run: Run, at: str, release: str) -> dict[str, bytes]:
    """The points of all releases so far and of the one to be, at a commit of the run's branch."""
    points = [*_earlier(run), _point(run, at, release)]
    return {REPORT: canonical_json(points)}


def learning_curve_metadata(run: Run, at: str) -> dict[str, Any]:
    """What people see: the newest point as figures that Dagster draws, all points as a picture."""
    from quality.pictures.learning_curve import learning_curve

    points = pl.DataFrame(json.loads(run.store.read(at, REPORT)), schema=POINT)
    newest = points.row(-1, named=True)
    figures = {
        "human_labels": newest["human_labels"],
        "human_votes": newest["human_votes"],
        "share_accepted": newest["accepted"],
        "share_auto": newest["auto"],
        "precision_of_unseen": newest["precision"],
    }
    return {
        **{name: value for name, value in figures.items() if value is not None},
        "quality against human labels": picture(learning_curve(points)),
        "learning curve": sample(points.tail(NEWEST).reverse(), rows=NEWEST),
    }


def _earlier(run: Run) -> list[dict[str, Any]]:
    """The points that the last release holds; none where it is older than this report."""
    last = last_release(run.store)
    if last is None or not any(o.path == REPORT for o in run.store.listing(last[1], REPORT)):
        return []
    return list(json.loads(run.store.read(last[1], REPORT)))


def _point(run: Run, at: str, release: str) -> dict[str, Any]:
    labels = real(run.table(LABELS, at=at))
    people = effective_votes(run.table(VOTES, at=at)).filter(pl.col("actor_kind") == "human")
    unseen = json.loads(run.store.read(at, ACCEPTANCE))
    n = max(labels.height, 1)
    return {
        "release": release,
        "items": labels.height,
        "human_labels": labels.filter(pl.col("n_human") > 0).height,
        "human_votes": people.drop_nulls("label").height,
        "accepted": labels.filter(pl.col("state").is_in(ACCEPTED)).height / n,
        "auto": labels.filter(state="auto").height / n,
        "accepted_from": unseen["threshold"],
        "calibrated": unseen["calibrated"],
        "judged_blind": unseen["judged"],
        **{name: unseen[name] for name in ("precision", "low", "high")},
    }
