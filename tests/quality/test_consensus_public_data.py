from pathlib import Path

import polars as pl
import pytest

from quality.consensus.aggregators import AGGREGATORS, make

SENTIMENT = Path(__file__).resolve().parents[3] / "shared" / "data" / "sentiment"
CLASSES = ["negative", "positive"]

pytestmark = pytest.mark.skipif(
    not SENTIMENT.is_dir(), reason=f"the public review votes are not at {SENTIMENT}"
)


@pytest.fixture(scope="module")
def votes():
    answers = pl.read_csv(SENTIMENT / "answers.csv")
    return answers.rename({"item": "item_id", "worker": "actor"})


@pytest.fixture(scope="module")
def gold():
    return pl.read_csv(SENTIMENT / "gold.csv").rename({"item": "item_id", "label": "gold"})


def accuracy(name, votes, gold):
    """An item without a label counts one half."""
    found = make(name, CLASSES).fit(votes).predict().join(gold, on="item_id")
    return (found["label"] == found["gold"]).cast(pl.Float64).fill_null(0.5).mean()


def test_a_majority_of_the_crowd_is_right_on_about_88_in_100_reviews(votes, gold):
    assert 0.88 < accuracy("majority", votes, gold) < 0.89


@pytest.mark.parametrize("name", sorted(set(AGGREGATORS) - {"majority", "wawa", "crowdlab"}))
def test_weighing_the_crowd_is_right_on_more_than_91(votes, gold, name):
    assert accuracy(name, votes, gold) > 0.91


@pytest.mark.parametrize("name", ["wawa", "crowdlab"])
def test_weighing_by_agreement_is_right_on_more_than_a_majority(votes, gold, name):
    assert accuracy(name, votes, gold) > accuracy("majority", votes, gold)


def test_those_whose_quality_is_high_agree_with_gold(votes, gold):
    quality = make("one_coin", CLASSES).fit(votes).actor_quality_
    right = (
        votes.join(gold, on="item_id")
        .group_by("actor")
        .agg(truth=(pl.col("label") == pl.col("gold")).mean())
    )
    busy = quality.filter(pl.col("n_votes") >= 50).join(right, on="actor")
    assert busy.select(pl.corr("quality", "truth")).item() > 0.95
