"""The models of datasets/NAME.yaml; docs/dataset-file.md is made from their descriptions."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, ValidationError, model_validator

from assets.dataset_file.cleaning import Cleaning
from assets.dataset_file.features import Features
from assets.dataset_file.labelers import FunctionsLabeler, SklearnLabeler, TorchLabeler
from assets.dataset_file.language_models import LanguageModelLabeler
from assets.dataset_file.ontology import Ontology, unfit
from assets.dataset_file.ontology_labeler import OntologyLabeler
from assets.dataset_file.outliers import Outliers
from assets.dataset_file.pretrained import PretrainedLabeler, ZeroShotLabeler
from assets.dataset_file.regions import (
    CocoResultsLabeler,
    Regions,
    SpanPredictionsLabeler,
    Task,
    task_fault,
)
from assets.dataset_file.reviewers import Reviewer
from assets.dataset_file.section import NAME, Section, Share, Weight
from assets.dataset_file.semi_supervised import (
    FixMatchLabeler,
    LabelSpreadingLabeler,
    SelfTrainingLabeler,
)
from assets.dataset_file.synthetic import SyntheticSource
from quality.drift.policy import QUESTIONS
from quality.ontology.mapping import ClassMapping
from quality.regions.mapping import RegionMapping


class Ingestion(Section):
    """What is taken in from inbox/NAME, and how."""

    text_column: str = Field("text", description="Column that holds the text (modality text).")
    feature_columns: tuple[str, ...] = Field(
        (),
        description="Columns that make up a tabular item; empty takes all but group and id column.",
    )
    categorical_columns: tuple[str, ...] = Field(
        (), description="Feature columns that hold categories; all others must hold numbers."
    )
    group_column: str | None = Field(
        None,
        description="Items of one group stay in one split; without it each item is a group. "
        "For images `folder`: those of one folder are a group.",
    )
    id_column: str = Field(
        "id", description="Column, if there is one, by which other tools and people name an item."
    )
    csv_delimiter: str = Field(
        ",", pattern=r'^[^"\r\n]$', description="Between fields of a .csv; a .tsv has tabs."
    )
    licence: str | None = Field(None, description="Licence of the raw data, kept with each item.")
    max_file_mb: StrictFloat = Field(2048, gt=0, description="A larger file is rejected whole.")
    max_item_kb: StrictFloat = Field(10240, gt=0, description="A larger item is rejected.")
    max_image_megapixels: StrictFloat = Field(50, gt=0, description="A larger image is rejected.")
    settle_seconds: StrictFloat = Field(
        5, ge=0, description="A file is taken when it has not changed for this long."
    )
    reject_limit: Share = Field(
        0.1, description="Share of a batch's rows that may be rejected before the batch fails."
    )
    near_duplicate_similarity: StrictFloat | None = Field(
        None,
        gt=0,
        le=1,
        description="From which similarity two items are reported as near-duplicates; by default "
        "0.8 for texts (shared 5-character shingles), 0.95 for images (correlation of thumbnails).",
    )
    cleaning: Cleaning = Field(Cleaning(), description="What is mended in items.")


Labeler = Annotated[
    FunctionsLabeler
    | SklearnLabeler
    | TorchLabeler
    | LabelSpreadingLabeler
    | SelfTrainingLabeler
    | FixMatchLabeler
    | OntologyLabeler
    | LanguageModelLabeler
    | PretrainedLabeler
    | ZeroShotLabeler
    | CocoResultsLabeler
    | SpanPredictionsLabeler,
    Field(discriminator="kind"),
]


class Consensus(Section):
    """How votes become labels."""

    aggregator: str = Field("dawid_skene", description="A name of quality.consensus.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Its arguments.")
    confidence_threshold: Share = Field(
        0.9, description="At or above it a label is accepted automatically; below, people look."
    )
    precision: StrictFloat | None = Field(
        None,
        gt=0,
        lt=1,
        description="Share of right labels wanted among those that no person looked at. Once "
        "people's blind answers show from which confidence on it is reached, labels are accepted "
        "from there instead; confidence_threshold holds until then, and where people voted.",
    )
    precision_confidence: StrictFloat = Field(
        0.95, gt=0, lt=1, description="How sure the precision must be shown: the bound's level."
    )
    weights: dict[Literal["human", "model", "function", "llm", "ontology"], Weight] = Field(
        default_factory=dict, description="Weight of one vote by kind of actor; 1 where not given."
    )


class Agreement(Section):
    """Floors that the agreement checks hold the votes to; a floor left out is not checked."""

    min_alpha: StrictFloat | None = Field(
        None, ge=-1, le=1, description="Krippendorff alpha, people."
    )
    min_human_model: StrictFloat | None = Field(None, ge=-1, le=1, description="Mean Cohen kappa.")
    min_actor_quality: Share | None = Field(
        None, description="Every person's estimated quality; a lower one fails the gate."
    )
    min_actor_votes: StrictInt = Field(
        20, ge=1, description="With fewer votes a person is not judged."
    )
    replicates: StrictInt = Field(1000, ge=0, description="Bootstrap replicates for the intervals.")


class Review(Section):
    """What people are asked to look at."""

    budget: StrictInt = Field(100, ge=0, description="Tasks a queue holds at most.")
    strategy: Literal[
        "auto", "entropy", "margin", "least_confidence", "disagreement", "gain", "random"
    ] = Field("auto", description="By which doubt items are chosen; auto: the strongest of all.")
    explore: Share = Field(
        0.0,
        description="Share of the budget that is drawn at random and shown without a prediction: "
        "what consensus.precision and every estimate of quality rest on.",
    )
    votes_per_item: StrictInt = Field(1, ge=1, description="People asked per item.")
    reviewers: tuple[Reviewer, ...] = Field(
        (),
        description="Each task is given to one who is good at its likely class; none: to anybody.",
    )
    tool: Literal["label_studio"] = Field("label_studio", description="Where people label.")

    @model_validator(mode="after")
    def _each_reviewer_once(self) -> "Review":
        names = [reviewer.name for reviewer in self.reviewers]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"each reviewer once; {repeated} stand more than once")
        return self


class Drift(Section):
    """When a batch counts as unlike the last release."""

    alpha: StrictFloat = Field(0.01, gt=0, lt=1, description="False-alarm rate after correction.")
    min_items: StrictInt = Field(50, ge=2, description="Smaller samples get no verdict.")
    min_effect: Share = Field(0.1, description="Share of probability that must have moved.")
    permutations: StrictInt = Field(
        999,
        ge=1,
        description="Of the two-sample test on embeddings; at least 4 / alpha - 1, because four "
        "questions share alpha.",
    )
    blocks_release: StrictBool = Field(False, description="Whether a drift verdict fails the gate.")

    @model_validator(mode="after")
    def _enough_permutations(self) -> "Drift":
        fewest = math.ceil(len(QUESTIONS) / self.alpha) - 1
        if self.permutations < fewest:
            raise ValueError(
                f"permutations of at least 4 / alpha - 1 = {fewest}, or no p-value could fall "
                f"below alpha; alpha is {self.alpha:g}, permutations are {self.permutations}"
            )
        return self


class Expectation(Section):
    """One Great Expectations expectation."""

    type: str = Field(description="For example expect_column_values_to_be_in_set.")
    kwargs: dict[str, Any] = Field(default_factory=dict, description="Its arguments.")
    severity: Literal["critical", "warning"] = Field(
        "critical", description="A failed critical one stops the release, a warning is shown."
    )
    claim: str = Field("", description="What is true when it passes; shown as the check's text.")


class Gate(Section):
    """What a snapshot must pass before it is released, beside the built-in suites."""

    items: tuple[Expectation, ...] = Field((), description="Over the items table.")
    votes: tuple[Expectation, ...] = Field((), description="Over the votes that count.")
    labels: tuple[Expectation, ...] = Field((), description="Over labels joined with scores.")
    min_labeled: Share = Field(0.0, description="Share of items with an accepted label.")
    max_disputed: Share = Field(1.0, description="Share of items whose label is disputed.")
    max_label_issues: Share = Field(1.0, description="Share of labeled items that look mislabeled.")
    min_class_share: Share = Field(
        0.0, description="Share of the accepted labels that the rarest class must have."
    )
    max_synthetic: Share = Field(
        0.3, description="Share of the labels in the train split that are synthetic items'."
    )


class Splits(Section):
    """Shares of the groups; a group's split depends on its id and the seed alone."""

    train: Share = Field(0.7, description="Models learn from it.")
    valid: Share = Field(0.1, description="Choices are made on it.")
    test: Share = Field(0.2, description="Candidate and champion are compared on it.")
    seed: StrictInt = Field(0, description="Changing it moves items between splits: do not.")

    @model_validator(mode="after")
    def _whole(self) -> "Splits":
        total = self.train + self.valid + self.test
        if abs(total - 1) > 1e-9:  # noqa: PLR2004 - rounding of three shares
            raise ValueError(f"shares that sum to 1; train + valid + test is {total:g}")
        return self


