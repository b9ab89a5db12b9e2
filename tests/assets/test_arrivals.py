import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assets.ingestion import (
    Arrival,
    arrivals,
    find_arrival,
    look,
    mark_published,
    mark_taken,
)
from assets.ingestion.errors import ArrivalMissing

LATER = 3600.0


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox" / "things"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def found(inbox: Path, tmp_path: Path) -> Callable[[], list[Arrival]]:
    return lambda: arrivals(inbox, 5, time.time() + LATER, cache=tmp_path / "cache")


def names(found: list[Arrival]) -> list[str]:
    return [arrival.name for arrival in found]


def test_a_file_still_being_written_is_not_taken(inbox: Path, tmp_path: Path) -> None:
    (inbox / "rows.csv").write_text("text\nhello\n")
    assert arrivals(inbox, 5, time.time(), cache=tmp_path) == []
    assert names(arrivals(inbox, 5, time.time() + 6, cache=tmp_path)) == ["rows.csv"]


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.tmp", "a.csv.crdownload", ".a.csv"])
def test_a_temporary_name_is_not_taken(
    name: str, inbox: Path, found: Callable[[], list[Arrival]]
) -> None:
    (inbox / name).write_text("text\nhello\n")
    assert found() == []


def test_a_folder_waits_as_a_whole_for_its_unfinished_file(inbox: Path, tmp_path: Path) -> None:
    (inbox / "cats").mkdir()
    (inbox / "cats" / "1.png").write_bytes(b"x")
    (inbox / "cats" / "2.png.part").write_bytes(b"x")
    seen = look(inbox, 0, time.time() + LATER, cache=tmp_path)
    assert seen.arrivals == ()
    assert "2.png.part" in seen.waiting[0].reason


def test_a_batch_name_follows_from_name_and_content_alone(
    inbox: Path, found: Callable[[], list[Arrival]]
) -> None:
    path = inbox / "2024-05-01 Cats!.csv"
    path.write_text("text\nhello\n")
    first = found()[0]
    os.utime(path, (1, 1))
    assert found()[0].batch == first.batch == f"2024-05-01-cats-{first.digest[:12]}"
    path.write_text("text\nhullo\n")
    assert found()[0].batch != first.batch


def test_equal_content_under_two_names_is_two_arrivals(
    inbox: Path, found: Callable[[], list[Arrival]]
) -> None:
    for name in ("a.csv", "a.tsv"):
        (inbox / name).write_text("text\nhello\n")
    assert len({arrival.digest for arrival in found()}) == 2


def test_a_resting_file_is_read_once(
    inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "rows.csv").write_text("text\nhello\n")
    now = time.time() + LATER
    first = arrivals(inbox, 5, now, cache=tmp_path)
    monkeypatch.setattr("hashlib.file_digest", None)
    assert arrivals(inbox, 5, now + 30, cache=tmp_path) == first


def test_a_damaged_memory_costs_a_reading_and_nothing_else(
    inbox: Path, tmp_path: Path, found: Callable[[], list[Arrival]]
) -> None:
    (inbox / "rows.csv").write_text("text\nhello\n")
    before = found()
    memory = tmp_path / "cache" / "inbox" / "things.json"
    memory.write_text('{"files": {"rows.csv": [1]}}')
    assert found() == before


def test_a_file_dated_ahead_of_our_clock_is_taken_once_seen_at_rest(
    inbox: Path, tmp_path: Path
) -> None:
    (inbox / "rows.csv").write_text("text\nhello\n")
    an_hour_ago = time.time() - 3600
    assert arrivals(inbox, 5, an_hour_ago, cache=tmp_path) == []
    assert names(arrivals(inbox, 5, an_hour_ago + 6, cache=tmp_path)) == ["rows.csv"]


def test_loose_images_are_one_arrival(inbox: Path, found: Callable[[], list[Arrival]]) -> None:
    for name in ("1.png", "2.JPG"):
        (inbox / name).write_bytes(b"x")
    assert [(a.name, len(a.files)) for a in found()] == [("images", 2)]


def test_images_found_together_stay_together_when_more_come(
    inbox: Path, found: Callable[[], list[Arrival]]
) -> None:
    (inbox / "1.png").write_bytes(b"1")
    first = found()
    (inbox / "2.png").write_bytes(b"2")
    second = found()
    assert second[0] == first[0]
    assert [file.name for file in second[1].files] == ["2.png"]


