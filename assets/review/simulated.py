"""A simulated reviewer, for the demo; whatever it answers is signed `simulated_...`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from assets.ports import ReviewAnswer, ReviewFile

PREFIX = "simulated_"


@dataclass(frozen=True)
class SimulatedReviewer:
    """Answers from a known truth, wrong at a stated rate; no person.

    Attributes:
        name: The author of its answers is `simulated_` and this name.
        error_rate: Share of items answered with a wrong class, chosen evenly.
        careless: Answers with any class, whatever the item is; the error rate is ignored.
        seed: With the name and the item's id it settles the answer, whatever else is asked.
    """

    name: str
    error_rate: float
    seed: int
    careless: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.error_rate <= 1:
            raise ValueError(f"error_rate is {self.error_rate}; expected a share from 0 to 1")

    @property
    def author(self) -> str:
        """What the export says in completed_by."""
        return PREFIX + self.name.removeprefix(PREFIX)

    def answers(
        self, queue: ReviewFile, truth: Mapping[str, str], classes: Sequence[str], at: datetime
    ) -> tuple[ReviewAnswer, ...]:
        """One answer for each task of a queue whose truth is known; the others stay unanswered.

        Args:
            queue: A queue as the review tool reads it: tasks that nobody answered.
            truth: Class by item id.
            classes: All classes.
            at: When the first answer is given; each takes a few seconds.
        """
        asked = [task.item_id for task in queue.unanswered]
        known = [item for item in asked if item is not None and item in truth]
        answers: list[ReviewAnswer] = []
        for item in known:
            rng = np.random.default_rng(self._number(item, "answer"))
            seconds = round(float(rng.gamma(4.0, 1.5)), 2)
            at += timedelta(seconds=seconds)
            answers.append(self._answer(item, self._choice(rng, truth[item], classes), seconds, at))
        return tuple(answers)

    def _choice(self, rng: np.random.Generator, true: str, classes: Sequence[str]) -> str:
        if self.careless:
            return str(rng.choice(list(classes)))
        wrong = [name for name in classes if name != true]
        return str(rng.choice(wrong)) if rng.random() < self.error_rate else true

    def _answer(self, item: str, label: str, seconds: float, at: datetime) -> ReviewAnswer:
        return ReviewAnswer(
            task=str(int(hashlib.sha256(item.encode()).hexdigest()[:12], 16)),
            annotation=str(self._number(item, "annotation")),
            item_id=item,
            item_fields={},
            completed_by=self.author,
            label=label,
            kind="vote",
            shown_prediction=None,
            lead_time_s=seconds,
            cast_at=at,
        )

    def _number(self, item: str, purpose: str) -> int:
        name = f"{self.seed}/{self.author}/{item}/{purpose}"
        return int(hashlib.sha256(name.encode()).hexdigest()[:12], 16)
