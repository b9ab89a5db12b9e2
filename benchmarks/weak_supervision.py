"""Weak supervision on YouTube comments: label models on train, end models on test.

Run from a checkout with ../shared/data beside it; with an interpreter that has Snorkel (pip
install snorkel) its label model is fitted to the same votes:
PYTHONPATH=. python -m benchmarks.weak_supervision [--seeds 10]

Ten functions written here for the comments' texts (keyword, regular expression, heuristic,
lookup, and a model that learned the 120 labels of the valid split) vote on the train split. A
label model turns the votes into probabilities; the end model, logistic regression on TF-IDF,
learns from them and is judged on the test split. Each seed draws nine tenths of the train split.
"""

import argparse
import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from quality.consensus.aggregators import make

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "youtube-spam"
HAM, SPAM, ABSTAIN = 0, 1, -1
CLASSES = ["ham", "spam"]
LINK = re.compile(r"https?:|www\.|\.com|\.ly/|\.tk|&quot;http", re.IGNORECASE)
ASKS = re.compile(r"\b(please|plz|pls|check out|check this|take a look)\b", re.IGNORECASE)
OWN = re.compile(r"\bmy\b.*(channel|video|page)", re.IGNORECASE)
EARNS = re.compile(r"\$|money|free|win\b|giveaway", re.IGNORECASE)
MUSIC = frozenset(
    [
        "song",
        "sing",
        "singer",
        "music",
        "voice",
        "video",
        "lyrics",
        "beat",
        "dance",
        "concert",
        "tune",
    ]
)
PRAISE = frozenset(
    [
        "love",
        "best",
        "amazing",
        "awesome",
        "great",
        "cool",
        "good",
        "like",
        "beautiful",
        "favorite",
        "epic",
    ]
)
ARTISTS = ("katy", "perry", "psy", "eminem", "shakira", "rihanna", "lmfao", "gangnam", "waka")

Functions = dict[str, Callable[[str], int]]
Votes = NDArray[np.int64]
Floats = NDArray[np.float64]


def comments(split: str) -> tuple[list[str], Votes]:
    """Texts and gold of a split."""
    found = json.loads((DATA / f"{split}.json").read_text(encoding="utf-8")).values()
    return [each["data"]["text"] for each in found], np.array([each["label"] for each in found])


def words(text: str) -> list[str]:
    """Words in small letters."""
    return re.findall(r"[a-z']+", text.lower())


def functions() -> Functions:
    """The labeling functions."""
    texts, gold = comments("valid")
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10))
    model.fit(texts, gold)

    def learned(text: str) -> int:
        spam = model.predict_proba([text])[0, 1]
        return SPAM if spam > 0.75 else HAM if spam < 0.25 else ABSTAIN

    return {
        "has_link": lambda t: SPAM if LINK.search(t) else ABSTAIN,
        "asks": lambda t: SPAM if ASKS.search(t) else ABSTAIN,
        "subscribe": lambda t: SPAM if re.search(r"subscrib|\bsubs?\b", t.lower()) else ABSTAIN,
        "own_channel": lambda t: SPAM if OWN.search(t) else ABSTAIN,
        "earns": lambda t: SPAM if EARNS.search(t) else ABSTAIN,
        "is_long": lambda t: SPAM if len(words(t)) > 40 else ABSTAIN,
        "is_short": lambda t: HAM if len(words(t)) < 6 else ABSTAIN,
        "names_artist": lambda t: HAM if any(a in t.lower() for a in ARTISTS) else ABSTAIN,
        "praises_music": lambda t: HAM if MUSIC & {*words(t)} and PRAISE & {*words(t)} else ABSTAIN,
        "model": learned,
    }


def ours(votes: Votes, method: str, **params: str) -> Floats:
    """Probability of spam by one of our aggregators; one half where nobody votes."""
    rows = [
        (f"{i:05d}", f"f{j}", CLASSES[vote] if vote >= 0 else None)
        for i, row in enumerate(votes)
        for j, vote in enumerate(row)
    ]
    schema = {"item_id": pl.String, "actor": pl.String, "label": pl.String}
    fitted = make(method, CLASSES, **params).fit(pl.DataFrame(rows, schema=schema, orient="row"))
    found = fitted.predict_proba().sort("item_id")["probabilities"].list.get(1)
    return found.fill_null(0.5).to_numpy()


