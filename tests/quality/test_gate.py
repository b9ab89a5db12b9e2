"""The gate: what is expected, what was found, and the receipt for it."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.gate.checks import check_suite
from quality.gate.digests import frames_digest, objects_digest
from quality.gate.expectations import gate, judge
from quality.gate.receipt import Receipt, ReceiptUnreadable
from quality.gate.suites import DERIVED, Expectation, Suite, SuiteInvalid, built_in
from quality.gate.verdict import Result
from quality.schema import ITEMS, LABELS, PREDICTIONS, SCORES, VOTES

CLASSES = ("good", "bad")
SUITES = built_in(CLASSES)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
IDS = [f"{n:064x}" for n in range(3)]
BETWEEN = "expect_column_values_to_be_between"


def items(**changed) -> pl.DataFrame:
    row = {
        "content": "x",
        "uri": None,
        "modality": "text",
        "source_uri": "f#1",
        "source_sha256": "0" * 64,
        "group_id": "g",
        "licence": None,
        "ingested_at": NOW,
    }
    return ITEMS.frame([{"item_id": i, **row, **changed} for i in IDS])


def votes(**changed) -> pl.DataFrame:
    row = {
        "item_id": IDS[0],
        "kind": "vote",
        "actor": "human:ana",
        "actor_kind": "human",
        "actor_version": "1",
        "label": "good",
        "ontology_version": "1",
        "imported_at": NOW,
        "run_id": "r",
        "code_version": "c",
    }
    return VOTES.frame([{**row, "vote_id": "v1"}, {**row, "vote_id": "v2", **changed}])


def labels(**changed) -> pl.DataFrame:
    row = {
        "label": "good",
        "state": "auto",
        "actor_kinds": ["model"],
        "n_votes": 2,
        "n_human": 1,
        "vote_set_sha256": "0" * 64,
        "split": "train",
        "ontology_version": "1",
        "since": "v0001",
    }
    last = {**row, **{k: v for k, v in changed.items() if k in row}}
    rows = [{"item_id": IDS[0], **row}, {"item_id": IDS[1], **row}, {"item_id": IDS[2], **last}]
    score = {"confidence": 0.9, "agreement": 1.0, "label_quality": 0.9}
    scored = {**score, **{k: v for k, v in changed.items() if k in score}}
    scores = SCORES.frame([{"item_id": i, **(scored if i == IDS[2] else score)} for i in IDS])
    return LABELS.frame(rows).join(scores, on="item_id")


def predictions(last: list[float]) -> pl.DataFrame:
    rows = [[0.5, 0.5], [1.0, 0.0], last]
    return PREDICTIONS.frame(
        [
            {"item_id": i, "probabilities": p, "actor_version": "1"}
            for i, p in zip(IDS, rows, strict=True)
        ]
    )


def suite(*expectations: Expectation, table: str = "labels") -> Suite:
    return Suite(table, table, expectations)


def failed(frame: pl.DataFrame, table: str) -> list[Result]:
    return [r for r in judge(frame, SUITES[table]).results if not r.success]


def test_sound_tables_pass_every_built_in_expectation():
    frames = {
        "items": items(),
        "votes": votes(),
        "labels": labels(),
        "predictions": predictions([0.2, 0.8]),
    }
    report = gate(frames, list(SUITES.values()))
    assert report.failures("critical") == report.failures("warning") == ()
    assert report.success


@pytest.mark.parametrize(
    ("frame", "table", "claim"),
    [
        (labels(label="nonsense"), "labels", "every label is a class of the ontology"),
        (labels(confidence=1.5), "labels", "confidence is a probability"),
        (labels(confidence=float("nan")), "labels", "confidence holds no NaN"),
        (labels(label=None), "labels", "an accepted item has a label, an unlabeled one has none"),
        (labels(n_human=3), "labels", "no more human votes than votes"),
        (predictions([0.2, 0.7]), "predictions", "they sum to one"),
        (predictions([1.2, -0.2]), "predictions", "no probability is negative"),
        (predictions([1.0]), "predictions", "one probability for each class"),
    ],
)
def test_a_fault_fails_its_claim_and_names_the_item(frame, table, claim):
    (result,) = failed(frame, table)
    assert (result.claim, result.failing) == (claim, 1)
    assert result.failing_ids == (IDS[2],)


@pytest.mark.parametrize(
    ("changed", "claim"),
    [
        ({"label": "odd"}, "every vote names a class of the ontology or abstains"),
        ({"actor": "ana"}, "every actor is KIND:NAME"),
        ({"actor": "model:m"}, "every actor is of the kind that its votes say"),
    ],
)
def test_a_vote_of_nobody_or_for_nothing_fails(changed, claim):
    assert claim in [r.claim for r in failed(votes(**changed), "votes")]


def test_a_vote_without_an_author_is_a_warning_and_blocks_nothing():
    verdict = judge(votes(actor="human:unknown"), SUITES["votes"])
    assert verdict.success
    assert [r.claim for r in verdict.failures("warning")] == ["every human vote has an author"]


def test_an_item_without_content_fails():
    (result,) = failed(items(content=None), "items")
    assert (result.failing, result.failing_ids) == (3, tuple(IDS))


def test_an_empty_table_does_not_pass():
    assert [r.claim for r in failed(labels().clear(), "labels")] == ["there are labels"]


def test_a_missing_column_could_not_be_judged_and_fails():
    (result,) = failed(labels().drop("split").with_columns(splits=pl.lit("train")), "labels")[:1]
    assert result.not_judged is not None
    assert "no column 'split'; did you mean 'splits'?" in result.not_judged


def test_a_missing_table_could_not_be_judged_and_fails():
    report = gate({}, [SUITES["items"]])
    assert not report.success
    assert all("no table 'items'" in (r.not_judged or "") for _, r in report.failures("critical"))


def test_a_column_of_lists_could_not_be_judged():
    naming_a_list = suite(Expectation(BETWEEN, {"column": "actor_kinds", "min_value": 0}))
    (result,) = judge(labels(), naming_a_list).results
    assert "holds List(String)" in (result.not_judged or "")


def test_at_most_fifty_failing_items_are_named_and_all_are_counted():
    frame = pl.DataFrame({"item_id": [f"i{n}" for n in range(200)], "confidence": [2.0] * 200})
    claim = Expectation(BETWEEN, {"column": "confidence", "max_value": 1})
    (_, result) = judge(frame, suite(claim)).results
    assert (result.failing, len(result.failing_ids)) == (200, 50)


def test_failing_items_are_named_under_a_row_condition():
    frame = pl.DataFrame({"item_id": ["i1", "i2", "i3"], "state": ["a", "b", "b"], "n": [9, 9, 0]})
    claim = Expectation(
        BETWEEN,
        {
            "column": "n",
            "max_value": 1,
            "row_condition": 'state == "b"',
            "condition_parser": "pandas",
        },
    )
    (result,) = judge(frame, suite(claim)).results
    assert result.failing_ids == ("i2",)


def test_an_expectation_on_the_columns_sees_them_all():
    frame = pl.DataFrame({"item_id": ["i1"], "n": [1]})
    there = Expectation("expect_table_columns_to_match_set", {"column_set": ["item_id", "n"]})
    gone = Expectation("expect_column_to_exist", {"column": "zz"})
    assert [r.success for r in judge(frame, suite(there, gone)).results] == [True, False]


def test_rows_are_counted_where_no_column_is_named():
    rows = Expectation("expect_table_row_count_to_equal", {"value": 2})
    columns = Expectation("expect_table_column_count_to_equal", {"value": 2})
    frame = pl.DataFrame({"item_id": ["i1", "i2"], "n": [1, 2]})
    assert judge(frame, suite(rows)).success
    assert judge(frame, suite(rows, columns)).success


def test_a_share_is_held_to_its_limit_through_a_derived_column():
    mean = "expect_column_mean_to_be_between"
    accepted = Expectation(mean, {"column": "is_accepted", "min_value": 0.6})
    disputed = Expectation(mean, {"column": "is_disputed", "max_value": 0.3}, "warning", "few")
    verdict = judge(labels(state="disputed"), suite(accepted, disputed))
    assert [r.success for r in verdict.results[-2:]] == [True, False]
    assert [(r.claim, r.observed) for r in verdict.failures("warning")] == [("few", "0.333333")]
    assert verdict.success


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True)), min_size=1, max_size=30))
@settings(max_examples=25, deadline=None)
def test_what_fails_is_exactly_what_is_out_of_bounds(values):
    frame = pl.DataFrame(
        {"item_id": [f"i{n}" for n in range(len(values))], "confidence": values},
        schema={"item_id": pl.String, "confidence": pl.Float64},
    )
    claim = Expectation(BETWEEN, {"column": "confidence", "min_value": 0, "max_value": 1})
    nan, bounds = judge(frame, suite(claim)).results
    assert nan.failing == sum(v is not None and v != v for v in values)  # noqa: PLR0124 - NaN
    outside = [f"i{n}" for n, v in enumerate(values) if v is not None and (v < 0 or v > 1)]
    assert list(bounds.failing_ids) == outside
    assert bounds.success == (not outside)


def test_judging_changes_neither_log_levels_nor_the_frame():
    logger = logging.getLogger("great_expectations")
    logger.setLevel(logging.INFO)
    frame = labels()
    judge(frame, SUITES["labels"])
    assert logger.level == logging.INFO
    assert frame.equals(labels())


@pytest.mark.parametrize(
    ("type_", "kwargs", "fault"),
    [
        ("expect_column_values_to_be_in_sett", {}, "did you mean 'expect_column_values_to_be_in_s"),
        (BETWEEN, {"column": "confidence"}, "min_value and max_value cannot both be None"),
        (BETWEEN, {"column": "confidence", "max": 1}, "kwargs.max: extra fields not permitted"),
        (BETWEEN, {"min_value": 1}, "kwargs.column: field required"),
        (BETWEEN, {"column": "confidnce", "min_value": 0}, "did you mean 'confidence'?"),
        (BETWEEN, {"column": "label", "min_value": 0, "severity": "x"}, "sets ['severity'] itself"),
        (
            "expect_column_values_to_match_regex",
            {"column": "label", "regex": "["},
            "unterminated character set",
        ),
        (
            "expect_column_values_to_match_like_pattern",
            {"column": "label", "like_pattern": "g%"},
            "needs an SQL engine",
        ),
    ],
)
def test_a_suite_that_cannot_be_judged_is_refused_before_a_run(type_, kwargs, fault):
    with pytest.raises(SuiteInvalid) as caught:
        check_suite(suite(Expectation(type_, kwargs)))
    assert fault in caught.value.faults[0]


def test_every_fault_of_a_suite_is_named_at_once():
    with pytest.raises(SuiteInvalid) as caught:
        check_suite(suite(Expectation("expect_nothing"), Expectation(BETWEEN, {"column": "label"})))
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize("table", list(SUITES))
def test_the_built_in_suites_can_be_judged(table):
    check_suite(SUITES[table])


def test_a_suite_with_another_limit_has_another_digest():
    assert SUITES["labels"].digest == built_in(CLASSES)["labels"].digest
    assert SUITES["labels"].digest != built_in(("good", "worse"))["labels"].digest
    more = SUITES["labels"].with_expectations([Expectation(BETWEEN, {"column": "confidence"})])
    assert more.digest != SUITES["labels"].digest


def test_a_receipt_covers_the_data_that_passed_and_no_other():
    objects = {"labels/bucket=00/part.parquet": "a" * 64, "votes/part.parquet": "b" * 64}
    report = gate({"labels": labels()}, [SUITES["labels"]], data_digest=objects_digest(objects))
    receipt = Receipt.from_json(Receipt.of(report).to_json())
    assert receipt == Receipt.of(report)
    assert receipt.covers(objects_digest(dict(reversed(objects.items()))))
    assert not receipt.covers(objects_digest({**objects, "votes/part.parquet": "c" * 64}))


def test_a_receipt_of_a_failed_gate_covers_nothing_and_says_what_failed():
    report = gate({"labels": labels(label="odd")}, [SUITES["labels"]])
    receipt = Receipt.of(report)
    assert not receipt.covers(report.data_digest)
    assert receipt.counts["failed_critical"] == 1
    assert json.loads(receipt.to_json())["failures"][0]["failing_ids"] == [IDS[2]]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"passed": true}', b"\xff"])
def test_bytes_that_are_no_receipt_are_refused(content):
    with pytest.raises(ReceiptUnreadable, match="not a receipt"):
        Receipt.from_json(content)


def test_the_digest_of_frames_follows_their_content():
    frame = labels()
    assert frames_digest({"labels": frame}) == frames_digest({"labels": labels()})
    assert frames_digest({"labels": frame}) != frames_digest({"labels": frame.reverse()})
    nan = frame.with_columns(confidence=pl.lit(float("nan")))
    assert frames_digest({"labels": nan}) != frames_digest(
        {"labels": nan.with_columns(confidence=pl.lit(None, pl.Float64))}
    )


def test_the_report_shows_people_what_failed_first():
    page = gate({"labels": labels(label="a|b")}, [SUITES["labels"]]).to_markdown()
    assert page.startswith("**Failed**: ")
    first = page.split("|---|---|---|---|---|\n")[1].splitlines()[0]
    assert "every label is a class of the ontology" in first
    assert "a\\|b" in first
    assert IDS[2][:12] in first


def test_the_documentation_names_every_derived_column_and_its_example_can_be_judged():
    page = (Path(__file__).parents[2] / "docs/gate.md").read_text()
    missing = [c for columns in DERIVED.values() for c in columns if f"`{c}`" not in page]
    assert missing == []
    example = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    stated = [Expectation(**e) for e in example["gate"]["labels"]]
    check_suite(SUITES["labels"].with_expectations(stated))
