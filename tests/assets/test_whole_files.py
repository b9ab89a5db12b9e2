from pathlib import Path

import polars as pl
import pytest

from assets.ingestion.errors import DiskFull
from assets.ingestion.files import room_below, whole

FULL = Path("/dev/full")


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "notes.txt"
    with whole(target) as path:
        path.write_text("old")

    def fail() -> None:
        with whole(target) as path:
            path.write_text("half of the ne")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]
    assert target.read_text() == "old"


@pytest.mark.skipif(not FULL.exists(), reason="/dev/full is Linux's")
@pytest.mark.parametrize("writer", ["bytes", "parquet", "ipc"])
def test_a_full_disk_is_told_plainly_whoever_writes(writer: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": range(1000)})
    write = {
        "bytes": lambda: FULL.write_bytes(b"x"),
        "parquet": lambda: frame.write_parquet(FULL),
        "ipc": lambda: frame.write_ipc(FULL),
    }
    with pytest.raises(DiskFull, match="make room and run the batch again"), room_below(tmp_path):
        write[writer]()


def test_missing_room_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DiskFull) as caught, room_below(tmp_path, 1 << 62):
        (tmp_path / "x").write_text("x")
    assert caught.value.needed_bytes == 1 << 62
    assert list(tmp_path.iterdir()) == []


def test_another_error_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), room_below(tmp_path):
        (tmp_path / "none").read_text()
