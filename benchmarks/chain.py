"""The whole chain: throughput, what orchestration and storage take of it, second release, trace.

python -m benchmarks.chain                     all of it, about ten minutes on 2 cores
python -m benchmarks.chain --quick             the smallest sizes, without the demo
python -m benchmarks.chain --json FIGURES      writes the figures down, too

Chain and plain script take turns, each in a process of its own, so that a busy machine slows
both alike; read shares and ratios, not seconds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

SIZES = {1_000: 3, 10_000: 3, 100_000: 2}
QUICK_SIZES = {1_000: 1}
TRACED = {"releases": 100, "rows": 1_000}
QUICK_TRACED = {"releases": 10, "rows": 1_000}
POLL_SECONDS = 0.5


def main() -> None:
    """Measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found: dict[str, Any] = {"cores": os.cpu_count(), "python": sys.version.split()[0]}
    sizes, traced = (QUICK_SIZES, QUICK_TRACED) if options.quick else (SIZES, TRACED)
    found["throughput"] = [_throughput(rows, repeats) for rows, repeats in sizes.items()]
    _show_throughput(found["throughput"])
    _show_stages(found["throughput"][-1])
    _show_second(found["throughput"])
    found["traces"] = _part("traces", *traced.values())
    _show_traces(found["traces"])
    if not options.quick:
        found["demo"] = _demo()
        print(
            "\ndemo: {seconds:.0f} s, CPU {cpu:.0f} s, peak {peak_mb:.0f} MB".format(
                **found["demo"]
            )
        )
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _part(part: str, *arguments: int) -> dict[str, Any]:
    """One part in a new process and a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.chain_parts", folder, part]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        ran = subprocess.run([*command, *map(str, arguments)], check=False, text=True, **quiet)
        if ran.returncode:
            raise SystemExit(f"{part} failed:\n{ran.stderr[-3000:]}")
        return dict(json.loads(Path(folder, "answer.json").read_text(encoding="utf-8")))


def _throughput(rows: int, repeats: int) -> dict[str, Any]:
    turns = [(_part("plain", rows), _part("throughput", rows)) for _ in range(repeats)]
    plain, chain = ([turn[side] for turn in turns] for side in (0, 1))
    cpu = [c["cpu"] + c["server_cpu"] for c in chain]
    return {
        "rows": rows,
        "seconds": _median(c["seconds"] for c in chain),
        "plain_seconds": _median(p["seconds"] for p in plain),
        "cpu": _median(cpu),
        "plain_cpu": _median(p["cpu"] for p in plain),
        "peak_mb": max(c["peak_mb"] for c in chain),
        "server_peak_mb": max(c["server_peak_mb"] for c in chain),
        "plain_peak_mb": max(p["peak_mb"] for p in plain),
        "stages": _medians([c["stages"] for c in chain]),
        "plain_stages": _medians([p["stages"] for p in plain]),
        "second": chain[-1]["second"],
        "second_seconds": _median(c["second"]["seconds"] for c in chain),
    }


def _median(values: Any) -> float:
    return statistics.median(list(values))


def _medians(turns: list[dict[str, float]]) -> dict[str, float]:
    return {name: _median(turn[name] for turn in turns) for name in turns[0]}


def _show_throughput(found: list[dict[str, Any]]) -> None:
    print("Files in the inbox to first release, 6 votes an item\n")
    print("| items | s | items/s | plain s | share of wall | share of CPU | peak MB | plain MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for one in found:
        wall = 1 - one["plain_seconds"] / one["seconds"]
        cpu = 1 - one["plain_cpu"] / one["cpu"]
        print(
            f"| {one['rows']:,} | {one['seconds']:.1f} | {one['rows'] / one['seconds']:,.0f} "
            f"| {one['plain_seconds']:.1f} | {wall:.0%} | {cpu:.0%} "
            f"| {one['peak_mb']:.0f} + {one['server_peak_mb']:.0f} | {one['plain_peak_mb']:.0f} |"
        )


def _show_stages(one: dict[str, Any]) -> None:
    print(
        f"\nSeconds by stage at {one['rows']:,} items\n\n| stage | chain | plain |\n|---|---:|---:|"
    )
    for stage, seconds in one["stages"].items():
        plain = one["plain_stages"].get(stage)
        print(f"| {stage} | {seconds:.2f} | {'' if plain is None else f'{plain:.2f}'} |")


def _show_second(found: list[dict[str, Any]]) -> None:
    print("\nA second release, people having changed 1 % of the labels\n")
    print("| items | labels changed | s | objects | MB | first: objects | MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for one in found:
        second, first = one["second"]["second"], one["second"]["first"]
        print(
            f"| {one['rows']:,} | {one['second']['labels_changed']:,} "
            f"| {one['second_seconds']:.1f} | {second['objects']} | {second['mb']:.1f} "
            f"| {first['objects']} | {first['mb']:.1f} |"
        )


def _show_traces(found: dict[str, Any]) -> None:
    print("\nTrace of one item\n\n| releases | ms, nothing cached | ms, cached | changes |")
    print("|---:|---:|---:|---:|")
    for releases, one in found.items():
        print(
            f"| {releases} | {one['cold'] * 1000:.0f} | {one['warm'] * 1000:.0f} "
            f"| {one['changes']} |"
        )


def _demo() -> dict[str, float]:
    """Wall time, CPU seconds and peak memory of the demo, with all that it starts."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "orchestration", "demo", str(Path(folder) / "demo")]
        watch = _Memory(folder)
        before, begun = os.times(), time.perf_counter()
        with watch:
            subprocess.run(command, check=True, capture_output=True)
        seconds, after = time.perf_counter() - begun, os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return {"seconds": seconds, "cpu": spent, "peak_mb": watch.peak / 1e6}


class _Memory:
    """Peak of the memory of all processes that have a folder in their command line, together."""

    def __init__(self, folder: str) -> None:
        self.peak = 0
        self._folder = folder.encode()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(POLL_SECONDS):
            self.peak = max(self.peak, sum(map(self._size, Path("/proc").glob("[0-9]*"))))

    def _size(self, process: Path) -> int:
        """Proportional set size in bytes: what several share is counted once."""
        try:
            if self._folder not in (process / "cmdline").read_bytes():
                return 0
            lines = (process / "smaps_rollup").read_text().splitlines()
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):
            return 0


if __name__ == "__main__":
    main()
