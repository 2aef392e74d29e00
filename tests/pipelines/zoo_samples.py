"""Small bundles in the form of the model zoo, with random weights, made in the test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.networks.nets.densenet import DenseNet
from monai.networks.nets.regressor import Regressor
from monai.networks.nets.unet import UNet
from torch import nn

Json = dict[str, Any]
DEVICE = "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')"

#: Everything around the network that zoo bundles carry and that serving needs none of.
AROUND: Json = {
    "imports": ["$import glob", "$import os"],
    "bundle_root": ".",
    "output_dir": "$@bundle_root + '/eval'",
    "dataset_dir": "/workspace/data/Task09_Spleen",
    "datalist": "$list(sorted(glob.glob(@dataset_dir + '/imagesTs/*.nii.gz')))",
    "device": DEVICE,
    "network": "$@network_def.to(@device)",
    "dataset": {"_target_": "Dataset", "data": "$[{'image': i} for i in @datalist]", "transform": "@preprocessing"},
    "checkpointloader": {
        "_target_": "CheckpointLoader",
        "load_path": "$@bundle_root + '/models/model.pt'",
        "load_dict": {"model": "@network"},
    },
    "evaluator": {"_target_": "SupervisedEvaluator", "network": "@network", "inferer": "@inferer", "amp": True},
    "initialize": ["$monai.utils.set_determinism(seed=123)", "$@checkpointloader(@evaluator)"],
    "run": ["$@evaluator.run()"],
}

_UNET: Json = {
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "channels": [4, 8],
    "strides": [2],
    "norm": "batch",
}
#: A 3D U-Net with every step that zoo segmentations have.
SEGMENTATION: Json = AROUND | {
    "pixdim": "$[2.0, 2.0, 2.0] if @highres else [3.0, 3.0, 3.0]",
    "highres": True,
    "network_def": {"_target_": "UNet", **_UNET},
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "image"},
            {"_target_": "EnsureChannelFirstd", "keys": "image"},
            {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
            {"_target_": "Spacingd", "keys": "image", "pixdim": "@pixdim", "mode": "bilinear"},
            {
                "_target_": "ScaleIntensityRanged",
                "keys": "image",
                "a_min": 0,
                "a_max": 100,
                "b_min": 0,
                "b_max": 1,
                "clip": True,
            },
            {"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "allow_smaller": True},
            {"_target_": "EnsureTyped", "keys": "image"},
        ],
    },
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16], "sw_batch_size": 2, "overlap": 0.5},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {
                "_target_": "Invertd",
                "keys": "pred",
                "transform": "@preprocessing",
                "orig_keys": "image",
                "nearest_interp": False,
                "to_tensor": True,
            },
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
            {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir"},
        ],
    },
}

_DENSENET: Json = {"init_features": 4, "growth_rate": 2, "block_config": [1, 1, 1, 1], "in_channels": 1}
_RESIZED: list[Json] = [
    {"_target_": "LoadImaged", "keys": "image"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
    {"_target_": "ScaleIntensityd", "keys": "image"},
]
#: A 2D classification, as breast density or endoscopy frames.
CLASSIFICATION: Json = AROUND | {
    "network_def": {"_target_": "DenseNet", "spatial_dims": 2, "out_channels": 3, **_DENSENET},
    "transforms": [*_RESIZED, {"_target_": "Resized", "keys": "image", "spatial_size": [32, 32]}],
    "preprocessing": {"_target_": "Compose", "transforms": "$@transforms"},
    "inferer": {"_target_": "SimpleInferer"},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [{"_target_": "Activationsd", "keys": "pred", "softmax": True}],
    },
}

#: Numbers from a volume.
REGRESSION: Json = AROUND | {
    "size": [16, 16, 16],
    "network_def": {
        "_target_": "monai.networks.nets.Regressor",
        "in_shape": [1, 16, 16, 16],
        "out_shape": [2],
        "channels": [2, 4],
        "strides": [2, 2],
    },
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [*_RESIZED, {"_target_": "Resized", "keys": "image", "spatial_size": "@size"}],
    },
    "inferer": {"_target_": "SimpleInferer"},
    "postprocessing": {"_target_": "Compose", "transforms": [{"_target_": "EnsureTyped", "keys": "pred"}]},
}


def metadata(inputs: Json, outputs: Json, **more: object) -> Json:
    """configs/metadata.json of a zoo bundle."""
    return {
        "schema": "https://example.org/meta_schema_20220324.json",
        "version": "0.2.0",
        "monai_version": "1.0.0",
        "pytorch_version": "1.12.0",
        "numpy_version": "1.22.4",
        "optional_packages_version": {"nibabel": "4.0.1", "pytorch-ignite": "0.4.9"},
        "task": "A test",
        "description": "Random weights",
        "eval_metrics": {"mean_dice": 0.5},
        "network_data_format": {
            "inputs": {"image": {"type": "image", "num_channels": 1, "dtype": "float32", **inputs}},
            "outputs": {"pred": {"dtype": "float32", "value_range": [0, 1], **outputs}},
        },
        **more,
    }


SEGMENTATION_METADATA = metadata(
    {"format": "magnitude", "modality": "MR", "spatial_shape": [16, 16, 16], "is_patch_data": True},
    {
        "type": "image",
        "format": "segmentation",
        "num_channels": 3,
        "spatial_shape": [16, 16, 16],
        "channel_def": {"0": "background", "1": "spleen", "2": "odd thing"},
    },
)
CLASSIFICATION_METADATA = metadata(
    {"format": "magnitude", "modality": "Mammogram", "spatial_shape": [32, 32]},
    {"type": "probabilities", "format": "classes", "num_channels": 3, "channel_def": {"0": "A", "1": "B", "2": "C"}},
)
REGRESSION_METADATA = metadata(
    {"format": "magnitude", "modality": "MR", "spatial_shape": [16, 16, 16]},
    {"type": "tuples", "format": "magnitude", "num_channels": 2, "channel_def": {"0": "age", "1": "thickness"}},
)


def write_bundle(folder: Path, inference: Mapping[str, Any], facts: Mapping[str, Any], network: nn.Module) -> Path:
    """A bundle's folder with the network's weights as a state dict."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "docs").mkdir()
    (folder / "configs" / "inference.json").write_text(json.dumps(inference))
    (folder / "configs" / "metadata.json").write_text(json.dumps(facts))
    (folder / "docs" / "README.md").write_text("# A test bundle\n")
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder


def unet() -> nn.Module:
    """The segmentation's network with repeatable weights, loud enough for three structures to appear."""
    torch.manual_seed(5)
    return UNet(spatial_dims=3, in_channels=1, out_channels=3, channels=(4, 8), strides=(2,), norm="batch")


def densenet() -> nn.Module:
    """The classification's network with repeatable weights."""
    torch.manual_seed(6)
    return DenseNet(
        spatial_dims=2, out_channels=3, in_channels=1, init_features=4, growth_rate=2, block_config=(1, 1, 1, 1)
    )


def regressor() -> nn.Module:
    """The regression's network with repeatable weights."""
    torch.manual_seed(7)
    return Regressor(in_shape=(1, 16, 16, 16), out_shape=(2,), channels=(2, 4), strides=(2, 2))


def segmentation(folder: Path) -> Path:
    """The segmentation bundle."""
    return write_bundle(folder, SEGMENTATION, SEGMENTATION_METADATA, unet())


def classification(folder: Path) -> Path:
    """The classification bundle."""
    return write_bundle(folder, CLASSIFICATION, CLASSIFICATION_METADATA, densenet())


def regression(folder: Path) -> Path:
    """The regression bundle."""
    return write_bundle(folder, REGRESSION, REGRESSION_METADATA, regressor())
