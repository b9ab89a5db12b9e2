import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from assets.dataset_file.models import Dataset
from assets.ingestion import Batch, RejectLimitExceeded, arrivals, name_in_source, read_batch
from assets.ingestion.batch import Counts
from assets.ingestion.errors import ArrivalChanged, CountsDoNotBalance, DiskFull

SENTIMENT = Path(__file__).parents[3] / "shared" / "data" / "sentiment" / "items.jsonl"
AT = datetime(2024, 5, 1, tzinfo=UTC)
TEXT = {"ingestion": {"reject_limit": 1.0}}
TABULAR = {"ingestion": {"reject_limit": 1.0, "categorical_columns": ["colour"]}}
Ingest = Callable[..., Batch]


@pytest.fixture
def ingest(tmp_path: Path, dataset_of: Callable[..., Dataset]) -> Ingest:
    """Drops one file and reads it."""

    def run(name: str, content: bytes | str, modality: str = "text", **options: Any) -> Batch:
        inbox = tmp_path / "inbox" / "things"
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        known = options.pop("known", None)
        spec = {"reject_limit": 1.0, **options}
        arrival = arrivals(inbox, 0, time.time() + 60, cache=tmp_path)[-1]
        return read_batch(
            arrival,
            dataset_of(modality, ingestion=spec),
            ingested_at=AT,
            known_items=known,
            workspace=tmp_path / "work",
        )

    return run


def contents(batch: Batch) -> set[str]:
    return set(batch.items().collect()["content"])


def reasons(batch: Batch) -> list[tuple[int | None, str]]:
    return batch.rejects().select("row", "reason").collect().rows()


def test_an_items_id_is_the_digest_of_its_exact_text(ingest: Ingest) -> None:
    batch = ingest("a.csv", 'id,text\ns1,"caf\u00e9, noir "\n')
    item = batch.items().collect().row(0, named=True)
    assert item["content"] == "caf\u00e9, noir "
    assert item["item_id"] == sha256("caf\u00e9, noir ".encode()).hexdigest()
    assert item["ingested_at"] == AT


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,text\ns1,hello\n,world\n"),
        ("a.tsv", "id\ttext\ns1\thello\n\tworld\n"),
        ("a.jsonl", '{"id": "s1", "text": "hello"}\n{"text": "world"}\n'),
    ],
)
def test_an_item_keeps_the_name_it_has_in_its_source(
    name: str, content: str, ingest: Ingest
) -> None:
    uris = ingest(name, content).items().sort("content").collect()["source_uri"].to_list()
    line = 2 if name.endswith("l") else 3
    assert uris == [f"{name}#id=s1", f"{name}#line={line}"]
    assert [name_in_source(uri) for uri in uris] == ["s1", None]


def test_the_same_rows_are_the_same_items_in_every_format(ingest: Ingest, tmp_path: Path) -> None:
    rows = [{"size": 1.0, "colour": "red"}, {"size": 2.5, "colour": None}]
    pl.DataFrame(rows).write_parquet(tmp_path / "rows.parquet")
    spec = {"categorical_columns": ["colour"]}
    parquet = ingest("z.parquet", (tmp_path / "rows.parquet").read_bytes(), "tabular", **spec)
    lines = ingest("zz.jsonl", "\n".join(map(json.dumps, rows)), "tabular", **spec)
    table = ingest("zzz.csv", "colour,size\nred,1\n,2.50\n", "tabular", **spec)
    assert contents(parquet) == {'{"colour":"red","size":1}', '{"colour":null,"size":2.5}'}
    assert contents(parquet) == contents(lines) == contents(table)


def test_a_bad_row_in_the_middle_costs_itself_alone(ingest: Ingest) -> None:
    batch = ingest("a.csv", b'text,x\none,1\ntwo\nth\xffree,3\nfo"ur,4\n"fi"ve,5\nsix,6\n')
    assert contents(batch) == {"one", 'fo"ur', "six"}
    assert reasons(batch) == [
        (3, "wrong_field_count"), (4, "not_utf8"), (6, "broken_quoting"),
    ]  # fmt: skip


