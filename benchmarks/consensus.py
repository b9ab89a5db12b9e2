"""Truth inference against crowd-kit, cleanlab and snorkel: speed, memory, and the same numbers.

Run with an interpreter that has the peers: pip install crowd-kit cleanlab snorkel, then
PYTHONPATH=. python -m benchmarks.consensus [exact|speed|alone|parts] [--method M] [--items N]
All four, every method, to 100,000 items, if not told otherwise. A peer that is expected to take
more than --cap seconds a run is left out, and the line says so.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.measure import Measured, Task, contest

N_CLASSES, N_ACTORS, N_VOTES, N_FUNCTIONS = 10, 200, 5, 10
CLASSES = [f"c{code}" for code in range(N_CLASSES)]
SHOWN = 1_000
"""Items whose probabilities are compared."""


def voted(n_items: int, n_actors: int = N_ACTORS) -> pl.DataFrame:
    """Five votes an item, of actors right in 3 to 9 of ten votes; sorted by item."""
    rng = np.random.default_rng(0)
    truth, skill = rng.integers(0, N_CLASSES, n_items), rng.uniform(0.3, 0.95, n_actors)
    actor = (rng.integers(0, n_actors, (n_items, 1)) + np.arange(N_VOTES) * 37) % n_actors
    right = rng.random(actor.shape) < skill[actor]
    label = np.where(right, truth[:, None], rng.integers(0, N_CLASSES, actor.shape))
    names = pl.Series(np.arange(n_items)).cast(pl.String).str.zfill(8)
    return pl.DataFrame(
        {
            "item_id": names.gather(np.repeat(np.arange(n_items), N_VOTES)),
            "actor": pl.Series([f"human:{a:03}" for a in range(n_actors)]).gather(actor.ravel()),
            "label": pl.Series(CLASSES).gather(label.ravel()),
        }
    )


def predicted(n_items: int) -> npt.NDArray[np.float64]:
    """A classifier's probabilities, [n_items, n_classes]."""
    return np.random.default_rng(1).dirichlet(np.full(N_CLASSES, 0.3), n_items)


def functions_said(n_items: int) -> npt.NDArray[np.int64]:
    """[n_items, 10] votes of labeling functions for two classes; -1 abstains."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (n_items, 1))
    right = rng.random((n_items, N_FUNCTIONS)) < rng.uniform(0.6, 0.9, N_FUNCTIONS)
    speaks = rng.random((n_items, N_FUNCTIONS)) < rng.uniform(0.2, 0.6, N_FUNCTIONS)
    return np.where(speaks, np.where(right, truth, 1 - truth), -1)


def probabilities(fitted: Any) -> npt.NDArray[np.float64]:
    """[1000, n_classes] of the first items."""
    return np.array(fitted.predict_proba()["probabilities"].head(SHOWN).to_list())


def ours(n_items: int, method: str, n_actors: int = N_ACTORS, **params: Any) -> Task:
    """From the frame to probabilities."""
    from quality.consensus.aggregators import make

    votes = voted(n_items, n_actors)
    return lambda: probabilities(make(method, CLASSES, **params).fit(votes))


def crowdkit(n_items: int, method: str, n_actors: int = N_ACTORS, **params: Any) -> Task:
    """The same with crowd-kit.

    Actors and classes get names in the order in which they appear: its MACE takes the two
    orders for one, and gives actors each other's habits where they differ.
    """
    from crowdkit.aggregation import GLAD, MACE, DawidSkene, MajorityVote
    from crowdkit.aggregation.classification.dawid_skene import OneCoinDawidSkene

    peers = {"majority": MajorityVote, "dawid_skene": DawidSkene, "one_coin": OneCoinDawidSkene}
    peer = (peers | {"glad": GLAD, "mace": MACE})[method]
    renamed = voted(n_items, n_actors).rename({"item_id": "task", "actor": "worker"})
    met = {name: renamed[name].unique(maintain_order=True) for name in ("worker", "label")}
    votes = renamed.with_columns(
        pl.col(name).replace_strict(names, [f"{place:04}" for place in range(len(names))])
        for name, names in met.items()
    ).to_pandas()

    def task() -> Any:
        found = peer(**params).fit_predict_proba(votes).sort_index()
        found = found[sorted(found.columns)].set_axis(met["label"].to_list(), axis=1)[CLASSES]
        rows = found.head(SHOWN).to_numpy()
        return rows / rows.sum(axis=1, keepdims=True)

    return task


def our_crowdlab(n_items: int) -> Task:
    """From the frames to probabilities."""
    from quality.consensus.crowdlab import CrowdLab

    votes = voted(n_items)
    items = votes["item_id"].unique(maintain_order=True)
    rows = pl.Series(predicted(n_items)).arr.to_list()
    predictions = pl.DataFrame({"item_id": items, "probabilities": rows})
    return lambda: probabilities(CrowdLab(CLASSES).fit(votes, predictions=predictions))


def cleanlab_crowdlab(n_items: int) -> Task:
    """cleanlab's, from the wide table that it asks for; its posterior, which it keeps inside."""
    from cleanlab import multiannotator

    kept: list[Any] = []
    inner = multiannotator._get_post_pred_probs_and_weights  # noqa: SLF001

    def remember(*given: Any, **named: Any) -> Any:
        kept[:] = [inner(*given, **named)]
        return kept[0]

    multiannotator._get_post_pred_probs_and_weights = remember  # noqa: SLF001
    codes = pl.col("label").str.slice(1).cast(pl.Float64)
    long = voted(n_items).with_columns(codes)
    wide = long.pivot(on="actor", index="item_id", values="label").sort("item_id")
    table, classifier = wide.drop("item_id").to_pandas(), predicted(n_items)

    def task() -> Any:
        multiannotator.get_label_quality_multiannotator(table, classifier, verbose=False)
        return kept[0][0][:SHOWN]

    return task


