"""Tasks go to those who are good at them, within what each takes on."""

from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.selection.errors import SelectionError
from quality.selection.routing import Reviewer, routed

CLASSES = ("a", "b")


def skill(table: dict[str, tuple[float, float]]) -> pl.DataFrame:
    rows = [(w, c, q) for w, qs in table.items() for c, q in zip(CLASSES, qs, strict=True)]
    return pl.DataFrame(rows, schema=["actor", "class", "quality"], orient="row")


SKILLS = skill({"human": (0.7, 0.7), "human:ana": (0.95, 0.6), "human:ben": (0.6, 0.95)})


def tasks(*rows: tuple[str, list[float] | None, int]) -> pl.DataFrame:
    schema = {"item_id": pl.String, "probabilities": pl.List(pl.Float64), "wanted": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def voted(*rows: tuple[str, str]) -> pl.DataFrame:
    schema = {"item_id": pl.String, "actor": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def given_to(*args: object, had: pl.DataFrame | None = None, **capacity: int) -> dict[str, str]:
    people = [Reviewer(f"human:{name}", n) for name, n in capacity.items()]
    found = routed(tasks(*args), SKILLS, people, voted() if had is None else had, CLASSES)  # type: ignore[arg-type]
    return {item: actor.split(":")[1] for item, actor, _ in found.iter_rows()}


LIKELY_A, LIKELY_B = ("a1", [0.9, 0.1], 1), ("b1", [0.2, 0.8], 1)


def test_a_task_goes_to_who_is_good_at_its_likely_class() -> None:
    assert given_to(LIKELY_A, LIKELY_B, ana=5, ben=5) == {"a1": "ana", "b1": "ben"}


def test_the_chance_of_a_right_answer_is_said() -> None:
    found = routed(tasks(LIKELY_A), SKILLS, [Reviewer("human:ana", 1)], voted(), CLASSES)
    assert found["expected"].item() == pytest.approx(0.9 * 0.95 + 0.1 * 0.6)


def test_nobody_takes_more_than_they_have_room_for() -> None:
    rows = [(f"a{n}", [0.9, 0.1], 1) for n in range(4)]
    found = given_to(*rows, ana=2, ben=1)
    assert sorted(found.values()) == ["ana", "ana", "ben"]
    assert list(found) == ["a0", "a1", "a2"]


def test_nobody_votes_twice_on_an_item() -> None:
    assert given_to(LIKELY_A, had=voted(("a1", "human:ana")), ana=1, ben=1) == {"a1": "ben"}
    assert given_to(LIKELY_A, had=voted(("a1", "human:ana")), ana=1) == {}


def test_room_that_urgent_tasks_leave_goes_to_later_ones() -> None:
    assert given_to(LIKELY_A, LIKELY_B, had=voted(("a1", "human:ana")), ana=1) == {"b1": "ana"}


def test_an_item_that_wants_two_votes_goes_to_two_people() -> None:
    people = [Reviewer("human:ana", 5), Reviewer("human:ben", 5), Reviewer("human:cleo", 5)]
    found = routed(tasks(("a1", [0.9, 0.1], 2)), SKILLS, people, voted(), CLASSES)
    assert found["actor"].to_list() == ["human:ana", "human:cleo"]


def test_somebody_unknown_is_taken_for_a_usual_person() -> None:
    assert given_to(("u", None, 1), ana=0, cleo=1) == {"u": "cleo"}


def test_no_tasks_and_no_reviewers_are_no_work() -> None:
    assert given_to(ana=3) == {}
    assert given_to(LIKELY_A) == {}


def test_reviewers_that_cannot_be_are_refused() -> None:
    twice = [Reviewer("human:ana", 1), Reviewer("human:ana", 2)]
    with pytest.raises(SelectionError, match="more than once"):
        routed(tasks(LIKELY_A), SKILLS, twice, voted(), CLASSES)
    with pytest.raises(SelectionError, match="capacities"):
        routed(tasks(LIKELY_A), SKILLS, [Reviewer("human:ana", -1)], voted(), CLASSES)
    some = SKILLS.filter(pl.col("class") == "a")
    with pytest.raises(SelectionError, match=r"lack the classes \['b'\]"):
        routed(tasks(LIKELY_A), some, [Reviewer("human:ana", 1)], voted(), CLASSES)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3))
def test_no_other_assignment_is_better(seed: int, n_items: int, n_people: int) -> None:
    rng = np.random.default_rng(seed)
    table = {f"human:{w}": tuple(rng.random(2)) for w in range(n_people)} | {"human": (0.7, 0.7)}
    room = rng.integers(0, 3, n_people)
    if room.sum() < n_items:
        room[0] += n_items - room.sum()
    rows = [(f"i{i}", [p, 1 - p], 1) for i, p in enumerate(rng.random(n_items))]
    people = [Reviewer(f"human:{w}", int(n)) for w, n in enumerate(room)]
    found = routed(tasks(*rows), skill(table), people, voted(), CLASSES)  # type: ignore[arg-type]
    chance = (
        np.array([row[1] for row in rows])
        @ np.array([table[f"human:{w}"] for w in range(n_people)]).T
    )
    best = max(
        sum(chance[i, w] for i, w in enumerate(way))
        for way in product(range(n_people), repeat=n_items)
        if (np.bincount(way, minlength=n_people) <= room).all()
    )
    assert found["expected"].sum() == pytest.approx(best)
