"""Imbalance, for every kind that learns: weights and rows before it, where to decide after it."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.dataset_file.labelers import TrainedLabeler
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import ModelUntrusted
from assets.labelers.interface import (
    Ballots,
    LabelerInput,
    Model,
    Probabilities,
    Progress,
    Trainer,
    no_progress,
)
from assets.labelers.model_files import version_of
from assets.labelers.model_votes import model_votes
from assets.labelers.training_data import training_data
from assets.recipe import canonical_json
from quality.balance.decision import moved, prior_factors, tuned_factors
from quality.balance.training import class_weights, sampled

BALANCE = "balance.json"
SETTINGS = ("class_weights", "sampling", "decision")
FEWEST_TUNED = 20
"""With fewer labels in the valid split, decisions are not tuned."""

Floats = NDArray[np.float64]


class BalancedModel:
    """A model whose probabilities are moved, by class, before the best is taken."""

    def __init__(self, section: TrainedLabeler, model: Model, told: Mapping[str, Any]) -> None:
        self._section = section
        self._model = model
        self._told = dict(told)
        self._factors = np.array([told["factors"][name] for name in model.classes])
        self.version = version_of(self.dump())

    @property
    def actors(self) -> Mapping[str, str]:
        """Version of the one actor."""
        return dict.fromkeys(self._model.actors, self.version)

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes in the order of the probabilities."""
        return self._model.classes

    @property
    def trained_on(self) -> str | None:
        """The release it learned from."""
        return self._model.trained_on

    @property
    def card(self) -> Mapping[str, Any]:
        """What it was made of; `balance` is what was done about rare classes."""
        return {**self._model.card, "balance": self._told}

    def predict_proba(self, features: FeatureMatrix) -> Probabilities:
        """The model's probabilities [n, K] by each class's factor."""
        return moved(self._model.predict_proba(features), self._factors)

    def vote(self, items: LabelerInput) -> Ballots:
        """One vote an item."""
        (actor,) = self.actors
        return model_votes(self, actor, items, vote_above=self._section.vote_above)

    def dump(self) -> dict[str, bytes]:
        """The model as files."""
        return {**self._model.dump(), BALANCE: canonical_json(self._told)}

    def tuned(self, features: FeatureMatrix, labels: Sequence[str]) -> "BalancedModel":
        """The same model, deciding where macro-F1 on items that it did not learn is best.

        Any setting but `decision: tuned` keeps the model as it is; so do too few labels.
        """
        if self._section.decision != "tuned":
            return self
        told = {**self._told, "tuned_on": len(labels)}
        if len(labels) >= FEWEST_TUNED:
            truth = np.array([self.classes.index(label) for label in labels])
            found = tuned_factors(self._model.predict_proba(features), truth)
            told["factors"] = dict(zip(self.classes, found.round(6).tolist(), strict=True))
        else:
            note = f"{len(labels)} labels in the valid split, {FEWEST_TUNED} are needed to tune"
            told["notes"] = [note]
        return BalancedModel(self._section, self._model, told)


class BalancedTrainer:
    """A trainer of any kind, with what its section says of rare classes."""

    def __init__(self, section: TrainedLabeler, trainer: Trainer) -> None:
        self._section = section
        self._trainer = trainer

    @property
    def actor(self) -> str:
        """Who its models vote as."""
        return self._trainer.actor

    def fit(
        self,
        features: FeatureMatrix,
        labels: Sequence[str],
        *,
        classes: Sequence[str],
        weights: Sequence[float] | None = None,
        seed: int | None = None,
        trained_on: str | None = None,
        unlabeled: FeatureMatrix | None = None,
        progress: Progress = no_progress,
    ) -> Model:
        """The model of the trainer, given rows and weights by class; as it is without settings.

        Raises:
            TrainingFailed: says what is wrong with the data or the settings.
        """
        section, seed = self._section, self._section.seed if seed is None else seed
        settled = partial(
            self._trainer.fit,
            classes=classes,
            seed=seed,
            trained_on=trained_on,
            unlabeled=unlabeled,
            progress=progress,
        )
        if _leaves_all_as_it_is(section):
            return settled(features, labels, weights=weights)
        data = training_data(section.name, features, labels, classes=classes, weights=weights)
        codes, n_classes = data.present[data.codes], len(classes)
        own = np.ones(len(codes)) if data.weights is None else data.weights
        rows = sampled(codes, section.sampling, seed)
        by_class = class_weights(_mass(codes[rows], own[rows], n_classes), section.class_weights)
        learned = own[rows] * by_class[codes[rows]]
        # An estimator that takes no weights is not to fail for weights that are all 1.
        alike = data.weights is None and section.class_weights == "none"
        model = settled(
            features.take(rows),
            [labels[row] for row in rows],
            weights=None if alike else learned.tolist(),
        )
        factors = _factors(
            section, _mass(codes, own, n_classes), _mass(codes[rows], learned, n_classes)
        )
        told = {
            **{name: getattr(section, name) for name in SETTINGS},
            "rows": len(rows),
            "weights": dict(zip(classes, by_class.round(6).tolist(), strict=True)),
            "factors": dict(zip(classes, factors.round(6).tolist(), strict=True)),
            "notes": [],
        }
        return BalancedModel(section, model, told)

    def load(self, files: Mapping[str, bytes], *, version: str) -> Model:
        """The model that was stored as these files, deciding as it did.

        Raises:
            ModelUntrusted: the files are not this version.
            ModelUnreadable: other library versions made the model.
        """
        if BALANCE not in files:
            return self._trainer.load(files, version=version)
        actual = version_of(files)
        if actual != version:
            raise ModelUntrusted(self._section.name, version, actual)
        inner = {name: content for name, content in files.items() if name != BALANCE}
        model = self._trainer.load(inner, version=version_of(inner))
        return BalancedModel(self._section, model, json.loads(files[BALANCE]))


def tuned(model: Model, features: FeatureMatrix, labels: Sequence[str]) -> Model:
    """A model that decides as its section says, given the labels of the valid split."""
    return model.tuned(features, labels) if isinstance(model, BalancedModel) else model


def _leaves_all_as_it_is(section: TrainedLabeler) -> bool:
    return [getattr(section, name) for name in SETTINGS] == ["none", "none", "argmax"]


def _mass(codes: NDArray[np.int64], weights: Floats, n_classes: int) -> Floats:
    """Sum of the weights of each class [K]."""
    return np.bincount(codes, weights, minlength=n_classes).astype(np.float64)


def _factors(section: TrainedLabeler, natural: Floats, learned: Floats) -> Floats:
    """Factors of the decision that follow from the class shares alone."""
    share = learned / learned.sum()
    if section.decision == "label_shares":
        return prior_factors(share, natural / natural.sum())
    if section.decision == "even":
        return prior_factors(share, np.full(len(share), 1 / np.count_nonzero(share)))
    return np.ones(len(share))
