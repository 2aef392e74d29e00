"""Bundles opened and run: like MONAI's own run of the same files, and nothing else that a folder may hold."""

from __future__ import annotations

import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data.utils import decollate_batch, list_data_collate
from monai.networks.nets.unet import UNet
from numpy.typing import NDArray
from torch import nn

from pipelines.core.errors import BundleRefused
from pipelines.core.zoo import Task
from pipelines.nets.zoo_check import Wishes
from pipelines.nets.zoo_folder import open_folder
from pipelines.nets.zoo_model import build
from pipelines.nets.zoo_open import check
from pipelines.nets.zoo_run import LocalRunner, entropy
from tests.pipelines import zoo_samples

#: An oblique grid with its first axis to the left.
AFFINE = np.array([[-1.2, 0.1, 0, 10], [0, 1.5, 0, -20], [0.05, 0, 2.0, 5], [0, 0, 0, 1.0]])


def scan() -> NDArray[np.float32]:
    """(30, 26, 22) float32: a lopsided block of noise in nothing."""
    array = np.zeros((30, 26, 22), np.float32)
    array[6:24, 5:20, 4:18] = np.random.default_rng(1).uniform(20, 100, (18, 15, 14))
    return array


def rewritten(folder: Path, **changes: object) -> Path:
    """The bundle with other top-level keys in its inference file; None takes a key away."""
    path = folder / "configs" / "inference.json"
    told = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in told.items() if value is not None}))
    return folder


