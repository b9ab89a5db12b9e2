"""What asking costs: an estimate before, a budget meanwhile, a record after."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from assets.chat import ChatAnswer, ChatRequest
from assets.dataset_file.language_models import CallBudget, Price

BYTES_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
MILLION = 1_000_000


class BudgetSpent(Exception):
    """One more request could cost more than the run may spend."""


@dataclass(frozen=True)
class Cost:
    """What was asked and what it cost.

    Attributes:
        calls: Requests sent, each counted once.
        repeated: Further tries of them.
        failed: Requests without an answer.
        cached: Answers that were in the cache.
        input_tokens: As the endpoint counted them, else estimated.
        output_tokens: Likewise.
        uncounted: Answers whose tokens the endpoint did not count.
    """

    calls: int = 0
    repeated: int = 0
    failed: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    uncounted: int = 0

    def __sub__(self, earlier: "Cost") -> "Cost":
        mine, theirs = vars(self), vars(earlier)
        return Cost(**{name: mine[name] - theirs[name] for name in mine})

    def money(self, price: Price | None) -> float | None:
        """In the currency of the price; None without one."""
        if price is None:
            return None
        return (self.input_tokens * price.input + self.output_tokens * price.output) / MILLION

    def sentence(self, price: Price | None) -> str:
        """For people."""
        money = self.money(price)
        paid = f", {money:.4g} {price.currency}" if price and money is not None else ""
        return (
            f"{self.calls} calls, {self.input_tokens} tokens in, {self.output_tokens} out{paid}; "
            f"{self.cached} answers cached"
        )

    def record(self, price: Price | None) -> dict[str, Any]:
        """As plain JSON values."""
        money = self.money(price)
        return {
            **vars(self),
            "money": None if money is None else round(money, 6),
            "currency": price.currency if price else None,
        }


def tokens_in(request: ChatRequest) -> int:
    """About how many tokens a request has: one for each four bytes of its text."""
    text = sum(len(text.encode()) for _, text in request.messages)
    return -(-text // BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE * len(request.messages)


def tokens_out(request: ChatRequest) -> int:
    """About how many tokens a request's answer has where it follows the schema."""
    longest = max(len(str(name).encode()) for name in request.schema["properties"]["label"]["enum"])
    return min(request.max_tokens, -(-(longest + len('{"label": ""}')) // BYTES_PER_TOKEN))


def estimated(requests: Iterable[ChatRequest], cached: Callable[[ChatRequest], bool]) -> Cost:
    """What asking these would cost, if every answer were as long as the longest class."""
    calls = known = into = out = 0
    for request in requests:
        if cached(request):
            known += 1
        else:
            calls += 1
            into += tokens_in(request)
            out += tokens_out(request)
    return Cost(calls=calls, cached=known, input_tokens=into, output_tokens=out)


class Spending:
    """Counts what is spent, and stops before the budget is passed; for several threads.

    A request is let through only if it fits with the longest answer that it may get, so that
    no answer can pass the budget; what it costs less is given back.
    """

    def __init__(self, price: Price | None, budget: CallBudget) -> None:
        self._price = price
        self._budget = budget
        self._lock = threading.Lock()
        self._cost = Cost()
        self._under_way = Cost()

    @property
    def cost(self) -> Cost:
        """What was spent so far."""
        with self._lock:
            return self._cost

    def begin(self, request: ChatRequest) -> Cost:
        """Set aside what a request costs at most. Raises BudgetSpent."""
        most = Cost(1, input_tokens=tokens_in(request), output_tokens=request.max_tokens)
        with self._lock:
            together = _sum(self._cost, self._under_way, most)
            passed = self._passed(together)
            if passed:
                raise BudgetSpent(passed)
            self._under_way = _sum(self._under_way, most)
        return most

    def end(self, most: Cost, spent: Cost) -> None:
        """Put what a request really cost in the place of what was set aside for it."""
        with self._lock:
            self._under_way -= most
            self._cost = _sum(self._cost, spent)

    def found(self) -> None:
        """An answer was in the cache."""
        with self._lock:
            self._cost = replace(self._cost, cached=self._cost.cached + 1)

    def _passed(self, cost: Cost) -> str:
        """What of the budget these costs would pass; empty where they would not."""
        budget, money = self._budget, cost.money(self._price)
        tokens = cost.input_tokens + cost.output_tokens
        if budget.calls is not None and cost.calls > budget.calls:
            return f"{budget.calls} calls"
        if budget.tokens is not None and tokens > budget.tokens:
            return f"{budget.tokens} tokens"
        if budget.money is not None and money is not None and money > budget.money:
            return f"{budget.money:g} {self._price.currency if self._price else ''}"
        return ""


def spent_on(request: ChatRequest, answer: ChatAnswer) -> Cost:
    """What an answered request cost; tokens that the endpoint did not count are estimated."""
    counted = (answer.input_tokens, answer.output_tokens)
    text_out = -(-len(answer.text.encode()) // BYTES_PER_TOKEN)
    return Cost(
        calls=1,
        repeated=answer.tries - 1,
        input_tokens=tokens_in(request) if counted[0] is None else counted[0],
        output_tokens=text_out if counted[1] is None else counted[1],
        uncounted=int(None in counted),
    )


def _sum(*costs: Cost) -> Cost:
    return Cost(**{name: sum(getattr(c, name) for c in costs) for name in vars(costs[0])})