class Retraining(Section):
    """When the trained labelers learn again, and when a candidate wins."""

    min_new_labels: StrictInt = Field(
        100, ge=1, description="Accepted labels changed or new since."
    )
    on_drift: StrictBool = Field(True, description="Whether a drift verdict alone asks for it.")
    alpha: StrictFloat = Field(0.05, gt=0, lt=1, description="A candidate wins beyond this chance.")
    replicates: StrictInt = Field(2000, ge=100, description="Bootstrap replicates for comparing.")
    labels: Literal["hard", "soft"] = Field(
        "hard",
        description="hard: models learn the accepted label of an item; soft: each class of it as "
        "strongly as the consensus found it likely.",
    )
    synthetic_weight: Weight = Field(
        1.0, description="Weight of a synthetic item in training; 0 leaves them all out."
    )


class Storage(Section):
    """How tables are laid out."""

    buckets: Literal[1, 2, 4, 8, 16, 32, 64, 128, 256] = Field(
        16, description="Files a table is cut into by item id. Changing it rewrites all of them."
    )


class Dataset(Section):
    """All that a dataset is: datasets/NAME.yaml."""

    name: str = Field(pattern=NAME, description="Also the file's name.")
    description: str = Field("", description="Shown in the Dagster UI.")
    owners: tuple[str, ...] = Field((), description="E-mail addresses, or team:NAME.")
    task: Task = Field(
        "classification", description="One class an item, boxes on images, or spans in texts."
    )
    modality: Literal["text", "image", "tabular"] = Field(description="What an item is.")
    ontology: Ontology = Field(description="The classes.")
    ingestion: Ingestion = Field(Ingestion(), description="What is taken in.")
    features: Features = Field(Features(), description="What models see of an item.")
    labelers: tuple[Labeler, ...] = Field((), description="Who votes beside people.")
    synthetic: tuple[SyntheticSource, ...] = Field((), description="Items that are made.")
    consensus: Consensus = Field(Consensus(), description="How votes become labels.")
    regions: Regions = Field(Regions(), description="How boxes or spans are matched.")
    agreement: Agreement = Field(Agreement(), description="Floors of agreement.")
    review: Review = Field(Review(), description="What people are asked.")
    drift: Drift = Field(Drift(), description="When a batch is unlike the release.")
    outliers: Outliers | None = Field(
        None, description="Which items are unlike all others; `{}` asks for it with defaults."
    )
    gate: Gate = Field(Gate(), description="What a release must pass.")
    splits: Splits = Field(Splits(), description="Train, valid, test.")
    retraining: Retraining = Field(Retraining(), description="When models learn again.")
    storage: Storage = Field(Storage(), description="How tables are laid out.")

    @model_validator(mode="after")
    def _labelers_unique(self) -> "Dataset":
        names = [labeler.name for labeler in self.labelers]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"a name for each labeler; {repeated} stand more than once")
        return self

    @model_validator(mode="after")
    def _group_of_images(self) -> "Dataset":
        group = self.ingestion.group_column
        if self.modality == "image" and group not in (None, "folder"):
            raise ValueError(
                f"images have no columns: ingestion.group_column 'folder', not {group!r}"
            )
        return self

    @model_validator(mode="after")
    def _terms_to_find(self) -> "Dataset":
        stated = any(concept.terms for concept in self.ontology.classes)
        faults = []
        for i, spec in enumerate(self.labelers):
            if isinstance(spec, OntologyLabeler) and self.modality == "image":
                expected = "another kind: images hold no terms"
                faults.append(unfit(("labelers", i, "kind"), spec.kind, expected))
            elif isinstance(spec, OntologyLabeler) and not (stated or spec.match_names):
                expected = "true, or terms of some class: there are none to find"
                faults.append(unfit(("labelers", i, "match_names"), spec.match_names, expected))
        if faults:
            raise ValidationError.from_exception_data("Dataset", faults)
        return self

    @model_validator(mode="after")
    def _texts_to_read(self) -> "Dataset":
        expected = "another kind: language models are shown texts here, no images"
        faults = [
            unfit(("labelers", i, "kind"), spec.kind, expected)
            for i, spec in enumerate(self.labelers)
            if isinstance(spec, LanguageModelLabeler) and self.modality == "image"
        ]
        if faults:
            raise ValidationError.from_exception_data("Dataset", faults)
        return self

    @model_validator(mode="after")
    def _of_one_task(self) -> "Dataset":
        expected = task_fault(self.task, self.modality, self.classes, self.labelers, self.synthetic)
        if expected:
            raise ValueError(expected)
        return self

    @property
    def has_regions(self) -> bool:
        """Whether a label is a set of boxes or spans rather than one class."""
        return self.task != "classification"

    @property
    def carries(self) -> ClassMapping:
        """What votes of older versions of the ontology say now."""
        found = self.ontology.carries
        if not self.has_regions:
            return found
        return RegionMapping(found.version, found.classes, found.older)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the ontology's order."""
        return self.ontology.names
