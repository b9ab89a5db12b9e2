"""A language model's answer is forced into the ontology."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.chat import ChatAnswer
from assets.labelers.llm.answers import Judgment, judged, most_named
from assets.labelers.llm.errors import NoVote
from assets.labelers.llm.prompt import answer_text

CLASSES = ("positive", "very negative", "C++", "Über")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{"label": "positive"}', "positive"),
        (' ```json\n{"label": "positive"}\n``` ', "positive"),
        ('<think>{"label": "C++"}? No.</think>\n{"label": "positive"}', "positive"),
        ('Here it is: {"label": "positive"}', "positive"),
        ('"positive"', "positive"),
        ("Positive.", "positive"),
        ("**Very  Negative**", "very negative"),
        ("c++", "C++"),
        ("über", "Über"),
        ('{"label": null}', None),
    ],
)
def test_a_class_is_known_in_whatever_it_is_wrapped(text: str, label: str | None) -> None:
    assert judged(ChatAnswer(text), CLASSES) == Judgment(label)


@pytest.mark.parametrize(
    "text", ["negative", "not positive", "positive or C++", '{"class": "positive"}', "[]", "null?"]
)
def test_what_only_contains_a_class_names_none(text: str) -> None:
    with pytest.raises(NoVote, match="answered what is no class"):
        judged(ChatAnswer(text), CLASSES)


def test_classes_that_differ_in_case_alone_must_be_named_exactly() -> None:
    assert judged(ChatAnswer("A"), ("a", "A")).label == "A"
    with pytest.raises(NoVote):
        judged(ChatAnswer("A."), ("a", "A"))


def test_a_class_that_is_a_number_may_come_as_one() -> None:
    assert judged(ChatAnswer('{"label": 3}'), ("3", "4")).label == "3"
    assert judged(ChatAnswer("4"), ("3", "4")).label == "4"


def test_the_probability_is_that_of_the_tokens_that_spell_the_label() -> None:
    tokens = (('{"label": "', 0.0), ("posi", -0.1), ("tive", -0.2), ('"}', -3.0))
    answer = ChatAnswer("".join(t for t, _ in tokens), tokens=tokens)
    assert judged(answer, CLASSES).score == pytest.approx(math.exp(-0.3))


def test_a_tie_between_samples_is_no_label() -> None:
    samples = [Judgment("a"), Judgment("b"), Judgment(None)]
    assert most_named(samples) == Judgment(None)
    assert most_named([*samples, Judgment("b")]) == Judgment("b", 0.5)


@given(st.sampled_from(CLASSES))
def test_the_answer_that_the_prompt_asks_for_is_understood(label: str) -> None:
    assert judged(ChatAnswer(answer_text(label)), CLASSES).label == label


@given(st.text(max_size=60))
def test_any_text_is_a_class_or_no_vote(text: str) -> None:
    try:
        label = judged(ChatAnswer(text), CLASSES).label
    except NoVote:
        return
    assert label is None or label in CLASSES
