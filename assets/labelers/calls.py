"""Calls labeling functions on items, each within its time, and says where it is meanwhile."""

import mmap
import signal
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from assets.labelers.labeling_function import Item, LabelingFunction

IDLE = -1
ABSTAINED = -1
HEARTBEAT = struct.Struct("q")
MOST_STOPS = 10
"""A function that had to be stopped this often is not called any more."""

Parts = tuple[str, str | None, bytes | None]
"""An item's id, content and media."""


@dataclass(frozen=True)
class Task:
    """Items to judge.

    Attributes:
        items: Id, content and media of each.
        stops: How often each function had to be stopped so far.
        lost: Calls (item, function) that took a process with them, and how; not made again.
    """

    items: Sequence[Parts]
    stops: tuple[int, ...]
    lost: Mapping[tuple[int, int], str]


@dataclass
class Answer:
    """What came of a task.

    Attributes:
        codes: Class of each item [n, functions], ABSTAINED for none.
        failures: Item, function, reason and detail of each call that failed.
        stops: How often each function had to be stopped by now.
    """

    stops: list[int]
    codes: list[list[int]] = field(default_factory=list)
    failures: list[tuple[int, int, str, str]] = field(default_factory=list)


class OutOfTime(BaseException):
    """A call has had its time. No Exception, so that a function's own handler lets it pass."""


class Failed(Exception):
    """A call gave no vote."""


class Calls:
    """Calls functions on items, each within the time limit."""

    def __init__(
        self,
        functions: Sequence[LabelingFunction],
        classes: Sequence[str],
        *,
        limit_s: float,
        heartbeat: mmap.mmap,
    ) -> None:
        self._functions = functions
        self._codes = {name: code for code, name in enumerate(classes)}
        self._limit_s = limit_s
        self._heartbeat = heartbeat
        self._running = False
        signal.signal(signal.SIGALRM, self._stop)

    def answer(self, task: Task) -> Answer:
        """Every function on every item."""
        answer = Answer(stops=list(task.stops))
        for i, parts in enumerate(task.items):
            item = Item(*parts)
            row = []
            for f in range(len(self._functions)):
                try:
                    row.append(self._code(i, f, item, task, answer.stops))
                except Failed as failure:
                    answer.failures.append((i, f, *failure.args))
                    row.append(ABSTAINED)
            answer.codes.append(row)
        HEARTBEAT.pack_into(self._heartbeat, 0, IDLE)
        return answer

    def _code(self, i: int, f: int, item: Item, task: Task, stops: list[int]) -> int:
        if (i, f) in task.lost:
            raise Failed(task.lost[i, f], "with its process")
        if stops[f] >= MOST_STOPS:
            raise Failed(f"was not called any more after {MOST_STOPS} stops", "left out")
        HEARTBEAT.pack_into(self._heartbeat, 0, i * len(self._functions) + f)
        try:
            label = self._timed(f, item)
        except OutOfTime:
            stops[f] += 1
            raise Failed(f"took longer than {self._limit_s:g} s", "it was stopped") from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - also SystemExit is the function's fault
            raise Failed(f"raised {type(error).__name__}", self._detail(f, error)) from None
        if label is None:
            return ABSTAINED
        if isinstance(label, str) and label in self._codes:
            return self._codes[label]
        raise Failed("returned what is no class", f"{label!r:.80}")

    def _timed(self, f: int, item: Item) -> Any:
        self._running = True
        signal.setitimer(signal.ITIMER_REAL, self._limit_s)
        try:
            return self._functions[f].judge(item)
        finally:
            self._running = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        if self._running:
            raise OutOfTime

    def _detail(self, f: int, error: BaseException) -> str:
        line, trace = None, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self._functions[f].file:
                line = trace.tb_lineno
            trace = trace.tb_next
        where = f" (line {line})" if line else ""
        return f"{str(error)[:200]}{where}"
