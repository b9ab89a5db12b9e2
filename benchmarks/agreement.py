"""Agreement against krippendorff, statsmodels and scikit-learn.

Run with an interpreter that has the peers: pip install krippendorff statsmodels, then
PYTHONPATH=. python -m benchmarks.agreement
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.measure import Task, contest

N_CLASSES, N_ACTORS, N_VOTES = 10, 200, 5
CLASSES = [str(code) for code in range(N_CLASSES)]


def rated(n_raters: int, n_items: int) -> npt.NDArray[np.int64]:
    """(n_raters, n_items) codes that agree about seven times in ten."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, N_CLASSES, n_items)
    guess = rng.integers(0, N_CLASSES, (n_raters, n_items))
    return np.where(rng.random((n_raters, n_items)) < 0.8, truth, guess)


def voted(n_items: int, ids: str) -> pl.DataFrame:
    """A long frame, five votes an item of 200 actors; ids are numbers or 64 hex digits."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, N_ACTORS, (n_items, 1))
    actor = ((first + np.arange(N_VOTES) * 7) % N_ACTORS).ravel()
    label = pl.Series(rated(N_VOTES, n_items).T.ravel()).cast(pl.String)
    item = pl.Series(np.repeat(np.arange(n_items), N_VOTES))
    if ids == "strings":
        names = [f"{place * 2654435761 % 2**32:08x}" * 8 for place in range(n_items)]
        item = pl.Series(names).gather(item)
    return pl.DataFrame({"item_id": item, "actor": actor, "label": label}).with_columns(
        pl.col("label").cast(pl.Enum(CLASSES)),
        pl.format("human:{}", "actor").alias("actor") if ids == "strings" else pl.col("actor"),
    )


def our_alpha_of_table(n_items: int) -> Task:
    from quality.agreement.alpha import krippendorff_alpha
    from quality.agreement.counts import count_ratings

    table = rated(10, n_items)
    return lambda: krippendorff_alpha(count_ratings(table, N_CLASSES))


def their_alpha_of_table(n_items: int) -> Task:
    import krippendorff

    table = rated(10, n_items).astype(float)
    return lambda: krippendorff.alpha(table, level_of_measurement="nominal")


def our_alpha_of_votes(n_items: int, ids: str, shuffled: bool = False) -> Task:
    from quality.agreement.alpha import krippendorff_alpha
    from quality.agreement.counts import count_votes
    from quality.votes import VoteCodes

    votes = voted(n_items, ids)
    if shuffled:
        votes = votes.sample(fraction=1, shuffle=True, seed=1)
    return lambda: krippendorff_alpha(count_votes(VoteCodes.of(votes, CLASSES, by_name=False)))


def our_bootstrap(n_items: int) -> Task:
    from quality.agreement.alpha import alpha_figure
    from quality.agreement.counts import count_votes
    from quality.votes import VoteCodes

    rows = count_votes(VoteCodes.of(voted(n_items, "numbers"), CLASSES))
    return lambda: alpha_figure(rows, n_actors=N_ACTORS, seed=1).value


def our_fleiss(n_items: int) -> Task:
    from quality.agreement.coefficients import fleiss_kappa
    from quality.agreement.counts import count_votes
    from quality.votes import VoteCodes

    votes = voted(n_items, "numbers")
    return lambda: fleiss_kappa(count_votes(VoteCodes.of(votes, CLASSES, by_name=False)))


def their_fleiss(n_items: int) -> Task:
    from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

    votes = voted(n_items, "numbers")

    def task() -> Any:
        # Every item has five votes in a row here, so the table it wants costs the peer nothing.
        label = votes["label"].to_physical().to_numpy().reshape(n_items, N_VOTES)
        return fleiss_kappa(aggregate_raters(label, n_cat=N_CLASSES)[0])

    return task


def our_pairwise(n_items: int) -> Task:
    from quality.agreement.pairs import pairwise
    from quality.votes import VoteCodes

    coded = VoteCodes.of(crossed(n_items), CLASSES)
    return lambda: upper(pairwise(coded).kappa)


def their_pairwise(n_items: int) -> Task:
    from sklearn.metrics import cohen_kappa_score

    table = rated(10, n_items)
    return lambda: [
        cohen_kappa_score(table[one], table[other])
        for one, other in zip(*np.triu_indices(10, 1), strict=True)
    ]


def our_report(n_items: int) -> Task:
    from quality.agreement.report import agreement_report

    votes = voted(n_items, "strings").with_columns(
        actor_kind=pl.lit("human"), circular=False, anchored=False
    )
    return lambda: agreement_report(votes, CLASSES, seed=1).figure("percent").value


def crossed(n_items: int) -> pl.DataFrame:
    """Ten raters, each of whom voted on every item."""
    label = pl.Series(rated(10, n_items).T.ravel()).cast(pl.String)
    item, actor = np.repeat(np.arange(n_items), 10), np.tile(np.arange(10), n_items)
    return pl.DataFrame({"item_id": item, "actor": actor, "label": label}).with_columns(
        pl.col("label").cast(pl.Enum(CLASSES))
    )


def upper(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The pairs of different actors."""
    return matrix[np.triu_indices(len(matrix), 1)]


def main() -> None:
    """Prints one line per comparison."""
    here = "benchmarks.agreement"
    ours, theirs = f"{here}:our_alpha_of_table", f"{here}:their_alpha_of_table"
    for n_items in (10_000, 100_000, 1_000_000):
        contest(f"alpha, {10 * n_items:,} ratings in a table", ours, theirs, n_items=n_items)
    votes = f"{here}:our_alpha_of_votes"
    for ids in ("numbers", "strings"):
        title = f"alpha, 10,000,000 votes in a frame, ids {ids}"
        contest(title, votes, None, n_items=2_000_000, ids=ids)
    title = "alpha, 10,000,000 shuffled votes, ids numbers"
    contest(title, votes, None, n_items=2_000_000, ids="numbers", shuffled=True)
    title = "alpha with 1,000 replicates, 1,000,000 items"
    contest(title, f"{here}:our_bootstrap", None, n_items=1_000_000)
    for n_items in (10_000, 100_000, 1_000_000):
        title = f"Fleiss from a frame, {n_items:,} items, 5 votes"
        contest(title, f"{here}:our_fleiss", f"{here}:their_fleiss", n_items=n_items)
    ours, theirs = f"{here}:our_pairwise", f"{here}:their_pairwise"
    for n_items in (10_000, 100_000):
        contest(
            f"Cohen of 10 raters, {n_items:,} items, both from codes", ours, theirs, n_items=n_items
        )
    title = "whole report, 1,000,000 items, 5 votes, ids strings"
    contest(title, f"{here}:our_report", None, n_items=1_000_000, repeats=2)


if __name__ == "__main__":
    main()