def our_label_model(n_items: int, **params: Any) -> Task:
    """From the frame to the share of items on the first class."""
    from quality.consensus.label_model import LabelModel

    said = functions_said(n_items)
    item, function = np.nonzero(said >= 0)
    names = pl.Series(np.arange(n_items)).cast(pl.String).str.zfill(8)
    votes = pl.DataFrame(
        {
            "item_id": names.gather(item),
            "actor": pl.Series([f"f{j}" for j in range(N_FUNCTIONS)]).gather(function),
            "label": pl.Series(["c0", "c1"]).gather(said[item, function]),
        }
    )
    return lambda: float(
        (LabelModel(["c0", "c1"], **params).fit(votes).predict()["label"] == "c0").mean()
    )


def snorkel_label_model(n_items: int) -> Task:
    """The same with snorkel, from the matrix that it asks for."""
    from snorkel.labeling.model import LabelModel

    said = functions_said(n_items)
    said = said[(said >= 0).any(axis=1)]

    def task() -> Any:
        model = LabelModel(cardinality=2, verbose=False)
        model.fit(said, seed=0, progress_bar=False)
        return float((model.predict_proba(said)[:, 0] > 0.5).mean())

    return task


PASSES = 10
ROUNDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "majority": ({}, {}),
    "dawid_skene": ({"tol": 0.0, "max_iter": PASSES - 1}, {"tol": -1e9, "n_iter": PASSES}),
    "one_coin": (
        {"tol": 0.0, "max_iter": PASSES - 1, "prior": "learned"},
        {"tol": -1e9, "n_iter": PASSES},
    ),
    "mace": ({"tol": 0.0, "max_iter": 50}, {"n_restarts": 1, "n_iter": 50}),
    "glad": ({}, {}),
}
"""Parameters of ours and of crowd-kit's: both take as many expectation steps (ours takes one after
its last iteration). GLAD alone stops by its own rules, for its steps are of different kinds."""
SIZES = {"glad": (300, 1_000), "label_model": (10_000, 100_000, 1_000_000)}
METHODS = (*ROUNDS, "crowdlab", "label_model")
REPEATED = 3
SLOW = 10.0


def speed(methods: Sequence[str], largest: int, cap: float) -> None:
    """Prints a line per method and size."""
    for method in methods:
        sizes = SIZES.get(method, (10_000, 100_000, 1_000_000))
        seconds, before = 0.0, sizes[0]
        for n_items in [size for size in sizes if size <= largest] or [largest]:
            expected = seconds * n_items / before
            found = _against(method, n_items, expected, cap)
            if len(found) == 1:
                print(f"  its peer would take {expected:.0f} s, more than {cap:g}", flush=True)
            seconds, before = (found[1].seconds if len(found) > 1 else expected), n_items


def _against(method: str, n_items: int, expected: float, cap: float) -> list[Measured]:
    """One method at one size; a slow peer runs once, one beyond the cap not at all."""
    here, title = "benchmarks.consensus", f"{method}, {n_items:,} items"
    slow = expected > SLOW
    turns: dict[str, Any] = {"repeats": 1 if slow else REPEATED, "warm_peer": not slow}
    if method in ROUNDS:
        our_params, their_params = ROUNDS[method]
        given = {
            "method": method,
            "both": {"n_items": n_items},
            "our_params": our_params,
            "their_params": their_params,
        }
        peer = f"{here}:other_side" if expected <= cap else None
        return contest(title, f"{here}:side", peer, **turns, **given)
    theirs = {"crowdlab": "cleanlab_crowdlab", "label_model": "snorkel_label_model"}[method]
    peer = f"{here}:{theirs}" if expected <= cap else None
    return contest(title, f"{here}:our_{method}", peer, **turns, n_items=n_items)


