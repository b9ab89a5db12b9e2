import numpy as np
import polars as pl
import pytest

from quality.consensus.dependencies import learned_forest
from quality.consensus.errors import ParameterError
from quality.consensus.label_model import LabelModel
from quality.consensus.majority import vote_shares
from quality.consensus.scorecards import FunctionReport
from quality.votes import VoteCodes

SCHEMA = {"item_id": pl.String, "actor": pl.String, "label": pl.String}
CLASSES = ["ham", "spam"]


def frame(*rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def keyword_functions(n_items=1500, seed=0, copies=0):
    """Functions that name one class each and mostly abstain; some repeat the first one's votes."""
    rng = np.random.default_rng(seed)
    spam = rng.random(n_items) < 0.5
    rows = []
    for j, (named, hit, miss) in enumerate(
        [
            (1, 0.5, 0.1),
            (1, 0.4, 0.02),
            (1, 0.3, 0.05),
            (0, 0.5, 0.1),
            (0, 0.4, 0.05),
            (0, 0.3, 0.1),
        ]
    ):
        fires = rng.random(n_items) < np.where(spam == named, hit, miss)
        for copy in range(1 + copies * (j == 0)):
            labels = [CLASSES[named] if fire else None for fire in fires]
            rows += [(f"{i:05}", f"f{j}{'c' * copy}", label) for i, label in enumerate(labels)]
    return frame(*rows), spam


def accuracy(fitted, spam):
    """Over the items voted on; an item without a label counts one half."""
    labels = fitted.predict()
    right = labels["label"] == pl.Series(CLASSES).gather(spam.astype(int))
    return right.cast(pl.Float64).fill_null(0.5).filter(labels["n_votes"] > 0).mean()


def rates(fitted):
    axes = {"name": fitted.votes_.actors, "true_class": CLASSES, "voted_class": CLASSES}
    return fitted.start_.array("rate", axes)


def test_functions_that_name_one_class_are_told_apart_by_where_they_fire():
    votes, _ = keyword_functions(n_items=6000)
    found = rates(LabelModel(CLASSES, abstentions="informative").fit(votes))
    truth = [[0.1, 0.5], [0.02, 0.4], [0.05, 0.3], [0.5, 0.1], [0.4, 0.05], [0.3, 0.1]]
    named = [found[j, :, 1 if j < 3 else 0] for j in range(6)]
    assert np.abs(np.array(named) - truth).max() < 0.05


def test_independent_witnesses_are_weighed_at_least_as_well_as_counted():
    votes, spam = keyword_functions()
    fitted = LabelModel(CLASSES).fit(votes)
    assert accuracy(fitted, spam) >= accuracy(fitted.majority_, spam)


def test_what_a_vote_adds_is_its_rate():
    # One item votes spam by f; two by g and f together; the rest by g alone for ham.
    votes = frame(("1", "f", "spam"), ("2", "f", "spam"), ("2", "g", "ham"), ("3", "g", "ham"))
    fitted = LabelModel(CLASSES, max_iter=1, smoothing=0.0).fit(votes)
    # Shares: item 1 spam, 2 even, 3 ham; so f names spam at 1.5/1.5 of spam and .5/1.5 of ham.
    # One expectation: items 1 and 3 are 3 : 1 and item 2 even again.
    confidence = fitted.predict()["confidence"].to_list()
    assert confidence[1] == pytest.approx(0.5)
    assert confidence[0] == pytest.approx(1.25 / (1.25 + 0.75))


def test_doubles_count_once_when_dependencies_are_learned():
    votes, spam = keyword_functions(copies=2)
    alone = LabelModel(CLASSES, abstentions="informative").fit(keyword_functions()[0])
    naive = LabelModel(CLASSES, abstentions="informative").fit(votes)
    learned = LabelModel(CLASSES, abstentions="informative", dependencies="learned").fit(votes)
    pairs = learned.dependencies_.select("function", "depends_on").rows()
    assert sum(set(pair) <= {"f0", "f0c", "f0cc"} for pair in pairs) == 2
    assert accuracy(naive, spam) < 0.8
    assert accuracy(learned, spam) > accuracy(alone, spam) - 0.01


def test_independent_functions_get_no_dependencies():
    votes, spam = keyword_functions(n_items=3000)
    codes = VoteCodes.of(votes, CLASSES)
    truth = np.stack([~spam, spam], axis=1).astype(float)
    assert learned_forest(codes, truth).is_bare


def test_dependence_between_copies_is_their_entropy_given_the_class():
    rows = [(f"{i}", f, "spam" if i % 2 else None) for i in range(40) for f in ("f", "g")]
    codes = VoteCodes.of(frame(*rows), CLASSES)
    forest = learned_forest(codes, np.full((40, 2), 0.5))
    assert forest.parent.tolist() == [-1, 0]
    assert forest.information[1] == pytest.approx(np.log(2))


def test_too_many_functions_to_compare_in_pairs_are_refused():
    rows = [(f"{i}", f"f{i}", "spam") for i in range(2000)]
    with pytest.raises(ParameterError, match="2000 functions"):
        LabelModel(CLASSES, abstentions="informative", dependencies="learned").fit(frame(*rows))


def test_a_scorecard_says_where_a_function_speaks_and_clashes():
    votes = frame(
        ("1", "f", "spam"), ("1", "g", "ham"), ("2", "f", "spam"), ("2", "h", "spam"),
        ("3", "f", "spam"), ("4", "g", "ham"), ("4", "f", None),
    )  # fmt: skip
    gold = pl.DataFrame({"item_id": ["1", "2"], "label": ["ham", "spam"]})
    report = FunctionReport.of(LabelModel(CLASSES).fit(votes), gold)
    card = report.scorecards[0]
    assert (card.function, card.classes, card.n_votes) == ("f", ("spam",), 3)
    assert (card.coverage, card.overlap, card.conflict) == (3 / 4, 2 / 4, 1 / 4)
    assert card.majority_agreement == pytest.approx((0.5 + 1 + 1) / 3)
    assert card.gold_accuracy == 1 / 2
    assert report.scorecards[2].gold_accuracy == 1.0


def test_a_report_compares_with_the_majority_and_reads_as_a_page():
    votes, _ = keyword_functions(n_items=100)
    report = FunctionReport.of(LabelModel(CLASSES).fit(votes))
    assert report.n_labeled > report.n_majority_labeled
    assert report.to_frame().height == 6
    assert f"{report.n_majority_labeled} by majority" in report.to_markdown()
    assert "| f0 | spam |" in report.to_markdown()


def test_a_report_on_nothing_is_empty():
    report = FunctionReport.of(LabelModel(CLASSES).fit(frame()))
    assert (report.n_items, report.scorecards, report.to_frame().height) == (0, (), 0)


def test_learned_dependencies_need_abstentions_that_speak():
    with pytest.raises(ParameterError, match="'informative'"):
        LabelModel(CLASSES, dependencies="learned")


def test_shares_of_no_votes_are_zero():
    codes = VoteCodes.of(frame(("1", "f", None)), CLASSES)
    assert vote_shares(codes, None).tolist() == [[0.0, 0.0]]
