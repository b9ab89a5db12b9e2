"""Agreement against published tables and hand-computed cases."""

import numpy as np
import polars as pl
import pytest

from quality.agreement.alpha import krippendorff_alpha
from quality.agreement.coefficients import fleiss_kappa, gwet_ac1, percent
from quality.agreement.counts import count_ratings, count_table, count_votes
from quality.agreement.pairs import cohen_kappa, pairwise, scott_pi
from quality.errors import UnknownLabelError, VotesFrameError
from quality.votes import VoteCodes

# Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011: four observers, twelve units, 0 is
# a missing value. Its alphas: nominal 0.743, ordinal 0.815, interval 0.849, ratio 0.797.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)
# Fleiss 1971, table 1: thirty patients, six psychiatrists each, five diagnoses; kappa 0.430.
FLEISS = np.array(
    [
        *([0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0]),
        *([2, 0, 4, 0, 0], [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6]),
        *([1, 0, 0, 5, 0], [1, 1, 0, 4, 0], [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1]),
        *([0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0], [0, 2, 0, 4, 0], [1, 0, 2, 0, 3]),
        *([0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0], [1, 0, 0, 4, 1]),
        *([0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6]),
    ]
)


def votes(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")


@pytest.mark.parametrize(
    ("scale", "published"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_alpha_is_the_one_krippendorff_prints(scale: str, published: float) -> None:
    rows = count_ratings(KRIPPENDORFF - 1, 5)
    alpha = krippendorff_alpha(rows, scale=scale, values=np.arange(1.0, 6.0))
    assert alpha == pytest.approx(published, abs=5e-4)


def test_fleiss_kappa_is_the_one_fleiss_prints() -> None:
    rows = count_table(FLEISS)
    assert fleiss_kappa(rows) == pytest.approx(0.430, abs=5e-4)
    assert percent(rows) == pytest.approx(0.556, abs=5e-4)


def test_cohen_and_scott_match_hand_computation() -> None:
    # 20 both yes, 5 yes/no, 10 no/yes, 15 both no: p_o 0.7, Cohen p_e 0.5, Scott p_e 0.505.
    said = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    rows = [
        row
        for place, (a, b) in enumerate(said)
        for row in ((f"i{place}", "ana", a), (f"i{place}", "ben", b))
    ]
    coded = VoteCodes.of(votes(*rows), ["yes", "no"])
    assert cohen_kappa(coded, "ana", "ben") == pytest.approx(0.4)
    assert scott_pi(coded, "ana", "ben") == pytest.approx((0.7 - 0.505) / (1 - 0.505))


def test_ac1_matches_hand_computation() -> None:
    # Two raters, 0.8 observed; the first class has a share of 0.9: p_e = 2 * 0.9 * 0.1 = 0.18.
    ratings = np.array([[0] * 9 + [1], [0] * 8 + [1, 0]])
    assert gwet_ac1(count_ratings(ratings)) == pytest.approx((0.8 - 0.18) / (1 - 0.18))


def test_of_an_actors_votes_on_an_item_the_last_counts() -> None:
    coded = VoteCodes.of(votes(("i", "ana", "x"), ("i", "ben", "y"), ("i", "ana", "y")), ["x", "y"])
    assert coded.n_duplicates == 1
    assert percent(count_votes(coded)) == 1.0


def test_an_abstention_is_no_vote_and_is_counted() -> None:
    coded = VoteCodes.of(votes(("i", "ana", "x"), ("i", "ben", None)), ["x", "y"])
    assert (coded.n_abstained.tolist(), coded.n_votes) == ([0, 1], 1)
    assert percent(count_votes(coded)) is None


def test_a_label_outside_the_classes_is_named() -> None:
    with pytest.raises(UnknownLabelError, match="zebra") as caught:
        VoteCodes.of(votes(("i", "ana", "zebra")), ["x"])
    assert caught.value.counts == {"zebra": 1}


def test_votes_of_nobody_are_refused() -> None:
    frame = pl.DataFrame({"item_id": ["i"], "actor": [None], "label": ["x"]})
    with pytest.raises(VotesFrameError, match="no actor"):
        VoteCodes.of(frame, ["x"])


def test_a_pairs_interval_is_that_of_its_items_drawn_anew() -> None:
    said = [("yes", "yes")] * 40 + [("yes", "no")] * 10 + [("no", "yes")] * 20 + [("no", "no")] * 30
    rows = [
        row
        for place, (a, b) in enumerate(said)
        for row in ((f"i{place}", "ana", a), (f"i{place}", "ben", b))
    ]
    coded = VoteCodes.of(votes(*rows), ["yes", "no"])
    frame = pairwise(coded, seed=1, replicates=4000).frame()
    # Fleiss, Cohen and Everitt 1969: the standard error of this kappa of 0.4 is 0.0898.
    low, high = frame.select("low", "high").row(0)
    assert frame["kappa"].item() == pytest.approx(0.4)
    assert (low, high) == (
        pytest.approx(0.4 - 1.96 * 0.0896, abs=0.02),
        pytest.approx(0.5756, abs=0.02),
    )


def test_pairs_have_no_interval_unless_it_is_asked_for() -> None:
    coded = VoteCodes.of(votes(("i", "ana", "x"), ("i", "ben", "x")), ["x", "y"])
    assert pairwise(coded).frame().select("low", "high").row(0) == (None, None)
    assert pairwise(coded, replicates=9).frame().select("low", "high").row(0) == (None, None)