def described(folder: Path, **changes: object) -> Path:
    """The bundle with other top-level keys in its metadata."""
    path = folder / "configs" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def by_monai(folder: Path, image: Path) -> NDArray[np.float32]:
    """What MONAI itself makes of the image with the bundle's files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = ConfigParser()
        parser.read_config(str(folder / "configs" / "inference.json"))
        preprocessing, network = parser.get_parsed_content("preprocessing"), parser.get_parsed_content("network_def")
        network.load_state_dict(torch.load(folder / "models" / "model.pt", weights_only=True))
        postprocessing = parser.get_parsed_content("postprocessing")
        postprocessing.transforms = [step for step in postprocessing.transforms if type(step).__name__ != "SaveImaged"]
        batch = list_data_collate([preprocessing({"image": str(image)})])
        with torch.no_grad():
            batch["pred"] = parser.get_parsed_content("inferer")(batch["image"], network.eval())
        return np.asarray(postprocessing(decollate_batch(batch)[0])["pred"].numpy(), np.float32)


def by_us(folder: Path, array: NDArray[np.float32], affine: NDArray[np.float64]) -> NDArray[np.float32]:
    """What the runner makes of the same image."""
    runner = LocalRunner(build(open_folder(folder)), torch.device("cpu"))
    runner.prepare(0, array[None], affine)
    runner.infer(0)
    return runner.finish(0).array


@pytest.mark.parametrize("make", [zoo_samples.segmentation, zoo_samples.regression])
def test_a_volume_is_read_as_monai_reads_it(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    folder = make(tmp_path / "bundle")
    nibabel.save(nibabel.Nifti1Image(scan(), AFFINE), tmp_path / "scan.nii.gz")
    assert np.array_equal(by_us(folder, scan(), AFFINE), by_monai(folder, tmp_path / "scan.nii.gz"))


def test_a_picture_is_read_as_monai_reads_it(tmp_path: Path) -> None:
    folder = zoo_samples.classification(tmp_path / "bundle")
    nibabel.save(nibabel.Nifti1Image(scan()[:, :, 10], np.eye(4)), tmp_path / "picture.nii.gz")
    ours = by_us(folder, scan()[:, :, 10], np.eye(4))
    assert np.array_equal(ours, by_monai(folder, tmp_path / "picture.nii.gz"))


def test_labels_come_back_on_the_grid_of_the_source(tmp_path: Path) -> None:
    runner = LocalRunner(build(open_folder(zoo_samples.segmentation(tmp_path / "bundle"))), torch.device("cpu"))
    shape = runner.prepare(0, scan()[None], AFFINE)
    runner.infer(0)
    made = runner.finish(0)
    assert shape[1:] != scan().shape
    assert made.array.shape == (1, *scan().shape)
    assert made.affine is not None
    assert np.allclose(made.affine, AFFINE)
    assert set(np.unique(made.array)) == {0, 1, 2}


def test_a_run_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    torch.manual_seed(3)
    before = torch.get_rng_state()
    by_us(folder, scan(), AFFINE)
    assert torch.equal(torch.get_rng_state(), before)


def test_uncertainty_is_largest_where_all_is_equally_likely() -> None:
    even, sure = torch.full((4, 1), 0.25), torch.tensor([[1.0], [0.0], [0.0], [0.0]])
    assert entropy(even, True).item() == pytest.approx(1.0)
    assert entropy(sure, True).item() == pytest.approx(0.0)
    assert entropy(torch.tensor([[0.5], [1.0]]), False).item() == pytest.approx(1.0)


def test_the_heat_lies_on_the_grid_that_the_network_read(tmp_path: Path) -> None:
    runner = LocalRunner(build(open_folder(zoo_samples.regression(tmp_path / "bundle"))), torch.device("cpu"))
    shape = runner.prepare(0, scan()[None], AFFINE)
    runner.infer(0)
    shown = runner.explain(0)
    assert shown is not None
    assert shown.heat.shape == shape[1:]
    assert shown.heat.max() == pytest.approx(1.0)


def slices(folder: Path) -> Path:
    """A network of two dimensions that reads a volume slice by slice, in windows wider than the volume."""
    network = {
        "_target_": "UNet",
        "spatial_dims": 2,
        "in_channels": 1,
        "out_channels": 3,
        "channels": [4, 8],
        "strides": [2],
    }
    inference = zoo_samples.SEGMENTATION | {
        "network_def": network,
        "inferer": {"_target_": "SliceInferer", "roi_size": [32, 16], "spatial_dim": 2},
    }
    torch.manual_seed(8)
    unet = UNet(spatial_dims=2, in_channels=1, out_channels=3, channels=(4, 8), strides=(2,))
    facts = zoo_samples.SEGMENTATION_METADATA
    return zoo_samples.write_bundle(folder, inference, facts, unet)


def test_a_network_of_slices_reads_a_volume(tmp_path: Path) -> None:
    folder = slices(tmp_path / "bundle")
    nibabel.save(nibabel.Nifti1Image(scan(), AFFINE), tmp_path / "scan.nii.gz")
    assert np.array_equal(by_us(folder, scan(), AFFINE), by_monai(folder, tmp_path / "scan.nii.gz"))
    assert check(folder, Wishes()).dimensions == 3


def test_the_heat_of_a_network_of_slices_lies_in_one_slice(tmp_path: Path) -> None:
    runner = LocalRunner(build(open_folder(slices(tmp_path / "bundle"))), torch.device("cpu"))
    shape = runner.prepare(0, scan()[None], AFFINE)
    runner.infer(0)
    shown = runner.explain(0)
    assert shown is not None
    assert shown.heat.shape == shape[1:]
    assert int(shown.heat.any(axis=(0, 1)).sum()) == 1


def test_a_bundle_is_described_by_its_metadata(tmp_path: Path) -> None:
    found = check(zoo_samples.segmentation(tmp_path / "spleen_like"), Wishes())
    assert (found.name, found.version, found.task, found.dimensions) == ("spleen_like", "0.2.0", Task.SEGMENTATION, 3)
    assert found.structures == {0: "background", 1: "spleen", 2: "odd thing"}
    assert found.entry().on_request


def test_a_yaml_bundle_is_a_bundle(tmp_path: Path) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    path = folder / "configs" / "inference.json"
    path.rename(path.with_suffix(".yaml"))  # JSON is YAML
    assert check(folder, Wishes()).task is Task.SEGMENTATION


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (
            lambda folder: rewritten(folder, inferer=None, postprocessing=None),
            "bundle_key_missing",
            "inferer, postproc",
        ),
        (lambda folder: (folder / "models" / "model.pt").unlink(), "bundle_key_missing", "models/model.pt"),
        (lambda folder: (folder / "configs" / "inference.json").unlink(), "bundle_key_missing", "inference.json"),
        (lambda folder: described(folder, network_data_format={}), "bundle_key_missing", "network_data_format#inputs"),
        (
            lambda folder: described(folder, required_packages_version={"leftpad": "1.0"}),
            "bundle_package_missing",
            "leftpad 1.0",
        ),
        (lambda folder: described(folder, monai_version="99.1"), "bundle_package_missing", "MONAI 99.1"),
        (
            lambda folder: rewritten(
                folder, preprocessing={"_target_": "Compose", "transforms": "$@steps", "steps": 1}
            ),
            "bundle_key_missing",
            "steps",
        ),
        (
            lambda folder: rewritten(folder, network_def={"_target_": "scripts.net.Mine"}),
            "bundle_name_refused",
            "scripts.net.Mine",
        ),
        (
            lambda folder: (folder / "models" / "model.pt").rename(folder / "models" / "model.ts"),
            "bundle_needs_trust",
            "--trust",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_name(
    tmp_path: Path, spoil: Callable[[Path], object], code: str, said: str
) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    spoil(folder)
    with pytest.raises(BundleRefused, match=said.replace(".", r"\.")) as refusal:
        check(folder, Wishes())
    assert refusal.value.code == code


def test_a_bundle_of_several_images_is_refused(tmp_path: Path) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    steps = {"_target_": "Compose", "transforms": [{"_target_": "LoadImaged", "keys": ["t1", "flair"]}]}
    with pytest.raises(BundleRefused, match="t1, flair"):
        check(rewritten(folder, preprocessing=steps), Wishes())


def test_channels_without_a_name_are_refused(tmp_path: Path) -> None:
    folder = zoo_samples.write_bundle(
        tmp_path / "bundle",
        zoo_samples.SEGMENTATION,
        zoo_samples.metadata(
            {"modality": "MR", "spatial_shape": [16, 16, 16]},
            {
                "type": "image",
                "format": "segmentation",
                "num_channels": 2,
                "channel_def": {"0": "background", "1": "x"},
            },
        ),
        zoo_samples.unet(),
    )
    with pytest.raises(BundleRefused) as refusal:
        check(folder, Wishes())
    assert refusal.value.code == "bundle_output_mismatch"


class Payload:
    """Unpickles into a command, if anybody unpickles it."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch escaped",)


