"""Forces a language model's answer into the ontology; whatever does not fit is no vote."""

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets.chat import ChatAnswer
from assets.labelers.llm.errors import NoVote

SHOWN = 80
# What models that think aloud write before they answer, and fences around JSON.
_AROUND = re.compile(r"(?s)^\s*(?:<think>.*?</think>)?\s*(?:```\w*\s*)?(.*?)(?:\s*```)?\s*$")
_OBJECT = re.compile(r"\{[^{}]*\}")
_EDGES = " \t\n.,:;!?\"'`*"


@dataclass(frozen=True)
class Judgment:
    """A label, null where the model says that no class fits, and how sure it is."""

    label: str | None
    score: float | None = None


def judged(answer: ChatAnswer, classes: Sequence[str]) -> Judgment:
    """The class that an answer names, with the probability of its tokens where they are known.

    A class is named by its name, or by what differs from it only in case, blanks and marks
    around it, as `label` of a JSON object or as the whole answer.

    Raises:
        NoVote: says what came instead.
    """
    if answer.refusal is not None:
        raise NoVote("refused to answer", answer.refusal[:SHOWN])
    said = _said(answer.text)
    if said is None:
        return Judgment(None)
    label = _class(said, classes) if isinstance(said, str) else None
    if label is None:
        if answer.cut_off:
            raise NoVote("was cut off at max_tokens", repr(answer.text[:SHOWN]))
        if not answer.text.strip():
            raise NoVote("answered nothing", "empty")
        raise NoVote("answered what is no class", repr(answer.text[:SHOWN]))
    return Judgment(label, _probability(str(said), answer.tokens))


def most_named(samples: Sequence[Judgment]) -> Judgment:
    """The label that most samples name, with their share; none where two are named as often."""
    if len(samples) == 1:
        return samples[0]
    named = Counter(s.label for s in samples if s.label is not None).most_common(2)
    if not named or (len(named) == 2 and named[0][1] == named[1][1]):  # noqa: PLR2004 - the two
        return Judgment(None)
    label, times = named[0]
    return Judgment(label, times / len(samples))


def _said(text: str) -> Any:
    """The `label` of the JSON in an answer, or the answer where there is no JSON."""
    found = _AROUND.match(text)
    bare = found.group(1) if found else text
    for candidate in (bare, *_OBJECT.findall(bare)[-1:]):
        try:
            read = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(read, dict) and "label" in read:
            label = read["label"]
            # A class that is a number may come as one.
            return str(label) if isinstance(label, int) else label
        if isinstance(read, str):
            return read
    return bare


def _class(said: str, classes: Sequence[str]) -> str | None:
    if said in classes:
        return said
    return _by_plain_name(classes).get(_plain(said))


def _by_plain_name(classes: Sequence[str]) -> Mapping[str, str]:
    """Classes by their plain names, those left out that are alike."""
    plain = Counter(map(_plain, classes))
    return {_plain(name): name for name in classes if _plain(name) and plain[_plain(name)] == 1}


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(_EDGES)


def _probability(said: str, tokens: Sequence[tuple[str, float]]) -> float | None:
    """Of the tokens that the label is written with; None where they are not to be found."""
    text = "".join(token for token, _ in tokens)
    start = text.rfind(said)
    if start < 0 or not said:
        return None
    total, at = 0.0, 0
    for token, log_probability in tokens:
        if at < start + len(said) and at + len(token) > start:
            total += log_probability
        at += len(token)
    return min(1.0, math.exp(total))
