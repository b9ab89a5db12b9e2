"""The demo's last screen: what was measured, and where to look next."""

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl

from assets.evidence import ACCEPTED
from assets.learning_curve import REPORT as LEARNING_CURVE
from assets.ports import DatasetStore
from orchestration.cli.output import console, show_rows
from quality.schema import LABELS
from quality.synthetic.labels import real


def summary(store: DatasetStore, truth: dict[str, str], figures: dict[str, Any]) -> dict[str, Any]:
    """The measured figures, JSON-able; accuracy is against the digits' own classes."""
    return {**figures, "releases": [_release(store, name, truth) for name in store.releases()]}


def _release(store: DatasetStore, name: str, truth: dict[str, str]) -> dict[str, Any]:
    table = store.table(store.head(name), f"{LABELS.name}/")
    labels = LABELS.empty() if table is None else real(table.collect())
    true = pl.col("item_id").replace_strict(truth, default=None, return_dtype=pl.String)
    accepted = labels.filter(pl.col("state").is_in(ACCEPTED)).with_columns(true=true)
    states = dict(labels["state"].value_counts().iter_rows())
    right = accepted.select((pl.col("label") == pl.col("true")).mean()).item()
    return {
        "release": name,
        "items": labels.height,
        **{
            state: int(states.get(state, 0)) for state in ("auto", "human", "disputed", "unlabeled")
        },
        "accepted labels right": None if right is None else round(float(right), 4),
        **_unseen(store, name, accepted),
    }


def _unseen(store: DatasetStore, release: str, accepted: pl.DataFrame) -> dict[str, Any]:
    """What people's blind answers say of labels that nobody looked at, and what is true."""
    point = json.loads(store.read(store.head(release), LEARNING_CURVE))[-1]
    auto = accepted.filter(state="auto")
    right = auto.select((pl.col("label") == pl.col("true")).mean()).item()
    low, high = point["low"], point["high"]
    return {
        "auto, estimated": None if low is None else f"{low:.3f} to {high:.3f}",
        "auto, true": None if right is None else round(float(right), 4),
    }


def show_summary(found: dict[str, Any], folder: Path) -> None:
    """Print the figures and what to look at next."""
    console.rule("[bold]What was measured", align="left")
    show_rows(found["releases"], empty="nothing was released")
    console.print(
        f"\n{found.get('human_votes', 0)} answers by simulated reviewers; "
        f"{found.get('seconds', 0):.0f} seconds in all",
        highlight=False,
    )
    typed = Path(sys.argv[0])
    command = typed if typed.name == "hallmark" else "hallmark"
    console.print(
        "\nLook next:\n"
        "  make up                                       the chain in the Dagster UI\n"
        f"  {command} diff v0001 v0002 -p {folder}             what changed between two releases\n"
        f'  {command} sql "FROM history" -p {folder}           every change of every label\n'
        f"  {command} trace ITEM -p {folder}                   one label, every vote behind it",
        highlight=False,
        markup=False,
    )