def alone(n_items: int) -> None:
    """Prints what methods without a peer take, from the frame to settled probabilities."""
    for method in ("dawid_skene", "fast_dawid_skene", "bayesian_dawid_skene", "one_coin",
                   "two_coin", "wawa", "glad", "mace"):  # fmt: skip
        title = f"{method} until it settles, {n_items:,} items"
        contest(title, "benchmarks.consensus:ours", None, repeats=2, n_items=n_items, method=method)


def contest_of(
    title: str,
    method: str,
    both: dict[str, Any],
    our_params: dict[str, Any],
    their_params: dict[str, Any],
    *,
    repeats: int,
) -> None:
    """One method of ours against crowd-kit's, each with parameters of its own."""
    contest(
        title,
        "benchmarks.consensus:side",
        "benchmarks.consensus:other_side",
        repeats=repeats,
        method=method,
        both=both,
        our_params=our_params,
        their_params=their_params,
    )


def side(method: str, both: dict[str, Any], our_params: dict[str, Any], **_: Any) -> Task:
    """Our contender with our parameters."""
    return ours(method=method, **both, **our_params)


def other_side(method: str, both: dict[str, Any], their_params: dict[str, Any], **_: Any) -> Task:
    """crowd-kit's contender with its parameters."""
    return crowdkit(method=method, **both, **their_params)


def exactness() -> None:
    """Prints how far the methods that are the same are apart once both have settled."""
    settled = {"tol": 0.0, "max_iter": 2_000}
    long = {"n_iter": 100, "tol": -1e9}
    pairs = [
        ("dawid_skene", settled, long),
        ("one_coin", settled | {"prior": "learned"}, long | {"n_iter": 40}),
        ("mace", settled, {"n_restarts": 1, "n_iter": 100}),
        ("glad", settled, {"n_iter": 12, "tol": -1e9, "m_step_max_iter": 60, "m_step_tol": 1e-7}),
    ]
    for method, our_params, their_params in pairs:
        title, both = f"{method}, 500 items, both settled", {"n_items": 500, "n_actors": 20}
        contest_of(title, method, both, our_params, their_params, repeats=1)


def where_the_time_goes(n_items: int) -> None:
    """Prints Dawid-Skene's parts, and its passes against the machine's copy bandwidth."""
    from quality.consensus.dawid_skene import DawidSkene
    from quality.votes import VoteCodes

    votes = voted(n_items)
    shuffled = votes.sample(fraction=1, shuffle=True, seed=1)
    DawidSkene(CLASSES).fit(votes.head(1_000))
    block = np.ones(50_000_000)
    parts: dict[str, float] = {}
    for name, work in (
        ("copy 400 MB", block.copy),
        ("code shuffled votes", lambda: VoteCodes.of(shuffled, CLASSES)),
        ("code sorted votes", lambda: VoteCodes.of(votes, CLASSES)),
    ):
        start = time.perf_counter()
        work()
        parts[name] = time.perf_counter() - start
    codes = VoteCodes.of(votes, CLASSES)
    start = time.perf_counter()
    fitted = DawidSkene(CLASSES).fit(codes)
    parts[f"fit, {fitted.n_iter_} passes"] = time.perf_counter() - start
    start = time.perf_counter()
    fitted.predict()
    parts["predict"] = time.perf_counter() - start
    for name, seconds in parts.items():
        print(f"  {name:30s} {seconds:8.3f} s")
    seconds = parts[f"fit, {fitted.n_iter_} passes"] / (fitted.n_iter_ + 2)
    read = codes.cells.nbytes + codes.starts.nbytes
    bandwidth, copied = read / seconds / 1e9, 0.8 / parts["copy 400 MB"]
    additions = 2 * codes.n_votes * N_CLASSES / seconds / 1e9
    print(f"  a pass takes {seconds:.4f} s and reads {bandwidth:.2f} GB/s (a copy: {copied:.1f})")
    print(f"  and does {additions:.2f} billion additions/s on tables that stay in the cache")


def main() -> None:
    """Prints one line per comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=["exact", "speed", "alone", "parts", []])
    parser.add_argument("--method", action="append", choices=METHODS, help="for speed")
    parser.add_argument("--items", type=int, default=100_000, help="the largest number of items")
    parser.add_argument("--cap", type=float, default=60.0, help="seconds a peer's run may take")
    options = parser.parse_args()
    wanted = options.parts or ["exact", "speed", "alone", "parts"]
    if "exact" in wanted:
        exactness()
    if "speed" in wanted:
        speed(options.method or METHODS, options.items, options.cap)
    if "alone" in wanted:
        alone(options.items)
    if "parts" in wanted:
        where_the_time_goes(options.items)


if __name__ == "__main__":
    main()
