"""Human labels saved on handwritten digits: predict, accept what is sure, ask, retrain, repeat.

The people are simulated: they answer with the digits' own classes and are always right. Everything
else is Hallmark's: labelers from its registry (label spreading by distance and by angle, logistic
regression) vote; CROWDLAB folds the votes; the review queue picks what to ask about, half of it at
random and blind; from the blind answers, judged by cross-fitting, comes the confidence from which
labels are accepted.

Measured is how many of all 1,797 labels are right: a person's answer where there is one, else the
consensus. Random sampling has the same labelers and draws all items at random.

python -m benchmarks.active_digits --json FIGURES --picture PNG [--seeds 5]
"""

import argparse
import json
import os
import statistics
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

# Small matrices: more threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl

from assets.dataset_file.labelers import LabelerBase, SklearnLabeler
from assets.dataset_file.semi_supervised import LabelSpreadingLabeler
from assets.features.matrix import FeatureMatrix
from assets.labelers.interface import Trainer
from assets.labelers.registry import make as make_labeler
from assets.predictions import heard_once, one_classifier
from quality.consensus.aggregators import make as make_aggregator
from quality.evaluation.blind import judged_blind
from quality.evaluation.precision import threshold_for_precision
from quality.selection.queue import EXPLORED, review_queue
from quality.selection.uncertainty import vote_disagreement

WANTED, LEVEL = 0.97, 0.95
SEEDED, BATCH, MOST = 20, 10, 240
EXPLORE = {"loop": 0.5, "random": 1.0}
CLASSES = tuple(str(digit) for digit in range(10))
LABELERS: tuple[LabelerBase, ...] = (
    LabelSpreadingLabeler(name="spreading", kind="label_spreading"),
    LabelSpreadingLabeler(name="by_angle", kind="label_spreading", metric="cosine"),
    SklearnLabeler(name="linear", kind="sklearn", parameters={"max_iter": 500}),
)
HUMAN = {
    "item_id": pl.String,
    "actor": pl.String,
    "actor_kind": pl.String,
    "label": pl.String,
    "anchored": pl.Boolean,
}


@cache
def digits() -> tuple[FeatureMatrix, dict[str, str]]:
    """Features of all digits, and what each really is."""
    from sklearn.datasets import load_digits

    bundle: Any = load_digits()
    pixels = (bundle.data / 16).astype(np.float32)
    ids = tuple(f"digit-{number:04d}" for number in range(len(pixels)))
    names = tuple(f"pixel_{number}" for number in range(pixels.shape[1]))
    features = FeatureMatrix(ids, names, pixels, "pixels", "1")
    return features, dict(zip(ids, map(str, bundle.target), strict=True))


def predictions(answers: pl.DataFrame) -> pl.DataFrame:
    """What each labeler, taught by people's answers, says of every item."""
    features, _ = digits()
    place = {item: row for row, item in enumerate(features.item_ids)}
    known = answers.sort("item_id")
    rows = [place[item] for item in known["item_id"]]
    others = np.setdiff1d(np.arange(len(features)), rows)
    frames = []
    for spec in LABELERS:
        trainer = make_labeler(spec, Path())
        if not isinstance(trainer, Trainer):
            raise TypeError(f"{spec.name} does not learn")
        model = trainer.fit(
            features.take(rows),
            known["label"].to_list(),
            classes=CLASSES,
            unlabeled=features.take(others),
        )
        odds = model.predict_proba(features)
        frames.append(
            pl.DataFrame(
                {
                    "item_id": features.item_ids,
                    "actor": f"model:{spec.name}",
                    "probabilities": pl.Series(odds).arr.to_list(),
                    "label": np.array(CLASSES)[odds.argmax(axis=1)],
                }
            )
        )
    return pl.concat(frames).sort("item_id", "actor")


