"""A language model votes, is paid for once, and abstains with a reason where it cannot."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from assets.labelers.interface import Ballots
from assets.labelers.llm.labeler import LanguageModel

TEXTS = ["good film", "bad film", "good again", "dull"]
LABELS = ["positive", "negative", "positive", "negative"]


def reasons(ballots: Ballots) -> dict[str, int]:
    return {error.reason: error.count for error in ballots.errors}


def labels(ballots: Ballots) -> Sequence[Any]:
    return ballots.votes["label"].to_list()


def test_a_language_model_votes_under_its_name(section, given) -> None:
    labeler = LanguageModel(section())
    ballots = labeler.vote(given(TEXTS))
    assert labels(ballots) == LABELS
    assert set(ballots.votes["actor"]) == {"llm:small"}
    assert set(ballots.votes["actor_version"]) == {labeler.version}
    assert ballots.errors == ()


def test_the_prompt_has_the_classes_with_what_they_mean(tool, section, given) -> None:
    LanguageModel(section(instructions="Film reviews.")).vote(given(["x"]))
    rules = tool.bodies[0]["messages"][0]["content"]
    assert rules.startswith("Film reviews.")
    assert '- "positive": They like it.\n- "negative"\n' in rules


KNOWN = {f"k{n}": (f"text {n}", "positive" if n % 3 else "negative") for n in range(12)}


def shown(body: dict[str, Any]) -> list[tuple[str, str]]:
    told = [message["content"] for message in body["messages"][1:-1]]
    texts = [t.split("\n")[1] for t in told[::2]]
    return list(zip(texts, [json.loads(t)["label"] for t in told[1::2]], strict=True))


def test_examples_are_items_that_people_labeled_each_class_in_turn(tool, section, given) -> None:
    LanguageModel(section(examples={"count": 4})).vote(given(["x"], KNOWN))
    examples = shown(tool.bodies[0])
    assert [label for _, label in examples] == ["positive", "negative"] * 2
    assert set(examples) <= set(KNOWN.values())


@pytest.mark.parametrize("choice", ["balanced", "nearest"])
def test_an_item_is_no_example_for_itself(tool, section, given, choice) -> None:
    known = {"i0": ("good film", "positive"), "k": ("good films", "positive")}
    few = {"count": 2, "choice": choice}
    LanguageModel(section(examples=few)).vote(given(["good film"], known))
    assert shown(tool.bodies[0]) == [("good films", "positive")]


def test_what_no_person_labeled_is_no_example(tool, section, given) -> None:
    made = given(["x"], KNOWN)
    auto = made.known().with_columns(state=made.known()["state"].replace("human", "auto"))
    object.__setattr__(made, "known", lambda: auto)
    LanguageModel(section()).vote(made)
    assert shown(tool.bodies[0]) == []


def test_the_nearest_examples_share_words_the_nearest_of_them_last(tool, section, given) -> None:
    known = {
        "k1": ("a very dull plot", "negative"),
        "k2": ("the plot is grand", "positive"),
        "k3": ("no words of it", "negative"),
    }
    few = {"count": 2, "choice": "nearest"}
    LanguageModel(section(examples=few)).vote(given(["dull plot"], known))
    assert [text for text, _ in shown(tool.bodies[0])] == [known["k2"][0], known["k1"][0]]


def test_the_version_is_that_of_model_prompt_parameters_and_examples(section, given) -> None:
    def version(known: Any = None, **settings: Any) -> str:
        labeler = LanguageModel(section(**settings))
        labeler.vote(given(["x"], known))
        return labeler.version

    same = version(KNOWN)
    assert same == version(KNOWN, concurrency=9, budget={"calls": 5}, timeout_seconds=1.0)
    others = [
        version(),
        version(KNOWN, model="n"),
        version(KNOWN, instructions="Be kind."),
        version(KNOWN, temperature=0.5),
        version(dict(list(KNOWN.items())[:5])),
    ]
    assert len({same, *others}) == 6


def test_asking_again_costs_nothing(tool, section, given, tmp_path: Path) -> None:
    first = LanguageModel(section()).vote(given(TEXTS, cache=tmp_path))
    again = LanguageModel(section()).vote(given(TEXTS, cache=tmp_path))
    assert labels(first) == labels(again) == LABELS
    assert len(tool.bodies) == 4
    assert again.cost["spent"]["calls"] == 0
    assert again.cost["spent"]["cached"] == 4


def test_a_record_that_was_cut_off_is_asked_for_again(tool, section, given, tmp_path) -> None:
    LanguageModel(section()).vote(given(["good"], cache=tmp_path))
    (record,) = tmp_path.rglob("*.json")
    record.write_bytes(record.read_bytes()[:9])
    assert labels(LanguageModel(section()).vote(given(["good"], cache=tmp_path))) == ["positive"]
    assert len(tool.bodies) == 2


def test_a_failure_is_not_kept(tool, section, given, tmp_path) -> None:
    tool.faults = ["401"]
    failed = LanguageModel(section()).vote(given(["good"], cache=tmp_path))
    assert labels(failed) == [None]
    assert labels(LanguageModel(section()).vote(given(["good"], cache=tmp_path))) == ["positive"]


def test_what_a_killed_run_was_answered_is_not_asked_again(tool, section, given, tmp_path) -> None:
    class Killed(BaseException):
        pass

    def kill(done: int, _total: int) -> None:
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        LanguageModel(section(concurrency=1)).vote(given(TEXTS, cache=tmp_path, progress=kill))
    asked = len(tool.bodies)
    LanguageModel(section()).vote(given(TEXTS, cache=tmp_path))
    assert asked >= 2
    assert len(tool.bodies) == 4


def test_the_share_of_samples_that_agree_is_the_score(tool, section, given) -> None:
    answers = iter(["positive", "Negative.", '{"label": "positive"}', "no idea"])
    tool.says = lambda _text: next(answers)
    made = section(samples=4, temperature=0.8, concurrency=1)
    ballots = LanguageModel(made).vote(given(["x"]))
    assert ballots.votes.select("label", "score").row(0) == ("positive", 0.5)
    assert [body["seed"] for body in tool.bodies] == [0, 1, 2, 3]


def test_samples_that_are_tied_are_an_abstention_and_no_failure(tool, section, given) -> None:
    answers = iter(["positive", "negative"])
    tool.says = lambda _text: next(answers)
    ballots = LanguageModel(section(samples=2, temperature=1.0)).vote(given(["x"]))
    assert labels(ballots) == [None]
    assert ballots.errors == ()


def test_log_probabilities_of_the_label_are_the_score(tool, section, given) -> None:
    tool.log_probability = -0.25
    ballots = LanguageModel(section(log_probabilities=True)).vote(given(["good"]))
    # `{"label": "positive"}` in pieces of four: `positive` lies in three of them.
    assert ballots.votes["score"][0] == pytest.approx(0.4723665527)


def test_without_log_probabilities_there_is_no_score(tool, section, given) -> None:
    ballots = LanguageModel(section(log_probabilities=True)).vote(given(["good"]))
    assert ballots.votes.select("label", "score").row(0) == ("positive", None)


def test_it_abstains_where_it_is_not_sure_enough(tool, section, given) -> None:
    tool.log_probability = -0.25
    made = section(log_probabilities=True, vote_above=0.6)
    assert labels(LanguageModel(made).vote(given(["good"]))) == [None]


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("I would say it is good.", "answered what is no class"),
        ('{"label": "neutral"}', "answered what is no class"),
        ('{"label": ["positive"]}', "answered what is no class"),
        ("", "answered nothing"),
        ({"content": None, "refusal": "I cannot help"}, "refused to answer"),
    ],
)
def test_what_is_no_class_is_a_counted_abstention(tool, section, given, says, reason) -> None:
    tool.says = lambda _text: says
    ballots = LanguageModel(section()).vote(given(TEXTS))
    assert labels(ballots) == [None] * 4
    assert reasons(ballots) == {reason: 4}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("filtered", "refused to answer"),
        ("cut off at max_tokens", "was cut off at max_tokens"),
        ("wrong", "answered what is no completion"),
        ("400", "answered HTTP 400"),
    ],
)
def test_one_bad_answer_is_one_abstention(tool, section, given, fault, reason) -> None:
    tool.faults = [fault, fault] if fault == "400" else [fault]
    ballots = LanguageModel(section(concurrency=1)).vote(given(TEXTS))
    assert labels(ballots) == [None, *LABELS[1:]]
    assert reasons(ballots) == {reason: 1}


@pytest.mark.parametrize("fault", ["500", "cut off", "html", "slow"])
def test_an_endpoint_that_stays_in_trouble_is_not_asked_for_every_item(
    tool, section, given, fault
) -> None:
    tool.always = fault
    made = section(concurrency=1, retries=0, timeout_seconds=0.1)
    ballots = LanguageModel(made).vote(given(["x"] * 50))
    assert labels(ballots) == [None] * 50
    assert sorted(reasons(ballots).values()) == [5, 45]
    assert any("5 times in a row" in reason for reason in reasons(ballots))
    assert len(tool.bodies) == 5


def test_a_refused_key_is_tried_once(tool, section, given) -> None:
    tool.always = "401"
    ballots = LanguageModel(section(concurrency=1)).vote(given(["x"] * 9))
    assert len(tool.bodies) == 1
    assert sum(reasons(ballots).values()) == 9


def test_a_missing_key_is_an_abstention_on_every_item(tool, section, given) -> None:
    ballots = LanguageModel(section(api_key_variable="NO_KEY")).vote(given(TEXTS))
    assert reasons(ballots) == {"has no key": 4}
    assert "NO_KEY" in str(ballots.errors[0])
    assert tool.bodies == []


def test_cached_answers_need_no_key(section, given, tmp_path) -> None:
    LanguageModel(section()).vote(given(TEXTS, cache=tmp_path))
    made = section(api_key_variable="NO_KEY")
    assert labels(LanguageModel(made).vote(given(TEXTS, cache=tmp_path))) == LABELS


@pytest.mark.parametrize(
    "budget", [{"calls": 2}, {"tokens": 200 + 3 * 64}, {"money": 2.2 * (100 * 1 + 64 * 2) / 1e6}]
)
def test_a_spent_budget_stops_it(tool, section, given, budget) -> None:
    price = {"input": 1.0, "output": 2.0}
    made = section(concurrency=1, budget=budget, price=price, instructions="x" * 120)
    labeler = LanguageModel(made)
    ballots = labeler.vote(given(["good film"] * 10))
    (error,) = ballots.errors
    assert error.reason == "was not asked any more: budget spent"
    assert labels(ballots)[0] == "positive"
    assert error.count == 10 - len(tool.bodies)
    assert len(tool.bodies) < 10


def test_a_budget_is_of_the_run_whatever_its_batches(tool, section, given) -> None:
    labeler = LanguageModel(section(budget={"calls": 5}))
    first, second = labeler.vote(given(TEXTS)), labeler.vote(given(TEXTS))
    assert reasons(first) == {}
    assert sum(reasons(second).values()) == 3
    assert (first.cost["spent"]["calls"], second.cost["spent"]["calls"]) == (4, 1)


def test_many_threads_do_not_pass_the_budget(tool, section, given) -> None:
    LanguageModel(section(budget={"calls": 20}, concurrency=16)).vote(given(["x"] * 200))
    assert len(tool.bodies) == 20


def test_requests_are_under_way_at_once_up_to_the_limit(tool, section, given) -> None:
    together = threading.Barrier(3, timeout=20)

    def says(_text: str) -> str:
        together.wait()
        return "positive"

    tool.says = says
    LanguageModel(section(concurrency=3)).vote(given([f"x{n}" for n in range(12)]))
    assert tool.most_at_once == 3


def test_the_cost_is_estimated_before_and_recorded_after(tool, section, given, tmp_path) -> None:
    said: list[str] = []
    labeler = LanguageModel(section(price={"input": 1.0, "output": 2.0, "currency": "EUR"}))
    items = given(TEXTS, cache=tmp_path, say=said.append)
    estimate = labeler.estimate(items)
    assert tool.bodies == []
    ballots = labeler.vote(items)
    assert "will cost about 4 calls" in said[0]
    assert "0.00048 EUR" in said[1]
    assert ballots.cost["estimated"]["input_tokens"] == estimate.input_tokens
    spent = ballots.cost["spent"]
    assert (spent["input_tokens"], spent["output_tokens"], spent["money"]) == (400, 40, 0.00048)


def test_tokens_that_nobody_counted_are_estimated_and_said_to_be(tool, section, given) -> None:
    tool.faults = ["no usage"]
    spent = LanguageModel(section(concurrency=1)).vote(given(["good"])).cost["spent"]
    assert spent["uncounted"] == 1
    assert 50 < spent["input_tokens"] < 200


def test_no_items_are_no_votes(section, given) -> None:
    assert LanguageModel(section()).vote(given([])).votes.is_empty()