def test_what_is_no_regular_file_waits_and_holds_up_nothing(
    inbox: Path, tmp_path: Path, found: Callable[[], list[Arrival]]
) -> None:
    os.mkfifo(inbox / "pipe.csv")
    (inbox / "gone.csv").symlink_to(inbox / "nowhere")
    (inbox / "empty").mkdir()
    (inbox / "rows.csv").write_text("text\nhello\n")
    (inbox / "linked").mkdir()
    (inbox / "linked" / "elsewhere").symlink_to(tmp_path)
    seen = look(inbox, 0, time.time() + LATER, cache=tmp_path / "cache")
    assert names(list(seen.arrivals)) == ["rows.csv"]
    assert {waiting.name for waiting in seen.waiting} == {"pipe.csv", "gone.csv", "empty", "linked"}


def test_an_absent_inbox_is_an_empty_one(tmp_path: Path) -> None:
    assert arrivals(tmp_path / "none", 0, 0.0, cache=tmp_path) == []


def test_taking_moves_the_files_and_may_be_repeated(
    inbox: Path, found: Callable[[], list[Arrival]]
) -> None:
    (inbox / "cats" / "black").mkdir(parents=True)
    (inbox / "cats" / "black" / "1.png").write_bytes(b"1")
    arrival = found()[0]
    mark_taken(arrival)
    mark_taken(arrival)
    assert found() == []
    assert not (inbox / "cats").exists()
    assert (inbox / ".taken" / arrival.batch / "cats" / "black" / "1.png").read_bytes() == b"1"


def test_taking_that_was_interrupted_is_completed(
    inbox: Path, tmp_path: Path, found: Callable[[], list[Arrival]]
) -> None:
    (inbox / "cats").mkdir()
    for name in "12":
        (inbox / "cats" / f"{name}.png").write_text(name)
    arrival = found()[0]
    mark_taken(arrival)
    kept = inbox / ".taken" / arrival.batch / "cats" / "2.png"
    (inbox / "cats").mkdir()
    kept.rename(inbox / "cats" / "2.png")
    mark_taken(find_arrival(inbox, arrival.batch, now=time.time(), cache=tmp_path))
    assert kept.read_text() == "2"


def test_a_file_that_changed_meanwhile_is_left_as_a_new_arrival(
    inbox: Path, found: Callable[[], list[Arrival]]
) -> None:
    path = inbox / "rows.csv"
    path.write_text("text\nhello\n")
    arrival = found()[0]
    path.write_text("text\nhello\nworld\n")
    mark_taken(arrival)
    assert [a.batch == arrival.batch for a in found()] == [False]


def test_the_same_file_dropped_again_is_not_taken_again(
    inbox: Path, tmp_path: Path, found: Callable[[], list[Arrival]]
) -> None:
    path = inbox / "rows.csv"
    path.write_text("text\nhello\n")
    mark_taken(found()[0])
    path.write_text("text\nhello\n")
    seen = look(inbox, 0, time.time() + LATER, cache=tmp_path)
    assert seen.arrivals == ()
    assert "was taken" in seen.waiting[0].reason


def test_an_arrival_is_found_by_its_batch_and_comes_back_from_json(
    inbox: Path, tmp_path: Path, found: Callable[[], list[Arrival]]
) -> None:
    (inbox / "rows.csv").write_text("text\nhello\n")
    arrival = found()[0]
    assert find_arrival(inbox, arrival.batch, now=time.time(), cache=tmp_path) == arrival
    assert Arrival.from_json(arrival.as_json()) == arrival
    (inbox / "rows.csv").unlink()
    with pytest.raises(ArrivalMissing, match="changed files are taken as a new batch"):
        find_arrival(inbox, arrival.batch, now=time.time(), cache=tmp_path)


def test_an_arrival_is_found_again_by_who_has_lost_the_memory(
    inbox: Path, tmp_path: Path, found: Callable[[], list[Arrival]]
) -> None:
    (inbox / "rows.csv").write_text("text\nhello\n")
    arrival = found()[0]
    elsewhere = tmp_path / "elsewhere"
    assert find_arrival(inbox, arrival.batch, now=time.time(), cache=elsewhere) == arrival
    assert not elsewhere.exists()


def test_what_was_published_leaves_the_inbox_and_nothing_else_does(
    inbox: Path, tmp_path: Path, found: Callable[[], list[Arrival]]
) -> None:
    for name in ("a.csv", "b.csv"):
        (inbox / name).write_text(f"text\n{name}\n")
    first, second = found()
    (inbox / "c.csv").write_text("text\nstill being written")
    published = [first.batch, "of-long-ago-000000000000"]
    marked = mark_published(inbox, published, now=time.time(), cache=tmp_path / "cache")
    assert marked == [first.batch]
    assert names(found()) == ["b.csv", "c.csv"]
    assert found()[0] == second