def test_an_unclosed_quote_does_not_swallow_the_rest(ingest: Ingest) -> None:
    rows = "".join(f"row {number},{number}\n" for number in range(50))
    batch = ingest("a.csv", f'text,x\nfirst,1\n"open,2\n{rows}')
    assert reasons(batch) == [(3, "broken_quoting")]
    assert batch.counts.taken == 51


def test_after_broken_quoting_half_a_record_is_not_taken_for_an_item(ingest: Ingest) -> None:
    batch = ingest("a.csv", 'text,x\n"one\nsaid "hi" so",2\nlast,3\n')
    assert contents(batch) == {"last"}


def test_a_quoted_text_may_span_lines(ingest: Ingest) -> None:
    batch = ingest("a.csv", '\ufefftext,x\r\n"one\r\ntwo, ""three""",1\r\n\r\nfour,2\r\n')
    assert contents(batch) == {'one\r\ntwo, "three"', "four"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "cut', "not_json"),
        (b'["text"]', "not_an_object"),
        (b'{"body": "x"}', "missing_column"),
        (b'{"text": 5}', "wrong_type"),
        (b'{"text": null}', "empty_item"),
        (b'{"text": " \\n"}', "empty_item"),
        (b'{"text": "\\ud800"}', "not_utf8"),
        (b'{"text": "\xff"}', "not_utf8"),
        (b'{"text": "a\\u0000"}', "wrong_type"),
        (b"[" * 100_000, "not_json"),
    ],
)
def test_a_bad_json_line_is_set_aside_with_its_reason(
    line: bytes, reason: str, ingest: Ingest
) -> None:
    batch = ingest("a.jsonl", b'{"text": "good"}\n' + line + b'\n{"text": "fine"}\n')
    assert contents(batch) == {"good", "fine"}
    assert reasons(batch) == [(2, reason)]


def test_names_that_are_no_utf8_are_escaped_and_cost_no_row(ingest: Ingest) -> None:
    line = '{"text": "good", "id": "\\ud800", "who": "\\udfff"}'
    item = ingest("a.jsonl", line, group_column="who").items().collect().row(0, named=True)
    assert (item["source_uri"], item["group_id"]) == ("a.jsonl#id=\\ud800", "\\udfff")


def test_a_parquet_string_that_is_no_utf8_costs_its_own_row(ingest: Ingest, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    frame = pl.DataFrame({"text": ["first", "spoilt", "third"]})
    frame.write_parquet(path, compression="uncompressed", statistics=False)
    batch = ingest("a.parquet", path.read_bytes().replace(b"spoilt", b"sp\xffilt"))
    assert (contents(batch), reasons(batch)) == ({"first", "third"}, [(2, "not_utf8")])


@pytest.mark.parametrize(
    ("cell", "reason"),
    [("nan", "not_finite"), ("1e999", "not_finite"), ("red", "wrong_type")],
)
def test_a_bad_number_is_set_aside_with_its_reason(cell: str, reason: str, ingest: Ingest) -> None:
    batch = ingest("a.csv", f"x,y\n1,2\n{cell},3\n,4\n", "tabular")
    assert reasons(batch) == [(3, reason)]
    assert contents(batch) == {'{"x":1,"y":2}', '{"x":null,"y":4}'}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"", "empty_file"),
        ("a.csv", b"text\n", "empty_file"),
        ("a.jsonl", b"\n \n", "empty_file"),
        ("a.csv", b"body,x\nhello,1\n", "missing_column"),
        ("a.csv", b"text,text\nhello,1\n", "surplus_column"),
        ("a.csv", "text\nhello\n".encode("utf-16"), "not_utf8"),
        ("a.zip", b"PK", "unsupported_type"),
        ("a.parquet", b"PAR1 cut off", "unreadable_file"),
    ],
)
def test_a_file_that_cannot_be_read_is_set_aside_whole(
    name: str, content: bytes, reason: str, ingest: Ingest
) -> None:
    batch = ingest(name, content)
    assert reasons(batch) == [(None, reason)]
    assert batch.objects[f"raw/{batch.name}/{name}"].read_bytes() == content
    assert batch.items().collect().is_empty()