def estimate(answers: pl.DataFrame) -> pl.DataFrame:
    """item_id, label, confidence, probabilities, disagreement: all that these answers amount to."""
    said = predictions(answers)
    models = said.select("item_id", "actor", "label")
    votes = pl.concat([answers.select("item_id", "actor", "label"), models])
    aggregator = make_aggregator("crowdlab", CLASSES)
    aggregator.fit(heard_once(votes, said), predictions=one_classifier(said))
    return (
        aggregator.predict()
        .select("item_id", "label", "confidence")
        .join(aggregator.predict_proba(), on="item_id")
        .join(vote_disagreement(models, CLASSES).select("item_id", "disagreement"), on="item_id")
    )


@dataclass(frozen=True)
class Round:
    """Where a campaign stood once people had given some answers.

    Attributes:
        human_labels: Items that people labeled.
        right: Share of all labels that are right, people's own among them.
        threshold: Confidence from which labels are accepted; None where none is shown to do.
        accepted: Share of all items that are accepted unseen.
        accepted_right: Share of these that are right.
    """

    human_labels: int
    right: float
    threshold: float | None
    accepted: float
    accepted_right: float | None


# 0.97 ** 99 < 0.05: with fewer blind answers nothing can be shown, so nothing is estimated again.
FEWEST = 99


@dataclass
class Campaign:
    """One dataset being labeled from nothing."""

    seed: int
    explore: float
    answers: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HUMAN))

    def ask(self, items: list[str], *, blind: list[bool]) -> None:
        """Simulated people answer, always rightly."""
        _, truth = digits()
        rows = [
            (item, "human:simulated", "human", truth[item], not unseen)
            for item, unseen in zip(items, blind, strict=True)
        ]
        self.answers = pl.concat([self.answers, pl.DataFrame(rows, schema=HUMAN, orient="row")])

    def step(self) -> Round:
        """Retrain, accept, and ask about the next batch."""
        found = estimate(self.answers)
        place = self._round(found)
        waiting = found.join(self.answers, on="item_id", how="anti")
        features, _ = digits()
        row = {item: number for number, item in enumerate(features.item_ids)}
        queue = review_queue(
            waiting,
            budget=BATCH,
            seed=self.seed * 1000 + self.answers.height,
            weights={"margin": 0.5, "disagreement": 0.5},
            explore=self.explore,
            features=features.matrix[[row[item] for item in waiting["item_id"]]],
        )
        self.ask(queue["item_id"].to_list(), blind=(queue["reason"] == EXPLORED).to_list())
        return place

    def _round(self, found: pl.DataFrame) -> Round:
        _, truth = digits()
        true = pl.col("item_id").replace_strict(truth)
        right = (pl.col("label") == true).alias("right")
        unseen = found.join(self.answers, on="item_id", how="anti").with_columns(right)
        n, unseen_right = self.answers.height, int(unseen["right"].sum())
        threshold = self._threshold()
        taken = unseen.filter(pl.col("confidence") >= (2.0 if threshold is None else threshold))
        return Round(
            human_labels=n,
            right=(n + unseen_right) / len(truth),
            threshold=threshold,
            accepted=taken.height / len(truth),
            accepted_right=taken["right"].mean() if taken.height else None,
        )

    def _threshold(self) -> float | None:
        """The confidence from which the precision is shown; random sampling is not asked for it."""
        if self.explore == 1 or self.answers.filter(~pl.col("anchored")).height < FEWEST:
            return None
        judged = judged_blind(self.answers, estimate)
        return threshold_for_precision(
            judged["confidence"], judged["right"], WANTED, LEVEL
        ).threshold


def campaign(seed: int, explore: float, most: int) -> list[Round]:
    """One dataset labeled from nothing until people gave so many answers."""
    features, _ = digits()
    drawn = np.random.default_rng(seed).permutation(features.item_ids)[:SEEDED]
    made = Campaign(seed, explore)
    made.ask([str(item) for item in drawn], blind=[True] * SEEDED)
    rounds = []
    while made.answers.height <= most:
        rounds.append(made.step())
    return rounds