def snorkel(votes: Votes, seed: int) -> Floats:
    """Probability of spam by Snorkel's label model with its defaults."""
    from snorkel.labeling.model import LabelModel

    model = LabelModel(cardinality=2, verbose=False)
    model.fit(votes, seed=seed, progress_bar=False)
    found: Floats = model.predict_proba(votes)[:, SPAM]
    return found


def label_models(votes: Votes, seed: int) -> dict[str, Floats]:
    """Probability of spam of each comment, by method."""
    found = {
        "majority vote": ours(votes, "majority"),
        "label_model": ours(votes, "label_model"),
        "label_model, informative abstentions": ours(
            votes, "label_model", abstentions="informative"
        ),
        "label_model, learned dependencies": ours(
            votes, "label_model", abstentions="informative", dependencies="learned"
        ),
    }
    if importlib.util.find_spec("snorkel") is not None:
        found["Snorkel's LabelModel"] = snorkel(votes, seed)
    return found


def accuracy(spam: Floats, gold: Votes) -> float:
    """Share that is right; one half of each that is undecided."""
    return float(np.where(np.isclose(spam, 0.5), 0.5, (spam > 0.5) == gold).mean())


def end_model(texts: list[str], spam: Floats, *, soft: bool) -> Callable[[list[str]], Floats]:
    """Logistic regression on TF-IDF that learned from probabilities, or from what they decide."""
    decided = ~np.isclose(spam, 0.5)
    rows = np.flatnonzero(decided)
    target = spam[rows] if soft else (spam[rows] > 0.5).astype(float)
    twice, labels = np.concatenate([rows, rows]), np.repeat([SPAM, HAM], len(rows))
    weights = np.concatenate([target, 1 - target])
    used = weights > 0.01
    if len(np.unique(labels[used])) == 1:
        only = float(labels[used][0])
        return lambda new: np.full(len(new), only)
    learned_from = [texts[row] for row in twice[used]]
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=1000)
    model.fit(vectors.fit_transform(learned_from), labels[used], sample_weight=weights[used])
    return lambda new: model.predict_proba(vectors.transform(new))[:, SPAM]


def one_seed(texts: list[str], gold: Votes, votes: Votes, seed: int) -> dict[str, list[float]]:
    """By method: label model on all, on those voted on; end model hard, soft, on test."""
    rows = np.random.default_rng(seed).permutation(len(gold))[: len(gold) * 9 // 10]
    chosen, voted = votes[rows], (votes[rows] >= 0).any(axis=1)
    test, test_gold = comments("test")
    drawn = [texts[row] for row in rows]
    return {
        name: [
            accuracy(spam, gold[rows]),
            accuracy(spam[voted], gold[rows][voted]),
            accuracy(end_model(drawn, spam, soft=False)(test), test_gold),
            accuracy(end_model(drawn, spam, soft=True)(test), test_gold),
        ]
        for name, spam in label_models(chosen, seed).items()
    }


def scorecards(votes: Votes, gold: Votes) -> None:
    """Print how often each function votes, and how often it is right."""
    for name, column in zip(functions(), votes.T, strict=True):
        named = column >= 0
        right = (column == gold)[named].mean()
        print(f"  {name:16s} votes on {named.mean():.3f}, right {right:.3f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    texts, gold = comments("train")
    given = json.loads((DATA / "train.json").read_text(encoding="utf-8")).values()
    written = np.array([[each(text) for each in functions().values()] for text in texts])
    scorecards(written, gold)
    wrench = np.array([each["weak_labels"] for each in given])
    sets = {"functions of this file": written, "WRENCH's functions": wrench}
    for title, votes in sets.items():
        found = [one_seed(texts, gold, votes, s) for s in range(parser.parse_args().seeds)]
        print(f"{title}: {(votes >= 0).any(axis=1).mean():.3f} of train voted on")
        print(f"  {'mean (deviation)':38s} train, all       voted on        test, hard       soft")
        for name in found[0]:
            figures = np.array([each[name] for each in found])
            pairs = zip(figures.mean(axis=0), figures.std(axis=0, ddof=1), strict=True)
            print(f"  {name:38s}", *(f"{mean:.4f} ({sd:.4f})" for mean, sd in pairs), flush=True)


if __name__ == "__main__":
    main()
