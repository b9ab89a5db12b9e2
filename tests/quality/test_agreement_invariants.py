"""What no agreement figure may depend on, and what it equals where a plain loop can say."""

import itertools
from random import Random

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.metrics import cohen_kappa_score

from quality.agreement.alpha import alpha_figure, krippendorff_alpha
from quality.agreement.bootstrap import resampled_sums
from quality.agreement.breakdown import per_class
from quality.agreement.coefficients import Name, coefficient, coefficient_figures
from quality.agreement.counts import count_ratings, count_table, count_votes, item_agreement
from quality.agreement.distances import distances, jaccard_distances, masi_distances
from quality.agreement.errors import AgreementError
from quality.agreement.groups import between_groups
from quality.agreement.pairs import pairwise
from quality.agreement.values import alpha_of_values, iou_apart
from quality.votes import VoteCodes

N_CLASSES = 4
CLASSES = [f"c{k}" for k in range(N_CLASSES)]
NAMES: tuple[Name, ...] = ("percent", "fleiss_kappa", "gwet_ac1", "gwet_ac2")
Table = npt.NDArray[np.int64]
# Ratings of 2 to 5 raters on 1 to 12 items, -1 where a rater gave none.
tables = st.tuples(st.integers(2, 5), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(-1, N_CLASSES - 1))
)


def coded_votes(table: Table) -> VoteCodes:
    rows = [
        (f"i{item}", f"a{rater}", CLASSES[code] if code >= 0 else None)
        for (rater, item), code in np.ndenumerate(table)
    ]
    frame = pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")
    return VoteCodes.of(frame, CLASSES)


def figures(table: Table) -> list[float | None]:
    rows = count_ratings(table, N_CLASSES)
    scales = (krippendorff_alpha(rows, scale=scale) for scale in ("nominal", "ordinal", "interval"))
    return [*(coefficient(name, rows) for name in NAMES), *scales]


def same(one: list[float | None], other: list[float | None]) -> bool:
    return all(
        (a is None) == (b is None) and (a is None or b is None or abs(a - b) < 1e-9)
        for a, b in zip(one, other, strict=True)
    )


