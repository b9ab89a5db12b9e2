"""Encoders that were fine-tuned, as stored: what changed, in safetensors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assets.dataset_file.pretrained import PretrainedLabeler as Section
from assets.encoders.opening import OpenEncoder
from assets.features.matrix import FeatureMatrix
from assets.labelers.errors import ModelUnreadable, TrainingFailed
from assets.labelers.interface import Progress
from assets.labelers.torch import device_of
from assets.labelers.training_data import TrainingData
from quality.transfer.probe import Codes, Floats, fit_probe

if TYPE_CHECKING:
    from torch import Tensor, nn

    from assets.labelers.fine_tuning import Classifier, Schedule

SETTINGS = ("epochs", "batch_size", "learning_rate", "scratch_learning_rate", "weight_decay")


class Tuned:
    """A fine-tuned encoder with its head."""

    def __init__(
        self, section: Section, root: Path, weights: bytes, manifest: Mapping[str, Any]
    ) -> None:
        """Put what was learned onto the encoder.

        Raises:
            EncoderError: the encoder cannot be used.
            ModelUnreadable: it is another encoder than that which was trained.
        """
        from safetensors.torch import load

        from assets.labelers.fine_tuning import Classifier

        encoder = OpenEncoder(section.encoder, root)
        if encoder.version != manifest["encoder_version"]:
            raise ModelUnreadable(section.name, "the encoder is not the one that was trained")
        fresh = manifest["strategy"] == "scratch"
        with _chance(0):
            network = encoder.network(fresh=fresh)
            classifier = Classifier(network, manifest["width"], len(manifest["present"]))
        try:
            classifier.load_state_dict(classifier.state_dict() | load(weights))
        except RuntimeError as error:
            raise ModelUnreadable(section.name, f"weights do not fit: {error}") from error
        self._classifier = classifier
        self._device = device_of(section)

    def predict_proba(self, inputs: NDArray[np.float32]) -> Floats:
        """Probabilities [n, K] of the classes that it was trained on."""
        return self._classifier.predict_proba(inputs, self._device)


def tuned(
    section: Section,
    root: Path,
    strategy: str,
    data: TrainingData,
    split: int,
    *,
    seed: int,
    progress: Progress,
) -> tuple[bytes, dict[str, Any]]:
    """What fine-tuning changed, as safetensors, and facts for the card.

    Args:
        section: How to train.
        root: The project's folder.
        strategy: partial, full or scratch.
        data: Embeddings, if there are any, and inputs of the encoder, side by side.
        split: How many of the columns are embeddings.
        seed: Where all chance comes from.
        progress: Told in epochs.

    Raises:
        TrainingFailed: says what is wrong with the data or the settings.
        EncoderError: the encoder cannot be used.
    """
    from safetensors.torch import save

    from assets.labelers.fine_tuning import TooManyFrozen, freeze, tune
    from assets.labelers.perceptron import Diverged

    encoder = OpenEncoder(section.encoder, root)
    inputs = np.ascontiguousarray(data.matrix[:, split:])
    fresh = strategy == "scratch"
    schedule = _schedule(section, strategy, seed)
    with _chance(seed):
        classifier = _started(section, encoder, data, split, fresh=fresh, seed=seed)
        before = {} if fresh else _copied(classifier.encoder, "encoder.")
        try:
            kept = freeze(classifier.encoder, section.frozen_layers) if strategy == "partial" else 0
            tune(
                classifier,
                inputs,
                data.codes,
                data.weights,
                schedule=schedule,
                progress=progress,
            )
        except TooManyFrozen as error:
            raise TrainingFailed(section.name, str(error)) from error
        except Diverged as error:
            reason = f"{error}; lower learning_rate, which is {schedule.learning_rate:g}"
            raise TrainingFailed(section.name, reason) from error
    after = {k: v.cpu().contiguous() for k, v in classifier.state_dict().items()}
    changed = {k: v for k, v in after.items() if k not in before or not v.equal(before[k])}
    told = {name: getattr(section, name) for name in SETTINGS}
    told |= {"encoder_version": encoder.version, "width": encoder.width, "frozen_layers": kept}
    content: bytes = save(changed)
    return content, {**told, "device": schedule.device}


def embedding_columns(features: FeatureMatrix) -> int:
    """How many of the columns are embeddings; the inputs of the encoder stand behind them."""
    return sum(name.startswith("embedding") for name in features.names)


def _schedule(section: Section, strategy: str, seed: int) -> "Schedule":
    from assets.labelers.fine_tuning import Schedule

    fresh = strategy == "scratch"
    return Schedule(
        epochs=section.epochs,
        batch_size=section.batch_size,
        learning_rate=section.scratch_learning_rate if fresh else section.learning_rate,
        weight_decay=section.weight_decay,
        seed=seed,
        device=device_of(section),
        fresh=fresh,
    )


def _started(
    section: Section,
    encoder: OpenEncoder,
    data: TrainingData,
    split: int,
    *,
    fresh: bool,
    seed: int,
) -> "Classifier":
    """The classifier before training: its head is a probe, unless it starts from nothing."""
    from assets.encoders.networks import embedded
    from assets.labelers.fine_tuning import Classifier

    network = encoder.network(fresh=fresh)
    classifier = Classifier(network, encoder.width, int(data.codes.max()) + 1)
    if not fresh:
        rows = data.matrix[:, :split]
        if not split:
            rows = embedded(network, data.matrix, device_of(section))
        codes: Codes = data.codes
        classifier.start_from(fit_probe(rows, codes, seed=seed, weights=data.weights))
    return classifier


def _copied(network: "nn.Module", prefix: str) -> "dict[str, Tensor]":
    return {prefix + name: value.clone() for name, value in network.state_dict().items()}


@contextmanager
def _chance(seed: int) -> Iterator[None]:
    """Torch's generators at a seed; afterwards they are as they were before."""
    import torch

    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield
