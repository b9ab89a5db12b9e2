"""How fast requests may be sent: limits per minute, and pauses that the server asks for."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MINUTE = 60.0


@dataclass(frozen=True)
class Clock:
    """Time, and waiting for it; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Pace:
    """Lets requests through evenly spaced, so that no minute has more than its limit.

    This is the generic cell rate algorithm (ITU-T I.371) without bursts, once over requests
    and once over tokens, shared by all threads of an endpoint.
    """

    def __init__(
        self, requests_per_minute: float | None, tokens_per_minute: float | None, clock: Clock
    ) -> None:
        self._per_request = MINUTE / requests_per_minute if requests_per_minute else 0.0
        self._per_token = MINUTE / tokens_per_minute if tokens_per_minute else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._next_request = self._next_token = self._held_until = clock.now()

    def wait(self, tokens: int) -> None:
        """Wait until a request of about so many tokens may be sent."""
        with self._lock:
            now = self._clock.now()
            start = max(now, self._next_request, self._next_token, self._held_until)
            self._next_request = start + self._per_request
            self._next_token = start + tokens * self._per_token
        if start > now:
            self._clock.sleep(start - now)

    def correct(self, tokens: int) -> None:
        """So many more tokens were used than was said (fewer where negative)."""
        with self._lock:
            self._next_token += tokens * self._per_token

    def hold(self, seconds: float) -> None:
        """Send nothing for so long, whoever asks."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock.now() + seconds)
