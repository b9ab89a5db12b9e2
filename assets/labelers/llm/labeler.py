"""A language model as a labeler; it votes as `llm:NAME`."""

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from assets.chat import ChatAddress, ChatEndpoint, ChatEndpoints, ChatFailed
from assets.dataset_file.language_models import LanguageModelLabeler
from assets.labelers.interface import BALLOTS, ActorErrors, Ballots, LabelerInput
from assets.labelers.llm.answers import Judgment, judged, most_named
from assets.labelers.llm.asking import Asking
from assets.labelers.llm.cache import AnswerCache
from assets.labelers.llm.errors import NoVote
from assets.labelers.llm.prompt import ITEM, RULES
from assets.labelers.llm.questions import Questions
from assets.labelers.llm.spending import Cost, Spending, estimated
from assets.recipe import digest

SHOWN = 3
VOTING = {
    "endpoint",
    "model",
    "instructions",
    "examples",
    "temperature",
    "max_tokens",
    "samples",
    "log_probabilities",
    "vote_above",
    "seed",
}
"""The settings that change a vote; the others change what it costs and how long it takes."""


class LanguageModel:
    """Asks a language model for the class of each item.

    One object is one run: its budget holds for all its calls of `vote` together.
    """

    def __init__(self, section: LanguageModelLabeler, root: Path | None = None) -> None:
        del root  # All that it needs stands in the dataset file.
        self._section = section
        self._actor = f"llm:{section.name}"
        self._spending = Spending(section.price, section.budget)
        self._told: Any = None

    @property
    def actors(self) -> Mapping[str, str]:
        """Version of the one actor."""
        return {self._actor: self.version}

    @property
    def version(self) -> str:
        """Digest of model, parameters, form of the prompt and, once it voted, its content."""
        settings = self._section.model_dump(mode="json", include=VOTING)
        return digest([settings, RULES, ITEM, self._told])

    def estimate(self, items: LabelerInput) -> Cost:
        """What voting on items would cost by now; sends nothing."""
        questions = Questions(self._section, items)
        return estimated(questions, self._cache(items).has)

    def vote(self, items: LabelerInput) -> Ballots:
        """One vote an item; an abstention where there is no answer, or none that is a class."""
        section, before = self._section, self._spending.cost
        questions, cache = Questions(section, items), self._cache(items)
        self._told = questions.told
        expected = estimated(questions, cache.has)
        items.say(f"{self._actor} will cost about {expected.sentence(section.price)}")
        asking = Asking(self._endpoint(items.chat), cache, self._spending)

        def judge(row: int) -> Judgment | NoVote:
            try:
                return self._judgment(questions, asking, items.classes, row)
            except NoVote as none:
                return none

        found = []
        with closing(_in_threads(section.concurrency, judge, items.items.height)) as judgments:
            for judgment in judgments:
                found.append(judgment)
                items.progress(len(found), items.items.height)
        spent = self._spending.cost - before
        items.say(f"{self._actor} cost {spent.sentence(section.price)}")
        errors = self._errors(items.items["item_id"].to_list(), found)
        return Ballots(
            self._ballots(items, found), errors=errors, cost=self._record(expected, spent, errors)
        )

    def _cache(self, items: LabelerInput) -> AnswerCache:
        return AnswerCache(items.cache, url=self._section.endpoint, model=self._section.model)

    def _endpoint(self, chat: ChatEndpoints | None) -> ChatEndpoint | ChatFailed:
        section = self._section
        if chat is None:
            return ChatFailed("cannot be reached", "this run was given no way to endpoints")
        address = ChatAddress(
            url=section.endpoint,
            model=section.model,
            key_variable=section.api_key_variable,
            concurrency=section.concurrency,
            requests_per_minute=section.requests_per_minute,
            tokens_per_minute=section.tokens_per_minute,
            timeout_s=section.timeout_seconds,
            retries=section.retries,
        )
        try:
            return chat.open(address)
        except ChatFailed as failure:
            return failure

    def _judgment(
        self, questions: Questions, asking: Asking, classes: Sequence[str], row: int
    ) -> Judgment:
        """What the samples about an item amount to. Raises NoVote."""
        samples, wrong = [], []
        for answer in map(asking.answer, questions.of(row)):
            try:
                samples.append(judged(answer, classes))
            except NoVote as none:
                samples.append(Judgment(None))
                wrong.append(none)
        if len(wrong) == len(samples):
            raise wrong[0]
        found = most_named(samples)
        sure = found.score is None or found.score >= self._section.vote_above
        return found if sure else Judgment(None, found.score)

    def _errors(
        self, ids: Sequence[str], found: Sequence[Judgment | NoVote]
    ) -> tuple[ActorErrors, ...]:
        counts: Counter[str] = Counter()
        examples: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for item_id, judgment in zip(ids, found, strict=True):
            if isinstance(judgment, NoVote):
                counts[judgment.reason] += 1
                if counts[judgment.reason] <= SHOWN:
                    examples[judgment.reason].append((item_id, judgment.detail))
        return tuple(
            ActorErrors(self._actor, reason, count, tuple(examples[reason]))
            for reason, count in sorted(counts.items())
        )

    def _record(self, expected: Cost, spent: Cost, errors: Sequence[ActorErrors]) -> dict[str, Any]:
        section = self._section
        return {
            "actor": self._actor,
            "version": self.version,
            "endpoint": section.endpoint,
            "model": section.model,
            "estimated": expected.record(section.price),
            "spent": spent.record(section.price),
            "abstained": {error.reason: error.count for error in errors},
        }

    def _ballots(self, items: LabelerInput, found: Sequence[Judgment | NoVote]) -> pl.DataFrame:
        judgments = [Judgment(None) if isinstance(j, NoVote) else j for j in found]
        votes = items.items.select(
            "item_id",
            actor=pl.lit(self._actor),
            actor_kind=pl.lit("llm"),
            actor_version=pl.lit(self.version),
            # An item is no example for itself, so no vote repeats a label that was shown.
            trained_on=pl.lit(None, pl.String),
            label=pl.Series([j.label for j in judgments], dtype=pl.String),
            score=pl.Series([j.score for j in judgments], dtype=pl.Float64),
        )
        return BALLOTS.check(votes)


def _in_threads(
    threads: int, judge: Callable[[int], Judgment | NoVote], rows: int
) -> Generator[Judgment | NoVote, None, None]:
    """What was judged, in the order of the rows; nothing more is begun when that fails."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="llm")
    try:
        yield from pool.map(judge, range(rows))
    finally:
        pool.shutdown(cancel_futures=True)
