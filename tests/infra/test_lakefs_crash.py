"""A few rounds of the crash harness; `python -m benchmarks.lakefs_crash` runs hundreds."""

from pathlib import Path

import pytest

from benchmarks.lakefs_crash import run


@pytest.mark.parametrize("disk_full", [False, True], ids=["killed", "disk full, then killed"])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, disk_full) -> None:
    assert run(tmp_path, rounds=5, seed=3, disk_full=disk_full).endswith("nothing lost")
