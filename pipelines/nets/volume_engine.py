"""Engines for 3D networks: windows in, class probabilities out; OpenVINO in float32 on a CPU, PyTorch on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import openvino
import torch
from monai.networks.nets.dynunet import DynUNet
from numpy.typing import NDArray

from pipelines.core.errors import ModelError
from pipelines.nets.ladder import EXHAUSTED
from pipelines.nets.volume_graph import openvino_unet

Array = NDArray[np.float32]
Shape = tuple[int, int, int]

_CLASSES: Final = 1  # the axis of the classes


@dataclass(frozen=True, slots=True)
class Inside:
    """What the last step of the way up starts from, each (1, channels, ...) float32.

    `half` is the step before it, at half resolution, `full` the way down's first level.
    """

    half: Array
    full: Array


class VolumeEngine(Protocol):
    """Runs the members of an ensemble; the attributes go into the receipt."""

    name: str
    version: str
    precision: str
    device: str
    threads: int
    members: int

    def run(self, member: int, windows: Array) -> Array:
        """(n, 1, x, y, z) float32, normalised -> (n, k, x, y, z) float32 probabilities.

        Raises MemoryError where they do not fit.
        """
        ...

    def inside(self, member: int, window: Array) -> Inside:
        """(x, y, z) float32, normalised -> what an explanation of that window starts from; raises MemoryError."""
        ...

    def free(self) -> None:
        """Give back what was kept for the next run."""
        ...


class OpenVinoVolumeEngine:
    """OpenVINO on the CPU in float32; left to itself it would choose bfloat16, which moves some borders."""

    name = "openvino"
    precision = "float32"
    device = "cpu"

    def __init__(self, networks: Sequence[DynUNet]) -> None:
        """Keep the networks; each is compiled for a window size when that is first asked for."""
        self.version = str(openvino.__version__)
        self.members = len(networks)
        self.threads = torch.get_num_threads()
        self._networks = tuple(networks)
        self._core = openvino.Core()
        self._compiled: dict[tuple[int, Shape], openvino.CompiledModel] = {}

    def run(self, member: int, windows: Array) -> Array:
        """(n, 1, x, y, z) float32 -> (n, k, x, y, z) probabilities."""
        return np.array(self._answer(member, windows)[0])

    def inside(self, member: int, window: Array) -> Inside:
        """(x, y, z) float32 -> what an explanation starts from."""
        answer = self._answer(member, window[None, None])
        return Inside(np.array(answer[1]), np.array(answer[2]))

    def free(self) -> None:
        """Forget the compiled models with their buffers."""
        self._compiled.clear()

    def _answer(self, member: int, windows: Array) -> Any:  # Any: OpenVINO's own dictionary of outputs
        shape = (windows.shape[2], windows.shape[3], windows.shape[4])
        try:
            return self._model(member, shape)(np.ascontiguousarray(windows))
        except RuntimeError as error:
            if any(word in str(error) for word in EXHAUSTED):
                raise MemoryError from error
            raise

    def _model(self, member: int, window: Shape) -> openvino.CompiledModel:
        if (member, window) not in self._compiled:
            self._compiled = {key: kept for key, kept in self._compiled.items() if key[1] == window}
            model = openvino_unet(self._networks[member], window)
            settings = {
                "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": self.threads,
            }
            self._compiled[member, window] = self._core.compile_model(model, "CPU", settings)
        return self._compiled[member, window]


class TorchVolumeEngine:
    """PyTorch in eager mode: float32 on a CPU, float16 where that is safe (autocast) on a GPU."""

    name = "torch"

    def __init__(self, networks: Sequence[DynUNet], device: str) -> None:
        """Move the networks to `device`, "cpu" or "cuda"."""
        self.version = str(torch.__version__)
        self.device = device
        self.precision = "float16 autocast" if device == "cuda" else "float32"
        self.members = len(networks)
        self.threads = torch.get_num_threads()
        self._networks = tuple(network.to(device) for network in networks)

    def run(self, member: int, windows: Array) -> Array:
        """(n, 1, x, y, z) float32 -> (n, k, x, y, z) probabilities; the random state is not touched."""
        logits = self._forward(self._networks[member], windows)
        return np.asarray(logits.softmax(dim=_CLASSES).cpu().numpy())

    def inside(self, member: int, window: Array) -> Inside:
        """(x, y, z) float32 -> what an explanation starts from."""
        network, seen = self._networks[member], dict[str, Array]()

        def keep(_module: torch.nn.Module, inputs: tuple[torch.Tensor, torch.Tensor]) -> None:
            seen["half"], seen["full"] = (value.float().cpu().numpy() for value in inputs)

        handle = network.upsamples[-1].register_forward_pre_hook(keep)
        try:
            self._forward(network, window[None, None])
        finally:
            handle.remove()
        return Inside(seen["half"], seen["full"])

    def _forward(self, network: DynUNet, windows: Array) -> torch.Tensor:
        """(n, 1, x, y, z) -> (n, k, x, y, z) float32 logits; raises MemoryError."""
        mixed = torch.autocast("cuda", torch.float16, enabled=self.device == "cuda")
        try:
            with torch.inference_mode(), mixed, torch.backends.cudnn.flags(deterministic=True, allow_tf32=False):
                given = torch.from_numpy(np.ascontiguousarray(windows)).to(self.device)
                logits: torch.Tensor = network(given)
                return logits.float()
        except torch.cuda.OutOfMemoryError as error:
            raise MemoryError from error

    def free(self) -> None:
        """Give the GPU's cached blocks back to the machine."""
        if self.device == "cuda":
            torch.cuda.empty_cache()


def choose_volume_engine(networks: Sequence[torch.nn.Module]) -> VolumeEngine:
    """PyTorch on a GPU where there is one, else OpenVINO; raises ModelError for networks of another kind."""
    chosen = [network for network in networks if isinstance(network, DynUNet)]
    if not chosen or len(chosen) != len(networks):
        raise ModelError("the bundle's network is no DynUNet")
    return TorchVolumeEngine(chosen, "cuda") if torch.cuda.is_available() else OpenVinoVolumeEngine(chosen)