@settings(deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_items_and_actors_changes_nothing(table: Table, random: Random) -> None:
    items, raters = list(range(table.shape[1])), list(range(table.shape[0]))
    random.shuffle(items)
    random.shuffle(raters)
    assert same(figures(table), figures(table[raters][:, items]))


@settings(deadline=None)
@given(tables, st.permutations(range(N_CLASSES)))
def test_the_names_of_classes_change_no_nominal_figure(table: Table, names: list[int]) -> None:
    renamed = np.array([*names, -1])[table]
    assert same(figures(table)[:5], figures(renamed)[:5])


@settings(deadline=None)
@given(tables)
def test_agreement_is_perfect_exactly_where_no_pair_disagrees(table: Table) -> None:
    rows = count_ratings(table, N_CLASSES)
    percent, alpha = coefficient("percent", rows), krippendorff_alpha(rows)
    if percent is not None and alpha is not None:
        assert (abs(percent - 1) < 1e-12) == (abs(alpha - 1) < 1e-12)


@settings(deadline=None)
@given(tables)
def test_items_nobody_voted_on_change_nothing(table: Table) -> None:
    empty = np.full((table.shape[0], 3), -1)
    assert same(figures(table), figures(np.hstack([table, empty])))


@settings(deadline=None)
@given(tables)
def test_votes_a_table_and_its_counts_give_the_same_figures(table: Table) -> None:
    counts = np.stack([(table == code).sum(axis=0) for code in range(N_CLASSES)], axis=1)
    from_votes, from_counts = count_votes(coded_votes(table)), count_table(counts)
    for name in NAMES:
        expected = coefficient(name, count_ratings(table, N_CLASSES))
        assert coefficient(name, from_votes) == pytest.approx(expected)
        assert coefficient(name, from_counts) == pytest.approx(expected)


@settings(deadline=None)
@given(tables)
def test_alpha_is_what_a_loop_over_all_pairs_says(table: Table) -> None:
    columns = [column[column >= 0] for column in table.T]
    columns = [column for column in columns if len(column) > 1]
    found = krippendorff_alpha(count_ratings(table, N_CLASSES), scale="interval")
    votes = np.concatenate(columns) if columns else np.empty(0)
    expected = sum((a - b) ** 2 for a, b in itertools.permutations(votes, 2))
    if not expected:
        assert found is None
        return
    observed = sum(
        (a - b) ** 2 / (len(column) - 1)
        for column in columns
        for a, b in itertools.permutations(column, 2)
    )
    n_votes = len(votes)
    assert found == pytest.approx(1 - observed / n_votes / (expected / (n_votes * (n_votes - 1))))


@settings(deadline=None)
@given(tables)
def test_item_agreement_is_the_share_of_agreeing_pairs(table: Table) -> None:
    voted = [column[column >= 0] for column in table.T if (column >= 0).any()]
    pairs = [list(itertools.combinations(column, 2)) for column in voted]
    expected = [np.mean([a == b for a, b in each]) if each else np.nan for each in pairs]
    assert item_agreement(count_ratings(table, N_CLASSES)) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(("weights", "theirs"), [("identity", None), ("linear", "linear")])
@given(tables)
@settings(max_examples=40, deadline=None)
def test_cohens_kappa_is_the_one_scikit_learn_computes(
    weights: str, theirs: str | None, table: Table
) -> None:
    found = pairwise(coded_votes(table), weights=weights)
    place = {name: row for row, name in enumerate(found.actors)}
    for one, other in itertools.combinations(range(len(table)), 2):
        both = (table[one] >= 0) & (table[other] >= 0)
        if len(set(table[one][both]) | set(table[other][both])) < 2:
            continue
        theirs_kappa = cohen_kappa_score(
            table[one][both], table[other][both], weights=theirs, labels=range(N_CLASSES)
        )
        ours = found.kappa[place[f"a{one}"], place[f"a{other}"]]
        assert ours == pytest.approx(theirs_kappa)


@settings(deadline=None)
@given(tables)
def test_between_two_actors_the_group_kappa_is_cohens(table: Table) -> None:
    coded = coded_votes(table[:2])
    first = coded.actor == coded.actors.to_list().index("a0")
    grouped = between_groups(coded, first, ~first, seed=1, replicates=0)["kappa"].value
    kappa = pairwise(coded).kappa[0, 1]
    assert (grouped is None) == bool(np.isnan(kappa))
    if grouped is not None:
        assert grouped == pytest.approx(kappa)


def test_an_interval_covers_its_figure_and_narrows_with_more_items() -> None:
    rng = np.random.default_rng(5)
    widths = []
    for n_items in (50, 5_000):
        truth = rng.integers(0, 3, n_items)
        table = np.where(rng.random((4, n_items)) < 0.7, truth, rng.integers(0, 3, (4, n_items)))
        figure = alpha_figure(count_ratings(table, 3), n_actors=4, seed=1)
        assert figure.value is not None
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < figure.value < figure.high
        widths.append(figure.high - figure.low)
    assert widths[1] == pytest.approx(widths[0] / 10, rel=0.35)


def test_resampling_rows_is_resampling_items() -> None:
    # Sums of the draws have the mean and the variance of a multinomial, whether rows are
    # common or rare.
    times = np.array([900, 60, 20, 15, 5])
    moments = sparse.csr_array(np.eye(5))
    sums = resampled_sums(moments, times, replicates=20_000, seed=3)
    assert (sums.sum(axis=1) == 1000).all()
    assert sums.mean(axis=0) == pytest.approx(times, rel=0.02)
    assert sums.var(axis=0) == pytest.approx(times * (1 - times / 1000), rel=0.06)


@pytest.mark.parametrize("n_classes", [3, 400])
def test_intervals_are_as_wide_whether_rows_or_bundles_are_drawn(n_classes: int) -> None:
    # Many classes give each item a row of its own, so that items are drawn in bundles.
    rng = np.random.default_rng(3)
    truth = rng.integers(0, n_classes, 40_000)
    noise = rng.integers(0, n_classes, (3, 40_000))
    table = np.where(rng.random((3, 40_000)) < 0.6, truth, noise)
    figure = coefficient_figures(("percent",), count_ratings(table, n_classes), n_actors=3, seed=1)[
        "percent"
    ]
    share = item_agreement(count_ratings(table, n_classes))
    half = 1.96 * share.std() / np.sqrt(len(share))
    assert figure.low == pytest.approx(share.mean() - half, abs=half / 5)
    assert figure.high == pytest.approx(share.mean() + half, abs=half / 5)


@settings(deadline=None)
@given(tables)
def test_the_alpha_of_a_class_is_that_of_the_class_against_all_others(table: Table) -> None:
    coded = coded_votes(table)
    found = per_class(coded, count_votes(coded), seed=1, replicates=0)["alpha"]
    for code, value in enumerate(found):
        against = np.where(table < 0, -1, table == code)
        assert value == pytest.approx(krippendorff_alpha(count_ratings(against, 2)))


@settings(deadline=None)
@given(tables)
def test_holding_ordinal_distances_at_their_margins_changes_no_value(table: Table) -> None:
    rows = count_ratings(table, N_CLASSES)
    figure = alpha_figure(rows, n_actors=len(table), seed=1, replicates=0, scale="ordinal")
    assert figure.value == pytest.approx(krippendorff_alpha(rows, scale="ordinal"))


def test_a_seed_decides_the_interval_and_no_other_figure() -> None:
    rows = count_ratings(np.random.default_rng(1).integers(0, 3, (3, 40)), 3)
    first, again, other = (
        coefficient_figures(("percent",), rows, n_actors=3, seed=seed)["percent"]
        for seed in (1, 1, 2)
    )
    assert first == again
    assert (first.value, first.low) != (other.value, other.low)
    assert first.value == other.value


def test_sets_that_overlap_are_nearer_than_sets_that_do_not() -> None:
    sets = [{"a"}, {"a", "b"}, {"c"}, {"b", "c"}, set()]
    jaccard, masi = jaccard_distances(sets), masi_distances(sets)
    assert jaccard[0, 1] == pytest.approx(1 / 2)
    assert masi[0, 1] == pytest.approx(1 - 1 / 2 * 2 / 3)
    assert masi[1, 3] == pytest.approx(1 - 1 / 3 * 1 / 3)
    assert jaccard[0, 2] == masi[0, 2] == masi[0, 4] == 1.0
    assert not np.diagonal(masi).any()


def test_boxes_are_as_far_apart_as_their_overlap_is_small() -> None:
    box, half, elsewhere = [0, 0, 2, 2], [0, 0, 2, 1], [5, 5, 6, 6]
    assert iou_apart([box, box, box], [box, half, elsewhere]) == pytest.approx([0, 0.5, 1])
    point = [1, 1, 1, 1]
    assert iou_apart([point, point], [point, elsewhere]) == pytest.approx([0, 1])


@settings(deadline=None)
@given(tables)
def test_alpha_of_values_is_alpha_of_classes_where_both_can_tell(table: Table) -> None:
    rater, item = np.nonzero(table >= 0)
    values = table[rater, item].astype(float)
    by_value = alpha_of_values(
        item, values, lambda a, b: (a - b) ** 2, n_actors=len(table), seed=1, replicates=0
    )
    by_class = krippendorff_alpha(count_ratings(table, N_CLASSES), scale="interval")
    assert (by_value.value is None) == (by_class is None)
    if by_class is not None:
        assert by_value.value == pytest.approx(by_class)


def test_boxes_that_agree_have_an_alpha_near_one() -> None:
    rng = np.random.default_rng(2)
    corner = rng.uniform(0, 100, (40, 2))
    boxes = np.hstack([corner, corner + 10])
    seen = np.concatenate([boxes + rng.normal(0, 0.2, boxes.shape) for _ in range(3)])
    figure = alpha_of_values(np.tile(np.arange(40), 3), seen, iou_apart, n_actors=3, seed=1)
    assert figure.value is not None
    assert figure.low is not None
    assert 0.85 < figure.low < figure.value < 1


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((3, 3)),
        np.array([[0, np.nan], [np.nan, 0]]),
        np.array([[0, 1], [2, 0]]),
        np.ones((2, 2)),
        np.array([[0, -1], [-1, 0]]),
    ],
)
def test_a_matrix_that_holds_no_distances_is_refused(matrix: npt.NDArray[np.float64]) -> None:
    with pytest.raises(AgreementError, match="distances"):
        distances(matrix, 2)


@pytest.mark.parametrize(
    ("ratings", "said"),
    [([[0.5, 1.0]], "float64"), ([[[0]]], "3 dimensions"), ([[7]], "code 7")],
)
def test_a_table_that_holds_no_ratings_is_refused(ratings: list[object], said: str) -> None:
    with pytest.raises(AgreementError, match=said):
        count_ratings(ratings, 2)
