"""The parameters of the aggregators: one name means one thing in every method."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from quality.consensus.errors import ParameterError

Ties = Literal["abstain", "first"]
Prior = Literal["uniform", "learned"]
Params = dict[str, str | int | float]


@dataclass(frozen=True)
class Number:
    """A number in a range; the bounds themselves are allowed where they are closed."""

    low: float
    high: float = math.inf
    whole: bool = False
    closed: bool = False

    def allows(self, value: object) -> bool:
        """Whether the value is such a number (True and False are not numbers here)."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        inside = self.low < value < self.high
        return inside or (self.closed and value in (self.low, self.high) and math.isfinite(value))

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        edge = "from" if self.closed else "above"
        return f"{kind} {edge} {self.low:g}" + (
            f" and {'up to' if self.closed else 'below'} {self.high:g}"
            if math.isfinite(self.high)
            else ""
        )


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def allows(self, value: object) -> bool:
        """Whether the value is one of the words."""
        return value in self.words

    def __str__(self) -> str:
        return "one of " + ", ".join(repr(word) for word in self.words)


RULES: Mapping[str, Number | Choice] = {
    "ties": Choice(("abstain", "first")),
    "prior": Choice(("uniform", "learned")),
    "abstentions": Choice(("ignored", "informative")),
    "dependencies": Choice(("none", "learned")),
    "tol": Number(0, closed=True),
    "max_iter": Number(1, whole=True, closed=True),
    "smoothing": Number(0, closed=True),
    "knows_prior": Number(0),
    "habit_prior": Number(0),
    "prior_accuracy": Number(0, 1),
    "prior_votes": Number(0),
}


def checked_params(params: Params) -> Params:
    """The parameters as given, once every one keeps its rule.

    Raises:
        ParameterError: one does not.
    """
    for name, value in params.items():
        if not RULES[name].allows(value):
            raise ParameterError(name, value, str(RULES[name]))
    return dict(params)


def checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """The classes as a tuple: at least two, all different, none empty.

    Raises:
        ParameterError: they are not.
    """
    known = tuple(classes)
    if isinstance(classes, str) or not all(isinstance(name, str) and name for name in known):
        raise ParameterError("classes", classes, "a sequence of names, none of them empty")
    if len(known) < 2 or len(set(known)) < len(known):  # noqa: PLR2004
        raise ParameterError("classes", list(known), "at least two classes, all different")
    return known
