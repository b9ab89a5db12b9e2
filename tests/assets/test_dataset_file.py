"""Faults of dataset files are all named at once, each with its place."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.dataset_file.document import read
from assets.dataset_file.faults import DatasetFileInvalid, Fault
from assets.dataset_file.loading import load, load_all
from assets.dataset_file.reference import reference
from assets.dataset_file.references import Names, known_names

NAMES = Names(aggregators={"majority": {}, "dawid_skene": {}}, strategies=("auto", "entropy"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "digits" / "datasets" / "digits.yaml"
GOOD = """\
name: digits
modality: image
ontology:
  classes: ["0", "1"]
"""


def write(folder: Path, text: str, name: str = "digits") -> Path:
    path = folder / "datasets" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> tuple[Fault, ...]:
    with pytest.raises(DatasetFileInvalid) as caught:
        load(write(folder, text), names=NAMES)
    return caught.value.faults


def only(folder: Path, text: str) -> Fault:
    found = faults(folder, text)
    assert len(found) == 1, found
    return found[0]


def test_a_short_file_is_completed_by_defaults(tmp_path: Path) -> None:
    dataset = load(write(tmp_path, GOOD), names=NAMES)
    assert dataset.classes == ("0", "1")
    assert dataset.consensus.aggregator == "dawid_skene"


def test_every_fault_is_named_at_once_in_the_files_order(tmp_path: Path) -> None:
    text = GOOD.replace("image", "picture") + "descripton: x\nreview: {budget: -1}\n"
    found = faults(tmp_path, text)
    assert [(f.line, f.key_path) for f in found] == [
        (2, "modality"),
        (5, "descripton"),
        (6, "review.budget"),
    ]


def test_a_fault_says_where_what_and_what_was_expected(tmp_path: Path) -> None:
    fault = only(tmp_path, GOOD + "consensus: {confidence_threshold: 1.2}\n")
    assert (fault.line, fault.column, fault.value) == (5, 35, "1.2")
    assert fault.key == ("consensus", "confidence_threshold")
    assert str(fault).endswith(
        "digits.yaml:5:35: consensus.confidence_threshold: "
        "found '1.2', expected a number of 1 or less"
    )


@pytest.mark.parametrize(
    ("added", "key", "expected"),
    [
        ("agremeent: {}\n", "agremeent", "did you mean 'agreement'?"),
        ("review: {budgte: 1}\n", "review.budgte", "did you mean 'budget'?"),
        (
            "review: {xyz: 1}\n",
            "review.xyz",
            "budget, explore, reviewers, strategy, tool, votes_per_item",
        ),
        ("review: {budget: true}\n", "review.budget", "a whole number"),
        ("review: {budget: '5'}\n", "review.budget", "a whole number"),
        ("drift: {min_effect: .inf}\n", "drift.min_effect", "a finite number"),
        ("drift: {min_effect: 1.5}\n", "drift.min_effect", "1 or less"),
        ("drift: {alpha: 0.001}\n", "drift", "at least 4 / alpha - 1 = 3999"),
        ("drift: {permutations: 398}\n", "drift", "at least 4 / alpha - 1 = 399"),
        ("drift: {blocks_release: 1}\n", "drift.blocks_release", "true or false"),
        ("splits: {train: 0.5}\n", "splits", "shares that sum to 1"),
        ("consensus: {aggregator: majorty}\n", "consensus.aggregator", "did you mean 'majority'?"),
        ("review: {strategy: random}\n", "review.strategy", "a strategy out of auto, entropy"),
        ("consensus: {weights: {humans: 1}}\n", "consensus.weights.humans", "'human', 'model'"),
        ("gate: 5\n", "gate", "a mapping"),
        ("labelers: [{name: mlp, kind: tourch}]\n", "labelers[0].kind", "'torch'"),
        ("labelers: [{name: mlp}]\n", "labelers[0]", "a mapping with a kind"),
        ("labelers: [{kind: torch}]\n", "labelers[0].name", "the key 'name'"),
        ("labelers: [{name: mlp, kind: torch, hiden: []}]\n", "labelers[0].hiden", "'hidden'?"),
        ("labelers: [{name: mlp, kind: torch, hidden: [0]}]\n", "labelers[0].hidden[0]", "1 or"),
        ("labelers: [{name: M, kind: torch}]\n", "labelers[0].name", "lower-case letters"),
    ],
)
def test_a_fault_has_its_key_and_a_way_out(
    tmp_path: Path, added: str, key: str, expected: str
) -> None:
    fault = only(tmp_path, GOOD + added)
    assert fault.line == 5
    assert fault.key_path == key
    assert expected in fault.expected


def test_a_missing_key_is_placed_where_its_section_begins(tmp_path: Path) -> None:
    fault = only(tmp_path, GOOD + "gate:\n  items:\n  - kwargs: {column: label}\n")
    assert (fault.line, fault.key_path, fault.value) == (7, "gate.items[0].type", None)


def test_the_name_is_the_files_name(tmp_path: Path) -> None:
    fault = only(tmp_path, GOOD.replace("name: digits", "name: letters"))
    assert (fault.line, fault.expected) == (1, "'digits', the file's name")


@pytest.mark.parametrize("classes", ["[a, a]", "[{name: a}, a]"])
def test_a_repeated_class_is_a_fault(tmp_path: Path, classes: str) -> None:
    fault = only(tmp_path, GOOD.replace('["0", "1"]', classes))
    assert "'a' stands further up already" in fault.expected


def test_a_class_that_reads_as_a_number_must_be_quoted(tmp_path: Path) -> None:
    fault = only(tmp_path, GOOD.replace('"1"', "1"))
    assert (fault.key_path, fault.value, fault.line) == ("ontology.classes[1]", "1", 4)
    assert fault.expected == "text; write it in quotes"


def test_yes_and_no_are_plain_names(tmp_path: Path) -> None:
    dataset = load(write(tmp_path, GOOD.replace('["0", "1"]', "[yes, no]")), names=NAMES)
    assert dataset.classes == ("yes", "no")


def test_an_exponent_without_a_point_is_a_number(tmp_path: Path) -> None:
    labelers = "labelers: [{name: mlp, kind: torch, learning_rate: 1e-3}]\n"
    dataset = load(write(tmp_path, GOOD + labelers), names=NAMES)
    assert dataset.labelers[0].model_dump()["learning_rate"] == pytest.approx(0.001)


def test_a_functions_file_must_exist_below_the_project(tmp_path: Path) -> None:
    labeler = "labelers: [{name: rules, kind: functions, path: labeling/x.py}]\n"
    assert "there is none at" in only(tmp_path, GOOD + labeler).expected
    outside = labeler.replace("labeling/x.py", "../x.py")
    assert "below the project's folder" in only(tmp_path, GOOD + outside).expected
    (tmp_path / "labeling").mkdir()
    (tmp_path / "labeling" / "x.py").touch()
    assert load(write(tmp_path, GOOD + labeler), names=NAMES).labelers[0].name == "rules"


def test_a_repeated_key_is_a_fault_that_names_both_lines(tmp_path: Path) -> None:
    fault = only(tmp_path, GOOD + "review:\n  budget: 1\n  budget: 2\n")
    assert (fault.line, fault.expected) == (7, "each key once; it stands in line 6 already")


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("name: digits\n\tmodality: image\n", 2, "indent with spaces"),
        ("name: [digits\n", 2, "that began in line 1"),
        ("name: a\n---\nname: b\n", 2, "single document"),
        ("a: &x {}\nb: *x\n", 2, "aliases are not supported"),
        ("a: !!python/name:os.system x\n", 1, "python/name:os.system"),
        ("", 1, "it is empty"),
        ("- a\n", 1, "a mapping of keys and values"),
        ("a: \x01\n", 1, "printable text"),
        ("[" * 5000, 1, "less nesting"),
    ],
)
def test_what_is_no_yaml_mapping_is_named_by_line(
    tmp_path: Path, text: str, line: int, expected: str
) -> None:
    found = faults(tmp_path, text)
    assert any(f.line == line and expected in f.expected for f in found), found


def test_a_file_that_is_not_utf8_or_huge_or_absent_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    for content, expected in ((b"name: \xff\n", "UTF-8"), (b" " * 1_000_001, "at most 1000000")):
        path.write_bytes(content)
        with pytest.raises(DatasetFileInvalid, match=expected):
            load(path, names=NAMES)
    path.unlink()
    with pytest.raises(DatasetFileInvalid, match="No such file"):
        load(path, names=NAMES)


def test_a_faulty_dataset_does_not_take_the_others_down(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, "name: [", "broken")
    loaded = load_all(write(tmp_path, GOOD, "other").parent, names=NAMES)
    assert list(loaded.datasets) == ["digits"]
    assert [error.path.stem for error in loaded.invalid] == ["broken", "other"]


def test_a_file_with_the_wrong_ending_is_not_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    path.rename(path.with_suffix(".yml"))
    (error,) = load_all(path.parent, names=NAMES).invalid
    assert error.faults[0].expected == "the file name digits.yaml"


def test_the_names_are_those_that_quality_knows(tmp_path: Path) -> None:
    names = known_names()
    assert names.aggregators is not None
    assert {"majority", "dawid_skene"} <= set(names.aggregators)
    assert load(write(tmp_path, GOOD)).name == "digits"


@pytest.mark.parametrize(
    ("consensus", "key", "expected"),
    [
        ("{parameters: {max_itr: 5}}", "consensus.parameters.max_itr", "did you mean 'max_iter'?"),
        ("{parameters: {max_iter: 0}}", "consensus.parameters.max_iter", "a whole number from 1"),
        ("{aggregator: majority, parameters: {tol: 1}}", "consensus.parameters.tol", "'ties'"),
        ("{parameters: {prior: flat}}", "consensus.parameters.prior", "'uniform', 'learned'"),
    ],
)
def test_the_parameters_are_those_of_the_aggregator(
    tmp_path: Path, consensus: str, key: str, expected: str
) -> None:
    with pytest.raises(DatasetFileInvalid) as caught:
        load(write(tmp_path, GOOD + f"consensus: {consensus}\n"))
    (fault,) = caught.value.faults
    assert fault.key_path == key
    assert expected.strip("'") in fault.expected


@given(st.text(alphabet="a:-[]{}'\"#&*!|>%@ \n\t01", max_size=40))
def test_any_text_is_read_or_named_as_misread(text: str) -> None:
    document = read(text.encode())
    assert document.misread or document.values


@settings(deadline=None)
@given(data=st.data())
def test_a_spoiled_file_is_loaded_or_refused_with_lines(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, start + 30))
    added = data.draw(st.text(alphabet=" \n:-[]{}'\"#0a~", max_size=5))
    folder = tmp_path_factory.getbasetemp() / "spoiled"
    folder.mkdir(exist_ok=True)
    path = write(folder, text[:start] + added + text[end:])
    loaded = load_all(path.parent, names=NAMES)
    assert len(loaded.datasets) + len(loaded.invalid) == 1
    lines = len(path.read_text(encoding="utf-8").splitlines())
    named = [fault.line for error in loaded.invalid for fault in error.faults]
    assert all(1 <= line <= lines + 1 for line in named)


def test_the_committed_reference_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "dataset-file.md"
    assert page.read_text(encoding="utf-8") == reference()


def test_every_key_of_the_reference_has_a_meaning() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert [row for row in rows if row.endswith("|  |")] == []
