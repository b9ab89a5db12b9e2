"""The ontology votes by its terms, and says why it abstains."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assets.dataset_file.ontology import Ontology
from assets.dataset_file.ontology_labeler import OntologyLabeler as Section
from assets.labelers.interface import Labeler, LabelerInput
from assets.labelers.ontology import NoText, OntologyLabeler, TermsMissing
from assets.labelers.registry import make
from quality.schema import ITEMS

PETS = Ontology.model_validate(
    {
        "classes": [
            "animal",
            {"name": "dog", "parent": "animal", "terms": ["hound", "boxer"], "excludes": ["cat"]},
            {"name": "cat", "parent": "animal", "terms": ["tabby"]},
            {"name": "sport", "terms": ["boxer"]},
        ]
    }
)


def given(ontology: Ontology, contents: list[str | None], modality: str = "text") -> LabelerInput:
    facts = {"uri": None, "modality": modality, "licence": None}
    facts |= dict.fromkeys(("source_uri", "source_sha256", "group_id"), "x")
    rows: list[dict[str, Any]] = [
        {**facts, "item_id": str(i), "content": content, "ingested_at": datetime.now(UTC)}
        for i, content in enumerate(contents)
    ]
    return LabelerInput(ITEMS.frame(rows), ontology, lambda: None, lambda _: b"")  # type: ignore[arg-type, return-value]


def labeler(**settings: Any) -> OntologyLabeler:
    made = make(Section(name="terms", kind="ontology", **settings), Path())
    assert isinstance(made, OntologyLabeler)
    assert isinstance(made, Labeler)
    return made


def labels(contents: list[str | None], modality: str = "text", **settings: Any) -> list[str | None]:
    votes = labeler(**settings).vote(given(PETS, contents, modality)).votes
    assert set(votes["actor"]) == {"ontology:terms"}
    assert set(votes["actor_kind"]) == {"ontology"}
    return votes["label"].to_list()


def test_it_votes_for_the_most_specific_class_that_a_text_says() -> None:
    texts = ["An animal, a tabby!", "an animal", "HOUND", "nothing", ""]
    assert labels(texts) == ["cat", "animal", "dog", None, None]


def test_names_are_no_terms_where_the_dataset_file_says_so() -> None:
    assert labels(["an animal", "a tabby"], match_names=False) == [None, "cat"]


def test_abstentions_over_contradictions_and_ambiguity_are_counted_with_examples() -> None:
    ballots = labeler().vote(given(PETS, ["a hound and a tabby", "a boxer", "hound at sport"]))
    assert ballots.votes["label"].null_count() == 3
    assert ballots.errors == ()
    assert [(each.reason, each.count, each.examples) for each in ballots.abstentions] == [
        (
            "found terms of classes that exclude each other",
            1,
            (("0", "hound, tabby for cat, dog"),),
        ),
        ("found only ambiguous terms", 1, (("1", "boxer for dog, sport"),)),
        ("found terms of several classes", 1, (("2", "hound, sport for dog, sport"),)),
    ]


def test_of_a_row_the_chosen_columns_are_searched_each_by_itself() -> None:
    row = json.dumps({"title": "my tab", "text": "by the sea", "n": 3, "kind": "hound"})
    assert labels([row], "tabular") == ["dog"]
    assert labels([row], "tabular", columns=("title", "text", "absent")) == [None]
    across = Ontology.model_validate({"classes": [{"name": "x", "terms": ["tab by"]}, "y"]})
    assert labeler().vote(given(across, [row], "tabular")).votes["label"].to_list() == [None]


def test_its_version_changes_with_the_ontology_and_its_settings_only() -> None:
    def version(ontology: Ontology, **settings: Any) -> str:
        voter = labeler(**settings)
        (version,) = voter.vote(given(ontology, ["x"])).votes["actor_version"]
        assert voter.actors == {"ontology:terms": version}
        assert voter.version == version
        return str(version)

    other = PETS.model_copy(update={"classes": PETS.classes[:3]})
    assert version(PETS) == version(PETS, description="another")
    assert (
        len(
            {
                version(PETS),
                version(Ontology(classes=other.classes)),
                version(PETS, match_names=False),
            }
        )
        == 3
    )


def test_an_ontology_without_terms_cannot_vote_and_says_what_to_do() -> None:
    bare = Ontology.model_validate({"classes": ["a", "b"]})
    with pytest.raises(TermsMissing, match="match_names: true"):
        labeler(match_names=False).vote(given(bare, ["a"]))


def test_images_hold_no_terms() -> None:
    with pytest.raises(NoText):
        labeler().vote(given(PETS, [None], "image"))


def test_an_empty_batch_gets_no_votes() -> None:
    assert labeler().vote(given(PETS, [])).votes.is_empty()