def poisoned(path: Path) -> None:
    """A weights file whose pickle runs a command."""
    torch.save({"state": Payload()}, path)


def pickled(path: Path) -> None:
    """A weights file that is a pickle of the old kind."""
    path.write_bytes(pickle.dumps(Payload()))


def whole_module(path: Path) -> None:
    """A weights file that holds a module, not its weights."""
    torch.save(nn.Linear(1, 1), path)


def bomb(path: Path) -> None:
    """A weights file that is small and unpacks to a hundred megabytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", b"\0" * 100_000_000)


def others(path: Path) -> None:
    """The weights of another network."""
    torch.save(zoo_samples.densenet().state_dict(), path)


@pytest.mark.parametrize("write", [poisoned, pickled, whole_module, bomb, others, lambda path: path.write_bytes(b"")])
def test_only_the_networks_weights_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], Any]
) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    write(folder / "models" / "model.pt")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleRefused) as refusal:
        build(open_folder(folder))
    assert refusal.value.code == "bundle_weights_refused"
    assert not (tmp_path / "escaped").exists()


def test_a_checkpoint_of_more_than_the_network_gives_the_network(tmp_path: Path) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    torch.save({"model": zoo_samples.unet().state_dict(), "epoch": 7}, folder / "models" / "model.pt")
    held, wanted = build(open_folder(folder)).network.state_dict(), zoo_samples.unet().state_dict()
    assert all(torch.equal(held[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("place", ["models/model.ts", "scripts", "configs/train.json"])
def test_a_link_in_the_folder_is_refused(tmp_path: Path, place: str) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    (folder / place).symlink_to("/etc")
    with pytest.raises(BundleRefused) as refusal:
        open_folder(folder)
    assert refusal.value.code == "bundle_link"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: !!python/object/apply:os.system ['true']", "bundle_yaml_tag"),
        ("a: !include /etc/passwd", "bundle_yaml_tag"),
        ("[" * 5000, "bundle_too_large"),
        ("- a list", "bundle_unreadable"),
        ("\x00", "bundle_unreadable"),
    ],
)
def test_yaml_that_is_more_than_values_is_refused(tmp_path: Path, text: str, code: str) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    (folder / "configs" / "inference.json").unlink()
    (folder / "configs" / "inference.yaml").write_text(text)
    with pytest.raises(BundleRefused) as refusal:
        open_folder(folder)
    assert refusal.value.code == code


@pytest.mark.parametrize("text", ["{" * 100_000, '{"version": "1", "x": NaN}', '{"version": "1", "x": "\\u0000"}'])
def test_metadata_that_no_database_takes_is_refused(tmp_path: Path, text: str) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    (folder / "configs" / "metadata.json").write_text(text)
    with pytest.raises(BundleRefused):
        open_folder(folder)
