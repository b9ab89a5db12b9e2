"""The kinds of labelers; a new kind is a module, a line here, and a section in the models."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from assets.dataset_file.labelers import LabelerBase, TrainedLabeler
from assets.labelers.balance import BalancedTrainer
from assets.labelers.errors import KindUnknown
from assets.labelers.interface import Labeler, Trainer

FACTORIES = {
    "functions": "assets.labelers.functions:FunctionsLabeler",
    "fixmatch": "assets.labelers.fixmatch:FixMatchTrainer",
    "label_spreading": "assets.labelers.label_spreading:LabelSpreadingTrainer",
    "ontology": "assets.labelers.ontology:OntologyLabeler",
    "pretrained": "assets.labelers.pretrained:PretrainedTrainer",
    "self_training": "assets.labelers.self_training:SelfTrainingTrainer",
    "sklearn": "assets.labelers.sklearn:SklearnTrainer",
    "llm": "assets.labelers.llm.labeler:LanguageModel",
    "torch": "assets.labelers.torch:TorchTrainer",
    "zero_shot": "assets.labelers.zero_shot:ZeroShotLabeler",
    "coco_results": "assets.labelers.coco_results:CocoResults",
    "span_predictions": "assets.labelers.span_predictions:SpanPredictions",
}


def make(spec: LabelerBase, root: Path) -> Labeler | Trainer:
    """What a labeler's section of the dataset file describes: who votes, or who learns to.

    Args:
        spec: The section.
        root: The project's folder.

    Raises:
        LabelerError: the section cannot be made to work.
    """
    kind: str = getattr(spec, "kind", "")
    if kind not in FACTORIES:
        raise KindUnknown(spec.name, kind, FACTORIES)
    module, name = FACTORIES[kind].split(":")
    factory: Callable[[Any, Path], Labeler | Trainer] = getattr(import_module(module), name)
    made = factory(spec, root)
    if isinstance(spec, TrainedLabeler) and isinstance(made, Trainer):
        return BalancedTrainer(spec, made)
    return made
