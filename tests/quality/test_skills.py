"""What each actor is good at, class by class, and how sure that is."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.consensus.aggregators import make
from quality.consensus.skills import SKILLS, STRENGTH, skills

CLASSES = ("a", "b")


def frame(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")


def of(votes: pl.DataFrame, method: str = "majority", classes=CLASSES) -> pl.DataFrame:
    return skills(make(method, classes).fit(votes))


def one(found: pl.DataFrame, actor: str, name: str) -> dict[str, float]:
    return found.row(
        by_predicate=(pl.col("actor") == actor) & (pl.col("class") == name), named=True
    )


def crowd(seed: int = 1, items: int = 1500) -> tuple[pl.DataFrame, np.ndarray, dict]:
    """Functions, a model, a language model and people, each with a known error by class."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, items)
    right = {
        "function:low": (0.6, 0.8),
        "function:high": (0.75, 0.7),
        "model:linear": (0.85, 0.9),
        "llm:small": (0.95, 0.7),
        "human:ana": (0.97, 0.6),
        "human:ben": (0.65, 0.97),
        "human:cleo": (0.9, 0.9),
    }
    rows = []
    for actor, shares in right.items():
        said = np.where(rng.random(items) < np.array(shares)[truth], truth, 1 - truth)
        rows += [(f"{i:05}", actor, CLASSES[k]) for i, k in enumerate(said)]
    return frame(rows), truth, right


def test_functions_models_and_people_each_get_their_error_by_class() -> None:
    votes, _, right = crowd()
    found = of(votes, "dawid_skene")
    for actor, shares in right.items():
        for name, share in zip(CLASSES, shares, strict=True):
            # What is held against people's majority shares its errors, one in fifteen here.
            near = 0.04 if actor.startswith("human") else 0.09
            assert one(found, actor, name)["quality"] == pytest.approx(share, abs=near), actor


def test_an_expert_outvotes_two_whose_record_is_poor() -> None:
    votes, _, _ = crowd()
    lone = [("new", "llm:small", "b"), ("new", "function:low", "a"), ("new", "function:high", "a")]
    label = make("dawid_skene", CLASSES).fit(pl.concat([votes, frame(lone)])).predict()
    assert label.filter(item_id="new")["label"].item() == "b"


def test_who_is_no_person_is_held_against_what_people_say() -> None:
    votes = frame(
        [
            *[("i", "human:ana", "a"), ("i", "human:ben", "a"), ("i", "model:m", "b")],
            *[("i", "function:f", "b"), ("i", "function:g", "b")],
        ]
    )
    found = of(votes)
    assert one(found, "model:m", "a")["n_checked"] == 1
    assert one(found, "model:m", "b")["n_votes"] == 0
    mean = (0 + STRENGTH * 0.7) / (1 + STRENGTH)
    wrong = STRENGTH * mean / (STRENGTH + 1)
    assert one(found, "model:m", "a")["quality"] == pytest.approx(wrong)
    assert one(found, "human:ana", "a")["n_votes"] == pytest.approx(2 / 5)


def test_the_posterior_is_the_prior_of_the_kind_and_the_record() -> None:
    votes = frame([("i", "human:ana", "a"), ("i", "human:ben", "a")])
    ana = one(of(votes), "human:ana", "a")
    mean = (2 + STRENGTH * 0.7) / (2 + STRENGTH)
    assert ana["quality"] == pytest.approx((STRENGTH * mean + 1) / (STRENGTH + 1))
    assert ana["low"] < ana["quality"] < ana["high"]


def test_a_vote_that_nothing_stands_beside_says_nothing() -> None:
    found = of(frame([("i", "human:ana", "a"), ("j", "human:ben", "b")]), "dawid_skene")
    assert found["n_votes"].sum() == 0
    assert set(found["quality"].round(9)) == {0.7}


def test_somebody_new_is_like_the_others_of_the_kind_and_less_sure() -> None:
    found = of(crowd()[0], "dawid_skene")
    new, cleo = one(found, "human", "a"), one(found, "human:cleo", "a")
    assert new["quality"] == pytest.approx((0.97 + 0.65 + 0.9) / 3, abs=0.03)
    assert new["high"] - new["low"] > 3 * (cleo["high"] - cleo["low"])


def test_a_longer_record_is_surer() -> None:
    widths = []
    for items in (20, 200, 2000):
        ana = one(of(crowd(items=items)[0], "dawid_skene"), "human:ana", "a")
        widths.append(ana["high"] - ana["low"])
    assert widths == sorted(widths, reverse=True)


def test_every_aggregator_gives_skills() -> None:
    votes = crowd(items=60)[0]
    for method in ("majority", "wawa", "glad", "one_coin", "fast_dawid_skene", "mace"):
        assert of(votes, method).height == (7 + 4) * 2


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ijkl"),
            st.sampled_from(["human:x", "human:y", "model:m", "function:f"]),
            st.sampled_from("ab"),
        ),
        min_size=1,
        max_size=20,
        unique_by=lambda row: row[:2],
    )
)
def test_qualities_lie_within_their_intervals_whatever_the_votes(rows) -> None:
    found = SKILLS.check(of(frame(rows)))
    assert (found["low"] <= found["quality"]).all()
    assert (found["quality"] <= found["high"]).all()
    assert (found["n_checked"] <= found["n_votes"] + 1e-9).all()
    assert found["n_votes"].sum() <= len(rows) + 1e-9
