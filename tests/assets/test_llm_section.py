"""What the dataset file may say of a language model, and what it must not."""

from pathlib import Path

import pytest

from assets.dataset_file.faults import DatasetFileInvalid, Fault
from assets.dataset_file.loading import load
from assets.dataset_file.models import Dataset

FILE = """\
name: films
modality: {modality}
ontology: {{classes: [a, b]}}
labelers:
  - {{name: small, kind: llm, endpoint: "{endpoint}", model: m{more}}}
"""
LOCAL = "http://localhost:11434/v1"
SECRET = "sk-abcdef"


def loaded(folder: Path, more: str = "", endpoint: str = LOCAL, modality: str = "text") -> Dataset:
    path = folder / "datasets" / "films.yaml"
    path.parent.mkdir(exist_ok=True)
    text = FILE.format(modality=modality, endpoint=endpoint, more=more and f", {more}")
    path.write_text(text, encoding="utf-8")
    return load(path)


def fault(folder: Path, *args: str, **more: str) -> Fault:
    with pytest.raises(DatasetFileInvalid) as caught:
        loaded(folder, *args, **more)
    (only,) = caught.value.faults
    return only


def test_endpoint_and_model_are_all_that_is_needed(tmp_path: Path) -> None:
    (labeler,) = loaded(tmp_path).labelers
    assert (labeler.kind, labeler.icon) == ("llm", "llm")


def test_a_key_in_the_file_is_refused_and_the_right_place_named(tmp_path: Path) -> None:
    found = fault(tmp_path, f"api_key: {SECRET}")
    assert "api_key_variable" in found.expected
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    ("more", "endpoint"),
    [(f"api_key_variable: {SECRET}", LOCAL), ("", f"https://me:{SECRET}@llm.example.org/v1")],
)
def test_a_key_in_the_wrong_place_is_refused_and_not_repeated(
    tmp_path: Path, more: str, endpoint: str
) -> None:
    found = fault(tmp_path, more, endpoint)
    assert found.line == 5
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("samples: 3", "a temperature above 0"),
        ("samples: 3, temperature: 0.7, log_probabilities: true", "not both"),
        ("budget: {money: 1.0}", "a price"),
        ("price: {input: -1.0, output: 1.0}", "0 or more"),
    ],
)
def test_settings_that_do_not_go_together_are_faults(
    tmp_path: Path, more: str, expected: str
) -> None:
    assert expected in fault(tmp_path, more).expected


def test_pictures_are_not_for_language_models_here(tmp_path: Path) -> None:
    found = fault(tmp_path, modality="image")
    assert (found.key_path, found.value) == ("labelers[0].kind", "llm")
