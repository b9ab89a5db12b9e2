"""How often each method is right on public votes with gold labels, peers' figures beside.

Run from a checkout with ../shared/data beside it; with an interpreter that has the peers (pip
install crowd-kit cleanlab snorkel) their figures come too:
PYTHONPATH=. python -m benchmarks.consensus_accuracy
"""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from quality.consensus.aggregators import AGGREGATORS, make

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SCHEMA = {"item_id": pl.String, "actor": pl.String, "label": pl.String}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in AGGREGATORS),
    ("label_model", {"abstentions": "informative"}),
    ("label_model", {"abstentions": "informative", "dependencies": "learned"}),
]


def sentiment() -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Votes, gold and classes of 4,999 film reviews judged by 203 people."""
    votes = pl.read_csv(DATA / "sentiment" / "answers.csv")
    gold = pl.read_csv(DATA / "sentiment" / "gold.csv")
    return (
        votes.rename({"item": "item_id", "worker": "actor"}),
        gold.rename({"item": "item_id", "label": "gold"}),
        ["negative", "positive"],
    )


def youtube(split: str) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Votes, gold and classes of comments judged by ten labeling functions."""
    path = DATA / "youtube-spam" / f"{split}.json"
    comments, classes = json.loads(path.read_text(encoding="utf-8")), ["ham", "spam"]
    rows = [
        (item, f"f{j}", classes[vote] if vote >= 0 else None)
        for item, comment in comments.items()
        for j, vote in enumerate(comment["weak_labels"])
    ]
    gold = [(item, classes[comment["label"]]) for item, comment in comments.items()]
    return (
        pl.DataFrame(rows, schema=SCHEMA, orient="row"),
        pl.DataFrame(gold, schema=["item_id", "gold"], orient="row"),
        classes,
    )


def accuracy(found: pl.DataFrame, gold: pl.DataFrame) -> float:
    """Share of the items voted on that have their gold label; no label counts one half."""
    judged = gold.join(found.filter(pl.col("n_votes") > 0), on="item_id")
    right = (judged["label"] == judged["gold"]).cast(pl.Float64).fill_null(0.5)
    return float(right.mean())  # type: ignore[arg-type]


def out_of_fold(classes: list[str]) -> pl.DataFrame:
    """A bag-of-words classifier of the reviews, trained on majority labels, out of fold."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline

    texts = pl.read_ndjson(DATA / "sentiment" / "items.jsonl").sort("id")
    labels = make("majority", classes, ties="first").fit(sentiment()[0]).predict()["label"]
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=4.0))
    rows = cross_val_predict(model, texts["text"], labels, cv=5, method="predict_proba")
    return pl.DataFrame({"item_id": texts["id"], "probabilities": rows.tolist()})


def peer_of(name: str) -> Callable[[pl.DataFrame], pl.DataFrame] | None:
    """crowd-kit's method of the same name with its own defaults, if it is installed."""
    if importlib.util.find_spec("crowdkit") is None:
        return None
    from crowdkit.aggregation import GLAD, MACE, DawidSkene, MajorityVote
    from crowdkit.aggregation.classification.dawid_skene import OneCoinDawidSkene

    peers = {"majority": MajorityVote, "dawid_skene": DawidSkene, "one_coin": OneCoinDawidSkene}
    method = (peers | {"glad": GLAD, "mace": MACE}).get(name)
    if method is None:
        return None

    def fit(votes: pl.DataFrame) -> pl.DataFrame:
        renamed = votes.drop_nulls().rename({"item_id": "task", "actor": "worker"})
        labels = method().fit_predict(renamed.to_pandas())
        items = pl.Series(labels.index.tolist(), dtype=pl.String)
        return pl.DataFrame({"item_id": items, "label": labels.tolist(), "n_votes": 1})

    return fit


def snorkel_accuracy(split: str) -> float | None:
    """Snorkel's label model with its defaults, if it is installed; ties count one half."""
    if importlib.util.find_spec("snorkel") is None:
        return None
    from snorkel.labeling.model import LabelModel

    comments = json.loads((DATA / "youtube-spam" / f"{split}.json").read_text(encoding="utf-8"))
    said = np.array([comment["weak_labels"] for comment in comments.values()])
    gold = np.array([comment["label"] for comment in comments.values()])
    voted = (said >= 0).any(axis=1)
    model = LabelModel(cardinality=2, verbose=False)
    model.fit(said, seed=0, progress_bar=False)
    spam = model.predict_proba(said)[voted, 1]
    return float(np.where(spam == 0.5, 0.5, (spam > 0.5) == gold[voted]).mean())


def cleanlab_accuracy(predictions: pl.DataFrame, gold: pl.DataFrame) -> float | None:
    """cleanlab's CROWDLAB on the reviews, if it is installed."""
    if importlib.util.find_spec("cleanlab") is None:
        return None
    from cleanlab.multiannotator import get_label_quality_multiannotator

    votes, _, classes = sentiment()
    codes = (pl.col("label") == classes[1]).cast(pl.Float64)
    wide = votes.with_columns(codes).pivot(on="actor", index="item_id", values="label")
    wide = wide.sort("item_id")
    found = get_label_quality_multiannotator(
        wide.drop("item_id").to_pandas(),
        np.array(predictions["probabilities"].to_list()),
        verbose=False,
    )
    labels = [classes[code] for code in found["label_quality"]["consensus_label"]]
    frame = pl.DataFrame({"item_id": wide["item_id"], "label": labels, "n_votes": 1})
    return accuracy(frame, gold)


def show(title: str, ours: float, peer: float | None) -> None:
    """Prints one line."""
    print(f"{title:58s} {ours:.4f}" + ("" if peer is None else f"   peer {peer:.4f}"), flush=True)


def main() -> None:
    """Prints the tables."""
    votes, gold, classes = sentiment()
    print("sentiment, 4,999 reviews")
    for name in AGGREGATORS:
        ours, peer = make(name, classes).fit(votes), peer_of(name)
        theirs = None if peer is None else accuracy(peer(votes), gold)
        show(name, accuracy(ours.predict(), gold), theirs)
    predictions = out_of_fold(classes)
    crowdlab = AGGREGATORS["crowdlab"](classes)
    found = crowdlab.fit(votes, predictions=predictions).predict()  # type: ignore[call-arg]
    show("crowdlab with a classifier", accuracy(found, gold), cleanlab_accuracy(predictions, gold))
    for split in ("train", "valid", "test"):
        votes, gold, classes = youtube(split)
        print(f"youtube-spam {split}, {gold.height:,} comments")
        for name, params in VARIANTS:
            found = make(name, classes, **params).fit(votes).predict()
            peer_figure = snorkel_accuracy(split) if (name, params) == ("label_model", {}) else None
            title = name + "".join(f", {key} {value}" for key, value in params.items())
            show(title, accuracy(found, gold), peer_figure)


if __name__ == "__main__":
    main()
