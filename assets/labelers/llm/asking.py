"""Gets answers: out of the cache, within the budget, and not in vain."""

import threading

from assets.chat import ChatAnswer, ChatEndpoint, ChatFailed, ChatRequest
from assets.labelers.llm.cache import AnswerCache
from assets.labelers.llm.errors import NoVote
from assets.labelers.llm.spending import BudgetSpent, Cost, Spending, spent_on

GIVE_UP_AFTER = 5
"""Requests in a row without an answer, each already repeated, after which none is sent."""


class Asking:
    """Gets answers for several threads at once.

    Args:
        endpoint: Who is asked, or why nobody can be: what is in the cache is still answered.
        cache: Answers of earlier runs.
        spending: Counts, and stops where the budget is spent.
    """

    def __init__(
        self, endpoint: ChatEndpoint | ChatFailed, cache: AnswerCache, spending: Spending
    ) -> None:
        self._endpoint = endpoint
        self._cache = cache
        self._spending = spending
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._given_up: str | None = None

    def answer(self, request: ChatRequest) -> ChatAnswer:
        """The answer to a request. Raises NoVote."""
        known = self._cache.get(request)
        if known is not None:
            self._spending.found()
            return known
        if isinstance(self._endpoint, ChatFailed):
            raise NoVote(self._endpoint.reason, self._endpoint.detail)
        if self._given_up:
            raise NoVote(f"was not asked any more after it {self._given_up}", "left out")
        try:
            most = self._spending.begin(request)
        except BudgetSpent as spent:
            raise NoVote("was not asked any more: budget spent", str(spent)) from None
        return self._asked(self._endpoint, request, most)

    def _asked(self, endpoint: ChatEndpoint, request: ChatRequest, most: Cost) -> ChatAnswer:
        spent = Cost(calls=1, failed=1)
        try:
            answer = endpoint.complete(request)
            spent = spent_on(request, answer)
        except ChatFailed as failure:
            spent = Cost(calls=1, failed=1, repeated=max(0, failure.tries - 1))
            self._failed(failure)
            raise NoVote(failure.reason, failure.detail) from failure
        finally:
            self._spending.end(most, spent)
        with self._lock:
            self._in_a_row = 0
        self._cache.put(request, answer)
        return answer

    def _failed(self, failure: ChatFailed) -> None:
        with self._lock:
            self._in_a_row += 1
            if failure.lasting:
                self._given_up = failure.reason
            elif self._in_a_row >= GIVE_UP_AFTER:
                self._given_up = f"{failure.reason} {GIVE_UP_AFTER} times in a row"
