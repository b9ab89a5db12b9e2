"""Times two ways of doing the same thing side by side, each in a process of its own.

A contender is a function that prepares its input and gives back what to time. The two take
turns, so that a busy machine slows both alike; read the ratios, not the seconds.
"""

import importlib
import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

Task = Callable[[], Any]

MUCH_MB = 500.0
"""From here on a peer's memory is worth comparing."""


@dataclass(frozen=True)
class Measured:
    """Median seconds, peak memory above the prepared input in MB, and what came out."""

    seconds: float
    peak_mb: float
    value: Any


def contest(
    title: str,
    ours: str,
    peer: str | None,
    *,
    repeats: int = 5,
    warm_peer: bool = True,
    **arguments: Any,
) -> list[Measured]:
    """Prints a line: medians, their ratio, peak memory and the largest difference.

    Args:
        title: What is done, and at which size.
        ours: `module:function` of our contender.
        peer: `module:function` of the peer, or None where nothing is comparable.
        repeats: Turns of each.
        warm_peer: Whether the peer, too, runs once before its turns count; ours always does.
        arguments: Given to both when they prepare.

    Returns:
        What was measured of ours and, where there is one, of the peer.
    """
    names = [ours] if peer is None else [ours, peer]
    found = _take_turns(names, [True, warm_peer], repeats, arguments)
    line = f"{title:52s} {found[0].seconds:9.3f} s {found[0].peak_mb:7.0f} MB"
    if len(found) > 1:
        line += f" | peer {found[1].seconds:9.3f} s {found[1].peak_mb:7.0f} MB"
        line += f" | {found[1].seconds / found[0].seconds:7.1f} x"
        line += f" | differ by {_difference(found[0].value, found[1].value)}"
        if found[1].peak_mb > MUCH_MB:
            line += f" | memory {found[0].peak_mb / found[1].peak_mb:.0%} of the peer's"
    print(line, flush=True)
    return found


def _take_turns(
    names: list[str], warm: list[bool], repeats: int, arguments: dict[str, Any]
) -> list[Measured]:
    """Runs each contender in its process, in turns."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    try:
        for name, warmed in zip(names, warm, strict=False):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, name, warmed, arguments))
            process.start()
            there.close()
            processes.append(process)
            pipes.append(here)
            here.recv()
        turns: list[list[tuple[float, float, Any]]] = [[] for _ in names]
        for _ in range(repeats):
            for turn, pipe in zip(turns, pipes, strict=True):
                pipe.send("go")
                turn.append(pipe.recv())
    finally:
        for process in processes:
            process.terminate()
            process.join()
    return [_summary(turn) for turn in turns]


def _summary(turn: list[tuple[float, float, Any]]) -> Measured:
    """Median time, highest peak and last result of one contender."""
    seconds, peaks, values = zip(*turn, strict=True)
    return Measured(statistics.median(seconds), max(peaks), values[-1])


def _serve(pipe: Connection, name: str, warm: bool, arguments: dict[str, Any]) -> None:
    """A contender's process: prepares, warms up, then runs whenever it is told to."""
    module, function = name.split(":")
    task: Task = getattr(importlib.import_module(module), function)(**arguments)
    if warm:
        task()
    pipe.send("ready")
    while pipe.recv() == "go":
        _forget_peak()
        before, start = _memory_mb("VmRSS"), time.perf_counter()
        value = task()
        seconds = time.perf_counter() - start
        pipe.send((seconds, _memory_mb("VmHWM") - before, value))


def _forget_peak() -> None:
    """Lets the kernel count the peak from here on."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _memory_mb(field: str) -> float:
    """A field of this process's memory status."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(field + ":"))
    return int(line.split()[1]) / 1024


def _difference(one: Any, other: Any) -> str:
    """Largest difference of two results that are numbers, or how many of their answers differ."""
    import numpy as np

    if np.asarray(one).dtype == bool:
        return f"{np.count_nonzero(np.asarray(one) != other)} of {np.size(one):,}"
    gap = np.nanmax(np.abs(np.asarray(one, float) - np.asarray(other, float)), initial=0.0)
    return f"{gap:.1e}"
