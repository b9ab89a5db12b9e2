"""Who is asked: the answer of the worker that skills choose, beside that of any worker.

python -m benchmarks.routing needs the sentiment answers of the shared data. On one half of the
sentences skills are learned; on the other half one of the workers who answered a sentence is
chosen, within 1.5 times an even load, and their answer held against the truth.
"""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import polars as pl

from quality.consensus.aggregators import make
from quality.consensus.skills import skills
from quality.selection.routing import Reviewer, routed

DATA = Path(__file__).parents[2] / "shared" / "data" / "sentiment"
CLASSES = ("positive", "negative")
LOAD, SEEDS = 1.5, 5


def answers() -> pl.DataFrame:
    """item_id, actor, label, and whether it is right."""
    given = pl.read_csv(DATA / "answers.csv").rename({"item": "item_id", "worker": "actor"})
    gold = pl.read_csv(DATA / "gold.csv").rename({"item": "item_id", "label": "truth"})
    return given.join(gold, on="item_id").with_columns(
        ("human:" + pl.col("actor")).alias("actor"),
        (pl.col("label") == pl.col("truth")).alias("right"),
    )


def halves(seed: int) -> Iterator[pl.DataFrame]:
    """The answers on two random halves of the items."""
    every = answers()
    items = every["item_id"].unique().sort().to_list()
    Random(seed).shuffle(items)
    half = pl.Series(items[: len(items) // 2]).implode()
    yield every.filter(pl.col("item_id").is_in(half))
    yield every.filter(~pl.col("item_id").is_in(half))


def measured(seed: int) -> tuple[float, float, float]:
    """Right answers of those chosen, of anybody, and as they were expected."""
    learned, asked = halves(seed)
    fitted = make("dawid_skene", CLASSES).fit(learned.select("item_id", "actor", "label"))
    found = skills(fitted)
    items = asked["item_id"].unique().sort()
    even = items.len() / asked.height
    people = [
        Reviewer(actor, round(LOAD * even * n + 0.5))
        for actor, n in asked.group_by("actor").len().sort("actor").iter_rows()
    ]
    tasks = items.to_frame("item_id").with_columns(
        pl.lit(None, pl.List(pl.Float64)).alias("probabilities"), pl.lit(1).alias("wanted")
    )
    actors = pl.DataFrame({"actor": [person.actor for person in people]})
    absent = tasks.join(actors, how="cross").join(asked, on=["item_id", "actor"], how="anti")
    chosen = routed(tasks, found, people, absent, CLASSES).join(asked, on=["item_id", "actor"])
    anybody = asked.group_by("item_id").agg(pl.col("right").mean())
    return chosen["right"].mean(), anybody["right"].mean(), chosen["expected"].mean()  # type: ignore[return-value]


def coverage() -> float:
    """Share of the true shares, over 50 and more answers, that lie in their 95 % intervals."""
    every = answers()
    fitted = make("dawid_skene", CLASSES).fit(every.select("item_id", "actor", "label"))
    real = every.group_by("actor", "truth").agg(pl.col("right").mean(), pl.len().alias("n"))
    both = real.filter(pl.col("n") >= 50).join(
        skills(fitted), left_on=["actor", "truth"], right_on=["actor", "class"]
    )
    return both.select(pl.col("right").is_between("low", "high").mean()).item()


def seconds(n_tasks: int, n_people: int) -> float:
    """Of sharing tasks out among people who may all take each."""
    chance = Random(0)
    rows = [
        (actor, name, chance.uniform(0.6, 1.0))
        for actor in ["human", *(f"human:{k}" for k in range(n_people))]
        for name in CLASSES
    ]
    table = pl.DataFrame(rows, schema=["actor", "class", "quality"], orient="row")
    shares = [chance.random() for _ in range(n_tasks)]
    tasks = pl.DataFrame(
        {
            "item_id": [str(i) for i in range(n_tasks)],
            "probabilities": [[p, 1 - p] for p in shares],
            "wanted": [1] * n_tasks,
        }
    )
    people = [Reviewer(f"human:{k}", n_tasks // n_people + 1) for k in range(n_people)]
    nobody = pl.DataFrame(schema={"item_id": pl.String, "actor": pl.String})
    began = time.perf_counter()
    routed(tasks, table, people, nobody, CLASSES)
    return time.perf_counter() - began


def main() -> None:
    """Prints right answers, and what sharing out costs."""
    if DATA.is_dir():
        found = [measured(seed) for seed in range(SEEDS)]
        chosen, anybody, expected = (statistics.median(part) for part in zip(*found, strict=True))
        print(
            f"right: {chosen:.1%} of those chosen (expected {expected:.1%}), {anybody:.1%} of any"
        )
        print(f"true shares within their 95 % interval: {coverage():.0%}")
    else:
        print(f"the sentiment answers are not at {DATA}")
    for n_tasks, n_people in ((100, 5), (1000, 20)):
        print(f"{n_tasks} tasks for {n_people} people: {seconds(n_tasks, n_people):.3f} s")


if __name__ == "__main__":
    main()
