"""Engines: one network, run by PyTorch or OpenVINO in float32, with the feature map as a second output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from pipelines.core.errors import ModelError
from pipelines.nets.backbones import Grader
from pipelines.nets.bundle import HEAD, Bundle, build_network
from pipelines.nets.graph import openvino_model

Images = NDArray[np.float32]
#: A CPU's caches end here: on two cores 4 images of 448 px take 36-38 ms each, as one does, 8 take 40-47 ms each.
CPU_BATCH: Final = 4
#: A GPU fills with some dozen images; more would only wait longer for each other.
GPU_BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class EngineOutput:
    """`logits` (n, k) float32 and `features` (n, c, h', w') float32, the last convolutional activation."""

    logits: NDArray[np.float32]
    features: NDArray[np.float32]


class Engine(Protocol):
    """Runs a bundle's network; the attributes go into the receipt."""

    name: str
    version: str
    precision: str
    device: str
    threads: int
    batch: int  #: images a pass takes where many wait

    def run(self, images: Images) -> EngineOutput:
        """(n, 3, h, w) float32, normalised -> logits and features."""
        ...


class TorchEngine:
    """PyTorch in eager mode, float32 on a CPU and (without TF32) on a GPU."""

    name = "torch"
    precision = "float32"

    def __init__(self, network: Grader, device: str) -> None:
        """Move `network` to `device`, "cpu" or "cuda"."""
        self.version = str(torch.__version__)
        self.device = device
        self.threads = torch.get_num_threads()
        self.batch = GPU_BATCH if device == "cuda" else CPU_BATCH
        self._network = network.to(device)

    def run(self, images: Images) -> EngineOutput:
        """(n, 3, h, w) float32 -> logits and features; the random state is not touched."""
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False, deterministic=True):
            logits, features = self._network(torch.from_numpy(images).to(self.device))
        return EngineOutput(logits.cpu().numpy(), features.cpu().numpy())


class OpenVinoEngine:
    """OpenVINO on the CPU in float32; left to itself it would choose bfloat16 and change some grades."""

    name = "openvino"
    precision = "float32"
    device = "cpu"
    batch = CPU_BATCH

    def __init__(self, network: Grader, size: int) -> None:
        """Convert `network` for any batch of (3, size, size) images."""
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        self._compiled = openvino.Core().compile_model(openvino_model(network, size), "CPU", settings)
        self.version = str(openvino.__version__)
        self.threads = int(self._compiled.get_property("INFERENCE_NUM_THREADS"))

    def run(self, images: Images) -> EngineOutput:
        """(n, 3, h, w) float32 -> logits and features."""
        answer = self._compiled(images)
        return EngineOutput(np.array(answer[0]), np.array(answer[1]))


def torch_engine(bundle: Bundle, device: str = "cpu") -> Engine:
    """PyTorch on `device`; raises ModelError for a GPU that is not there."""
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("no CUDA device is available")
    return TorchEngine(build_network(bundle), device)


def openvino_engine(bundle: Bundle) -> Engine:
    """OpenVINO on the CPU, float32."""
    return OpenVinoEngine(build_network(bundle), int(bundle.inference["input_size"]))


def choose_engine(bundle: Bundle) -> Engine:
    """PyTorch on a GPU where there is one, else OpenVINO."""
    return torch_engine(bundle, "cuda") if torch.cuda.is_available() else openvino_engine(bundle)


def head_weights(bundle: Bundle) -> NDArray[np.float32]:
    """(k, c) float32 weights of the linear head, for closed-form Grad-CAM."""
    with safe_open(bundle.weights, "numpy") as file:
        return np.asarray(file.get_tensor(HEAD), np.float32)
