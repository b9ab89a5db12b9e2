"""A few rounds of the crash harness; `python -m benchmarks.lakefs_crash` runs hundreds."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.lakefs_crash import run
from infra.lakefs.check import check
from infra.lakefs.process import start


@pytest.mark.parametrize("disk_full", [False, True], ids=["killed", "disk full, then killed"])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, disk_full) -> None:
    done = run(tmp_path, rounds=5, seed=3, disk_full=disk_full, thorough=False)
    assert done.endswith("nothing lost")


def test_a_server_killed_while_it_starts_can_start_again(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.lakefs", "serve", "--root", tmp_path]
    for step in range(10):
        with subprocess.Popen(command) as child:
            time.sleep(0.04 * step)
            child.kill()
    start(tmp_path).stop()
    assert check(tmp_path).damaged == ()
