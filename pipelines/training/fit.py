"""Train one fold: phases of freezing and resolution, moving average of the weights, a checkpoint every epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pipelines.core.figures import quadratic_kappa
from pipelines.imaging.fundus import Picture, normalise
from pipelines.nets.backbones import Grader
from pipelines.nets.grading import GRADES
from pipelines.training.augment import view
from pipelines.training.loss import class_weights, loss
from pipelines.training.photographs import Photographs
from pipelines.training.recipe import Recipe


@dataclass(slots=True)
class Progress:
    """How far a fold has come; `kappas` holds the validation kappa of each epoch of the last phase."""

    epoch: int = 0
    step: int = 0
    best_kappa: float = -1.0
    best_epoch: int = -1
    kappas: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Fold:
    """One fold in training: its photographs, network, averaged network and optimiser."""

    recipe: Recipe
    number: int
    training: Photographs
    validation: Photographs
    device: torch.device
    network: Grader
    averaged: Grader
    optimiser: torch.optim.Optimizer
    progress: Progress = field(default_factory=Progress)

    def generator(self) -> np.random.Generator:
        """The random numbers of the present epoch: the same whether or not the run was interrupted before it."""
        return np.random.default_rng([self.recipe.seed, self.number, self.progress.epoch])

    def steps(self) -> int:
        """Optimiser steps of the whole schedule; a last batch of one photograph is dropped (batch normalisation)."""
        return self.recipe.epochs * len(list(batches(len(self.training), self.recipe.batch)))


def batches(count: int, size: int) -> Iterator[slice]:
    """Slices of `size` over `count` rows; a remainder of one is left out."""
    return (slice(start, start + size) for start in range(0, count, size) if count - start > 1)


def optimiser(network: Grader, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW, the new head faster than the pretrained body."""
    groups = [
        {"params": list(network.members.parameters()), "lr": recipe.body_rate, "rate": recipe.body_rate},
        {"params": list(network.head.parameters()), "lr": recipe.head_rate, "rate": recipe.head_rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)


def train(fold: Fold, folder: Path) -> None:
    """Run the fold to its end in `folder`, resuming from its last checkpoint; writes best.pt and last.pt."""
    folder.mkdir(parents=True, exist_ok=True)
    resume(fold, folder)
    while not finished(fold):
        mean_loss = train_epoch(fold)
        fold.progress.epoch += 1
        if fold.progress.epoch > fold.recipe.epochs - fold.recipe.phases[-1].epochs:
            validate(fold, folder)
        save(fold, folder)
        report(fold, mean_loss)


def finished(fold: Fold) -> bool:
    """At the end of the schedule, or after `patience` epochs without a better validation kappa."""
    progress = fold.progress
    waited = progress.epoch - progress.best_epoch if progress.best_epoch >= 0 else 0
    return progress.epoch >= fold.recipe.epochs or waited >= fold.recipe.patience


def train_epoch(fold: Fold) -> float:
    """Every training photograph once, in random order and a fresh view; the mean loss."""
    recipe, random = fold.recipe, fold.generator()
    phase = recipe.phase(fold.progress.epoch)
    freeze(fold.network, phase.frozen)
    balance = class_weights(torch.from_numpy(fold.training.grade), recipe.loss.balance).to(fold.device)
    order, losses = random.permutation(len(fold.training)), []
    torch.manual_seed(int(random.integers(2**31)))  # dropout
    for rows in batches(len(order), recipe.batch):
        chosen = order[rows]
        views = [view(fold.training.squares[row], phase.size, recipe.augmentation, random) for row in chosen]
        logits = forward(fold.network, images(views, recipe, fold.device), recipe.dropout)
        grades = torch.from_numpy(fold.training.grade[chosen]).to(fold.device)
        dme_risk = torch.from_numpy(fold.training.dme_risk[chosen]).to(fold.device)
        value = loss(logits, grades, dme_risk, balance, recipe.loss)
        losses.append(value.item())
        step(fold, value)
    return float(np.mean(losses))


def freeze(network: Grader, parts: int) -> None:
    """Hold the first `parts` of each member: no gradient, and batch normalisation as ImageNet left it."""
    network.train()
    network.requires_grad_(True)
    for member in network.members:
        for part in list(member.children())[:parts]:
            part.eval().requires_grad_(False)


def place(network: Grader, device: torch.device) -> Grader:
    """Move to `device` in channels-last order, the fastest layout of convolutions on CPU and GPU."""
    moved: Grader = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def images(pictures: list[Picture], recipe: Recipe, device: torch.device) -> Tensor:
    """uint8 squares -> (n, 3, size, size) float32 in channels-last order."""
    stacked = np.stack([normalise(picture, recipe.mean, recipe.std) for picture in pictures])
    return torch.from_numpy(stacked).to(device, memory_format=torch.channels_last)


def forward(network: Grader, inputs: Tensor, dropout: float) -> Tensor:
    """(n, 3, h, w) -> (n, 8) float32 logits; half precision (bfloat16) inside where the processor has it."""
    device = inputs.device.type
    with torch.autocast(device, torch.bfloat16, enabled=has_bfloat16(inputs.device)):
        features = network.features(inputs)
    pooled = features.float().mean(dim=(2, 3))
    logits: Tensor = network.head(functional.dropout(pooled, dropout, network.training))
    return logits


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 natively; emulated it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


def step(fold: Fold, value: Tensor) -> None:
    """One optimiser step at the scheduled rate, then the moving average of weights and running statistics."""
    rate = schedule(fold.progress.step / fold.steps(), fold.recipe.warmup)
    for group in fold.optimiser.param_groups:
        group["lr"] = group["rate"] * rate
    fold.optimiser.zero_grad(set_to_none=True)
    value.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(fold.network.parameters(), fold.recipe.gradient_norm)
    fold.optimiser.step()
    fold.progress.step += 1
    decay = min(fold.recipe.average, fold.progress.step / (fold.progress.step + 10))
    follow(fold.averaged, fold.network, decay)


def schedule(share: float, warmup: float) -> float:
    """Share of the steps done (0-1) -> factor on the learning rate: linear rise, then half a cosine to zero."""
    if share < warmup:
        return (share + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup)))