def test_a_damaged_row_group_costs_its_own_rows(ingest: Ingest, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    texts = [f"text number {number}" for number in range(3000)]
    pl.DataFrame({"text": texts}).write_parquet(path, row_group_size=1000, compression="zstd")
    page = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[page : page + 100] = bytes(100)
    counts = ingest("a.parquet", bytes(data)).counts
    assert (counts.taken, counts.rejected) == (2000, {"unreadable_file": 1000})


def test_an_oversized_row_and_an_oversized_file_are_set_aside(ingest: Ingest) -> None:
    batch = ingest("a.csv", f"text\n{'x' * 3000}\nshort\n", max_item_kb=2)
    assert (contents(batch), reasons(batch)) == ({"short"}, [(2, "oversized_item")])
    batch = ingest("b.csv", f"text\n{'x' * 3000}\n", max_file_mb=0.001)
    assert reasons(batch) == [(None, "oversized_file")]


def test_a_content_repeated_for_ever_is_one_item(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.ingestion.layout.CHUNK_ROWS", 10)
    counts = ingest("a.csv", "text\n" + "same\n" * 95).counts
    assert (counts.read, counts.taken, counts.duplicate) == (95, 1, 94)


def test_duplicates_and_known_items_are_counted_and_count_against_no_limit(
    ingest: Ingest,
) -> None:
    known = pl.LazyFrame({"item_id": [sha256(b"old").hexdigest()]})
    batch = ingest("a.csv", "text\nnew\nold\nnew\nold\n", known=known, reject_limit=0.0)
    counts = batch.counts
    assert (counts.read, counts.taken, counts.duplicate, counts.known) == (4, 1, 2, 1)
    details = batch.rejects().sort("row").collect()["detail"].to_list()
    assert details[1] == "same content as a.csv 2"


def test_a_name_counts_also_where_the_first_object_has_none(ingest: Ingest) -> None:
    batch = ingest("a.jsonl", '{"x": 1}\n{"x": 2, "id": "s2"}\n', "tabular")
    assert set(batch.items().collect()["source_uri"]) == {"a.jsonl#line=1", "a.jsonl#id=s2"}


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_the_group_may_be_a_feature_too(name: str, ingest: Ingest, tmp_path: Path) -> None:
    frame = pl.DataFrame({"site": [7], "x": [1]})
    write = frame.write_csv if name.endswith("csv") else frame.write_parquet
    write(tmp_path / name)
    spec = {"feature_columns": ["x", "site"], "group_column": "site"}
    items = ingest(name, (tmp_path / name).read_bytes(), "tabular", **spec).items().collect()
    assert items.select("content", "group_id").row(0) == ('{"site":7,"x":1}', "7")


def test_every_name_of_an_item_can_be_found(ingest: Ingest) -> None:
    batch = ingest("a.csv", "id,text\ns1,same\ns2,same\n")
    columns = ["item_id", "source_uri"]
    named = pl.concat([batch.items().select(columns), batch.rejects().select(columns)]).collect()
    assert named["item_id"].n_unique() == 1
    assert set(named["source_uri"]) == {"a.csv#id=s1", "a.csv#id=s2"}


def test_rejects_beyond_the_limit_stop_the_batch_with_its_facts(ingest: Ingest) -> None:
    with pytest.raises(RejectLimitExceeded, match=r"40.0% rejected.*row 3: no text") as caught:
        ingest("a.csv", 'text\none\n""\ntwo\n" "\nthree\n', reject_limit=0.39)
    assert caught.value.batch.counts.rejected == {"empty_item": 2}
    assert caught.value.batch.objects


def test_an_unreadable_file_of_two_is_half_of_the_batch(ingest: Ingest, tmp_path: Path) -> None:
    shards = tmp_path / "inbox" / "things" / "shards"
    shards.mkdir(parents=True)
    (shards / "a.csv").write_text("text\n" + "".join(f"{n}\n" for n in range(99)))
    with pytest.raises(RejectLimitExceeded, match=r"50.0%"):
        ingest("shards/b.csv", "", reject_limit=0.2)


def test_the_raw_file_is_kept_byte_for_byte(ingest: Ingest) -> None:
    content = b"text,x\r\nhello,\xff\r\n\r\nbroken"
    batch = ingest("Odd name.csv", content)
    assert batch.objects[f"raw/{batch.name}/Odd name.csv"].read_bytes() == content


def test_the_same_input_gives_the_same_bytes(ingest: Ingest) -> None:
    content = "text\n" + "".join(f"text {number % 700}\n" for number in range(1000))
    first = {path: file.read_bytes() for path, file in ingest("a.csv", content).objects.items()}
    again = {path: file.read_bytes() for path, file in ingest("a.csv", content).objects.items()}
    assert first == again


def test_many_buckets_hold_the_items_of_one(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = "text\n" + "".join(f"text {number % 700}\n" for number in range(1000))
    one = ingest("a.csv", content)
    items, counts = one.items().collect(), one.counts
    monkeypatch.setattr("assets.ingestion.staging.BUCKET_BYTES", 1000)
    many = ingest("a.csv", content)
    assert len([path for path in many.objects if path.startswith("items/")]) == 16
    assert many.items().collect().equals(items)
    assert many.counts == counts


def test_items_are_sorted_by_id_and_grouped_by_their_column(ingest: Ingest) -> None:
    batch = ingest("a.csv", "text,who\nb,ana\na,ana\nc,\n", group_column="who")
    items = batch.items().collect()
    assert items["item_id"].is_sorted()
    assert items.filter(pl.col("content") != "c")["group_id"].to_list() == ["ana", "ana"]
    alone = items.filter(pl.col("content") == "c")
    assert alone["group_id"].to_list() == alone["item_id"].to_list()


def test_books_that_do_not_balance_raise() -> None:
    with pytest.raises(CountsDoNotBalance):
        Counts(read=3, taken=1, duplicate=1, known=0)


def test_a_file_that_changes_while_it_is_read_is_not_taken(
    tmp_path: Path, dataset_of: Callable[..., Dataset]
) -> None:
    path = tmp_path / "inbox" / "a.csv"
    path.parent.mkdir()
    path.write_text("text\nhello\n")
    arrival = arrivals(path.parent, 0, time.time() + 60, cache=tmp_path)[0]
    path.write_text("text\nhello\nmore\n")
    with pytest.raises(ArrivalChanged):
        read_batch(
            arrival,
            dataset_of("text"),
            ingested_at=AT,
            known_items=None,
            workspace=tmp_path / "work",
        )
    assert list((tmp_path / "work").iterdir()) == []


def test_a_full_disk_leaves_nothing_half_made_and_the_inbox_as_it_was(
    ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(DiskFull, match="still in the inbox"):
        ingest("a.csv", "text\nhello\n")
    assert list((tmp_path / "work").iterdir()) == []
    assert (tmp_path / "inbox" / "things" / "a.csv").read_text() == "text\nhello\n"


def test_what_a_killed_run_left_behind_does_not_matter(ingest: Ingest, tmp_path: Path) -> None:
    clean = ingest("a.csv", "text\nhello\n")
    for leftover in (f".{clean.name}.partial", clean.name):
        (tmp_path / "work" / leftover / "objects" / "items").mkdir(parents=True, exist_ok=True)
        (tmp_path / "work" / leftover / "objects" / "items" / "half").write_text("half")
    again = ingest("a.csv", "text\nhello\n")
    assert not [path for path in again.objects if "half" in path]


@pytest.mark.skipif(not SENTIMENT.exists(), reason="../shared/data/sentiment is not there")
def test_real_sentences_keep_their_names(ingest: Ingest) -> None:
    batch = ingest("items.jsonl", SENTIMENT.read_bytes(), reject_limit=0.0)
    names = batch.items().collect()["source_uri"].to_list()
    assert batch.counts.taken == 4999
    assert {name_in_source(uri) for uri in names} == {f"s{number:05}" for number in range(4999)}
