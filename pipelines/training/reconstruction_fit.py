"""Train the reconstruction network: a simulated slab a step, a moving average of the weights, checkpoints."""

from __future__ import annotations

import copy
import json
import math
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipelines.imaging.acquired import Acquired
from pipelines.nets.coils import maps_with_phase
from pipelines.nets.unrolled import Architecture, Measured, UnrolledNetwork, rss, to_image
from pipelines.training.fit import follow, has_bfloat16, write
from pipelines.training.kspace_simulation import Sample, Volume, simulate
from pipelines.training.reconstruction_loss import loss
from pipelines.training.reconstruction_recipe import ReconstructionRecipe

CHECKPOINT, AVERAGED = "checkpoint.pt", "averaged.pt"


@dataclass(slots=True)
class Run:
    """A training run: network, averaged network, optimiser, the step it has come to and its last losses."""

    recipe: ReconstructionRecipe
    volumes: list[Volume]
    device: torch.device
    network: UnrolledNetwork
    averaged: UnrolledNetwork
    optimiser: torch.optim.Optimizer
    step: int = 0
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=500))


def architecture(recipe: ReconstructionRecipe) -> Architecture:
    """The network's sizes as the recipe has them."""
    return Architecture(recipe.cascades, recipe.channels)


def prepare(recipe: ReconstructionRecipe, volumes: list[Volume], device: torch.device) -> Run:
    """A run at its beginning, its first weights drawn from the recipe's seed."""
    torch.manual_seed(recipe.seed)
    network = UnrolledNetwork(architecture(recipe)).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(network).eval().requires_grad_(False)
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.rate, betas=recipe.betas)
    return Run(recipe, volumes, device, network, averaged, optimiser)


def train(run: Run, folder: Path) -> None:
    """Run to the last step in `folder`, going on from its checkpoint; prints a JSON line a checkpoint."""
    resume(run, folder)
    started, first = time.perf_counter(), run.step
    while run.step < run.recipe.steps:
        advance(run)
        if run.step % run.recipe.checkpoint == 0 or run.step == run.recipe.steps:
            save(run, folder)
            pace = (time.perf_counter() - started) / (run.step - first)
            line = {"step": run.step, "loss": round(float(np.mean(run.losses)), 5), "seconds_per_step": round(pace, 3)}
            print(json.dumps(line), flush=True)


def advance(run: Run) -> None:
    """One step: a slab of its own random numbers, the same whether or not the run was interrupted before it."""
    recipe = run.recipe
    drawn = simulate(run.volumes, recipe.simulation, np.random.default_rng([recipe.seed, run.step]))
    measured, reference = prepared(drawn, run.device)
    with torch.autocast(run.device.type, torch.bfloat16, enabled=has_bfloat16(run.device)):
        completed = run.network(measured)
    value = loss(completed.image, reference, recipe.absolute_weight)
    for group in run.optimiser.param_groups:
        group["lr"] = recipe.rate * schedule(run.step, recipe)
    run.optimiser.zero_grad(set_to_none=True)
    value.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(run.network.parameters(), recipe.gradient_norm)
    if bool(torch.isfinite(norm)):  # a slab of pure air has no gradient worth following
        run.optimiser.step()
        run.losses.append(value.item())
    run.step += 1
    follow(run.averaged, run.network, min(recipe.average, run.step / (run.step + 10)))


def prepared(drawn: Sample, device: torch.device) -> tuple[Measured, Tensor]:
    """A sample as the network's input, the zero-filled image's maximum made one, and the fully sampled image."""
    acquired = Acquired(drawn.kspace.numpy() * drawn.mask[:, None], drawn.mask, drawn.calibration)
    maps = torch.from_numpy(maps_with_phase(acquired)).to(device)
    mask = torch.from_numpy(acquired.plane_mask.astype(np.float32)).to(device)
    measured = torch.from_numpy(acquired.kspace).to(device)
    scale = rss(to_image(measured)).max()
    return Measured(measured / scale, mask, maps), rss(to_image(drawn.kspace.to(device))) / scale


def schedule(step: int, recipe: ReconstructionRecipe) -> float:
    """Factor on the learning rate: a linear rise, a plateau, half a cosine to zero."""
    start = recipe.steps * (1 - recipe.cooling)
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    if step < start:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - start) / (recipe.steps - start)))


def save(run: Run, folder: Path) -> None:
    """Write what `resume` needs, and the averaged weights."""
    state = {
        "network": run.network.state_dict(),
        "averaged": run.averaged.state_dict(),
        "optimiser": run.optimiser.state_dict(),
        "step": run.step,
        "losses": list(run.losses),
    }
    write(state, folder / CHECKPOINT)
    write(run.averaged.state_dict(), folder / AVERAGED)


def resume(run: Run, folder: Path) -> None:
    """Go on from the last checkpoint, if there is one."""
    path = folder / CHECKPOINT
    if not path.exists():
        return
    state = torch.load(path, map_location=run.device, weights_only=True)
    run.network.load_state_dict(state["network"])
    run.averaged.load_state_dict(state["averaged"])
    run.optimiser.load_state_dict(state["optimiser"])
    run.step, run.losses = state["step"], deque(state["losses"], maxlen=run.losses.maxlen)