@torch.no_grad()
def follow(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move every floating tensor of `averaged` a step towards `network`; counters are copied."""
    for mean, value in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


@torch.no_grad()
def predict(network: Grader, squares: Picture, recipe: Recipe, device: torch.device) -> NDArray[np.float32]:
    """(n, size, size, 3) uint8 -> (n, 8) float32 logits in float32 arithmetic, as inference computes them."""
    network.eval()
    outputs = []
    for start in range(0, len(squares), recipe.batch):
        logits, _ = network(images(list(squares[start : start + recipe.batch]), recipe, device))
        outputs.append(logits.cpu().numpy())
    return np.concatenate(outputs)


def validate(fold: Fold, folder: Path) -> None:
    """Score the averaged network on the fold's photographs; keep it as best.pt when its kappa is the best so far."""
    logits = predict(fold.averaged, fold.validation.squares, fold.recipe, fold.device)
    grades = logits[:, :GRADES].argmax(axis=1)
    kappa = quadratic_kappa(fold.validation.grade, grades, GRADES)
    fold.progress.kappas.append(kappa)
    if kappa > fold.progress.best_kappa:
        fold.progress.best_kappa, fold.progress.best_epoch = kappa, fold.progress.epoch
        write(fold.averaged.state_dict(), folder / "best.pt")


def report(fold: Fold, mean_loss: float) -> None:
    """One JSON line an epoch on standard output: the run's log."""
    progress = fold.progress
    line: dict[str, Any] = {"fold": fold.number, "epoch": progress.epoch, "loss": round(mean_loss, 4)}
    if progress.kappas:
        line |= {"kappa": round(progress.kappas[-1], 4), "best_epoch": progress.best_epoch}
    print(json.dumps(line), flush=True)


def save(fold: Fold, folder: Path) -> None:
    """Write what `resume` needs, and the averaged weights of this epoch as last.pt."""
    state = {
        "network": fold.network.state_dict(),
        "averaged": fold.averaged.state_dict(),
        "optimiser": fold.optimiser.state_dict(),
        "progress": asdict(fold.progress),
    }
    write(state, folder / "checkpoint.pt")
    write(fold.averaged.state_dict(), folder / "last.pt")


def write(state: object, path: Path) -> None:
    """Replace `path` in one move: an interruption leaves the old file or the new one."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def resume(fold: Fold, folder: Path) -> None:
    """Go on from the last finished epoch, if there is one."""
    path = folder / "checkpoint.pt"
    if not path.exists():
        return
    state = torch.load(path, map_location=fold.device, weights_only=True)
    fold.network.load_state_dict(state["network"])
    fold.averaged.load_state_dict(state["averaged"])
    fold.optimiser.load_state_dict(state["optimiser"])
    fold.progress = Progress(**state["progress"])