def needed(rounds: list[Round]) -> int | None:
    """Human labels from which on all labels are right as often as wanted, to the end."""
    short = [place for place, each in enumerate(rounds) if each.right < WANTED]
    after = rounds[short[-1] + 1 :] if short else rounds
    return after[0].human_labels if after else None


def shown(rounds: list[Round]) -> int | None:
    """Human labels at which a threshold was first shown to keep the precision wanted."""
    return next((each.human_labels for each in rounds if each.threshold is not None), None)


def summary(runs: dict[str, list[list[Round]]]) -> dict[str, Any]:
    """The figures: medians and ranges over the seeds."""
    n = len(digits()[1])
    figures: dict[str, Any] = {
        "items": n,
        "wanted": WANTED,
        "confidence_level": LEVEL,
        "people": "simulated, always right",
        "labeling_everything": int(np.ceil(WANTED * n)),
    }
    for name, campaigns in runs.items():
        labels = [needed(rounds) for rounds in campaigns]
        known = [each for each in labels if each is not None]
        unseen = [
            each for rounds in campaigns for each in rounds if each.accepted_right is not None
        ]
        figures[name] = {
            "human_labels_needed": labels,
            "median": statistics.median(known) if len(known) == len(labels) else None,
            "share_of_items": statistics.median(known) / n if len(known) == len(labels) else None,
            "first_threshold_shown_at": [shown(rounds) for rounds in campaigns],
            "rounds_with_a_threshold": len(unseen),
            "of_these_below_the_precision": sum(each.accepted_right < WANTED for each in unseen),
            "rounds": [[asdict(each) for each in rounds] for rounds in campaigns],
        }
    return figures


def drawn(figures: dict[str, Any]) -> bytes:
    """PNG of the share right against human labels: median and range over the seeds."""
    from quality.pictures.canvas import BLUE, GRID, INK, MUTED, ORANGE, png, sheet

    seeds = len(figures["loop"]["rounds"])
    axes = sheet(
        "Human labels against right labels, 1,797 digits",
        height=4.4,
        subtitle=f"median and range of {seeds} seeds; the people are simulated and always right",
    )
    for name, colour, text in (("loop", BLUE, "the loop"), ("random", ORANGE, "random sampling")):
        rounds = figures[name]["rounds"]
        asked = [each["human_labels"] for each in rounds[0]]
        right = np.array([[each["right"] for each in one] for one in rounds])
        axes.fill_between(asked, right.min(0), right.max(0), color=colour, alpha=0.2, linewidth=0)
        axes.plot(asked, np.median(right, axis=0), color=colour, linewidth=2, label=text)
        if figures[name]["median"] is not None:
            axes.plot(figures[name]["median"], WANTED, "o", color=colour, markersize=7)
    axes.axhline(WANTED, color=MUTED, linewidth=1, linestyle="--")
    axes.axvline(figures["items"] / 10, color=MUTED, linewidth=1, linestyle=":")
    axes.annotate("10 % of the items", (figures["items"] / 10, 0.87), (4, 0),
                  textcoords="offset points", color=MUTED, fontsize=9)  # fmt: skip
    axes.annotate("97 %", (MOST, WANTED), (-26, -12), textcoords="offset points", color=MUTED,
                  fontsize=9)  # fmt: skip
    axes.set_ylim(0.8, 1.0)
    axes.set_xlim(SEEDED, MOST)
    axes.grid(color=GRID)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    axes.set_xlabel("items labeled by people", color=INK)
    axes.set_ylabel("share of all labels that are right", color=INK)
    return png(axes)


def main() -> None:
    """Runs the campaigns; prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--most", type=int, default=MOST)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    runs = {
        name: [campaign(seed, explore, options.most) for seed in range(options.seeds)]
        for name, explore in EXPLORE.items()
    }
    figures = summary(runs)
    for name in EXPLORE:
        print(name, {key: value for key, value in figures[name].items() if key != "rounds"})
    print("labeling everything", figures["labeling_everything"])
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if options.picture:
        options.picture.write_bytes(drawn(figures))


if __name__ == "__main__":
    main()
