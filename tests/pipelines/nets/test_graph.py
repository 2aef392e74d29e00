"""What the OpenVINO form of a network refuses; that it computes the same is tested with the engines."""

from __future__ import annotations

import pytest
from torch import nn

from pipelines.core.errors import ModelError
from pipelines.nets.backbones import Grader
from pipelines.nets.graph import openvino_model


def test_a_layer_without_an_openvino_form_is_named() -> None:
    with pytest.raises(ModelError, match="GELU"):
        openvino_model(Grader([nn.Sequential(nn.GELU())], 3, 2), 32)


def test_a_convolution_without_normalisation_is_not_read_as_one_with() -> None:
    with pytest.raises(ModelError, match="Conv2d"):
        openvino_model(Grader([nn.Sequential(nn.Conv2d(3, 3, 1))], 3, 2), 32)


def test_a_normalisation_without_a_convolution_is_not_dropped() -> None:
    with pytest.raises(ModelError, match="BatchNorm2d"):
        openvino_model(Grader([nn.Sequential(nn.BatchNorm2d(3))], 3, 2), 32)
