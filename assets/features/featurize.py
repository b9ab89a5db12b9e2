"""From items to the features that the dataset file asks for."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl

from assets.dataset_file.features import OF_ENCODERS
from assets.dataset_file.models import Dataset
from assets.encoders.opening import OpenEncoder
from assets.features.columns import columns, encoded_columns
from assets.features.encoded import encoded
from assets.features.errors import FeaturesMismatch
from assets.features.matrix import FeatureMatrix
from assets.features.ngrams import hashed_ngrams
from assets.features.pixels import pixels
from assets.features.workspace import NOWHERE, Workspace

KINDS = {"image": "pixels", "text": "hashed_ngrams", "tabular": "columns"}
MODULES = {"pixels": ("pixels", "pictures"), "hashed_ngrams": ("ngrams",), "columns": ("columns",)}


def featurize(
    items: pl.DataFrame,
    dataset: Dataset,
    media: Callable[[str], bytes],
    workspace: Workspace = NOWHERE,
) -> FeatureMatrix:
    """Features of items; an item's row depends on its content and the dataset file alone.

    Args:
        items: Rows of the items table: item_id, content, uri.
        dataset: Its `features` and `ingestion` say how.
        media: Bytes of an image, by uri.
        workspace: Where encoders are, and where embeddings are kept.

    Raises:
        FeaturesMismatch: this kind of features cannot be made of these items.
        ItemUnreadable: an image cannot be decoded.
        EncoderError: the encoder cannot be used.
    """
    kind = kind_of(dataset)
    spec = dataset.features
    if spec.encoder is not None and kind in OF_ENCODERS:
        encoder = OpenEncoder(spec.encoder, workspace.root, dataset.modality)
        made, names = encoded(items, kind, encoder, media, workspace)
        version = _version_of_encoded(kind, encoder)
        return FeatureMatrix(tuple(items["item_id"]), tuple(names), made, kind, version)
    if kind == "pixels":
        matrix = pixels(items, media, side=spec.image_side)
        names = [f"y{y}x{x}" for y in range(spec.image_side) for x in range(spec.image_side)]
    elif kind == "hashed_ngrams":
        matrix = hashed_ngrams(items["content"], dimensions=spec.dimensions)
        names = [f"hash{index}" for index in range(spec.dimensions)]
    else:
        wanted = columns(items["content"], dataset)
        matrix, names = encoded_columns(items["content"], wanted, buckets=spec.category_buckets)
    version = features_version(dataset)
    return FeatureMatrix(tuple(items["item_id"]), tuple(names), matrix, kind, version)


def kind_of(dataset: Dataset) -> str:
    """The kind of features that a dataset has.

    Raises:
        FeaturesMismatch: its modality has no such features.
    """
    kind = KINDS[dataset.modality] if dataset.features.kind == "auto" else dataset.features.kind
    if kind in OF_ENCODERS and dataset.modality != "tabular":
        return kind
    if kind != KINDS[dataset.modality]:
        raise FeaturesMismatch(kind, dataset.modality)
    return kind


def features_version(dataset: Dataset, workspace: Workspace = NOWHERE) -> str:
    """Digest of the code and of the settings that the features depend on; of an encoder, too."""
    kind = kind_of(dataset)
    spec = dataset.features
    if spec.encoder is not None and kind in OF_ENCODERS:
        encoder = OpenEncoder(spec.encoder, workspace.root, dataset.modality)
        return _version_of_encoded(kind, encoder)
    settings = {
        "pixels": {"side": spec.image_side},
        "hashed_ngrams": {"dimensions": spec.dimensions},
        "columns": {
            "columns": dataset.ingestion.feature_columns,
            "categorical": dataset.ingestion.categorical_columns,
            "buckets": spec.category_buckets,
        },
    }[kind]
    digest = hashlib.sha256(json.dumps([kind, settings], sort_keys=True).encode())
    for name in MODULES[kind]:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()


def _version_of_encoded(kind: str, encoder: OpenEncoder) -> str:
    return hashlib.sha256(f"{kind} {encoder.version}".encode()).hexdigest()
