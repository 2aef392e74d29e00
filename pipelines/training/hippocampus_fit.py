"""Train one member of the hippocampus ensemble: moving average of the weights, a checkpoint every epoch."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from monai.networks.nets.dynunet import DynUNet
from torch import Tensor, nn

from pipelines.nets.segmenter import Normalisation
from pipelines.training.fit import has_bfloat16, schedule
from pipelines.training.hippocampus_augment import View, view
from pipelines.training.hippocampus_cases import Canvas
from pipelines.training.hippocampus_recipe import Member, Recipe

CLASSES = 3  # background, anterior, posterior
CHECKPOINT = "last.pt"
SETTLING = "settling"  # the folder of the second part, in that of the first


@dataclass(slots=True)
class Run:
    """One member in training: `averaged` is what will be shipped."""

    recipe: Recipe
    member: Member
    cases: list[Canvas]
    network: nn.Module
    averaged: nn.Module
    optimiser: torch.optim.Optimizer
    epoch: int = 0
    step: int = 0
    losses: list[float] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole schedule."""
        return self.member.epochs * (len(self.cases) // self.recipe.batch)


def definition(recipe: Recipe) -> dict[str, Any]:  # Any: arguments of a network and JSON alike
    """The bundle's `network_def` of one member, without its `_target_` and without training heads."""
    levels = len(recipe.filters)
    return {
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": CLASSES,
        "kernel_size": [3] * levels,
        "strides": [1] + [2] * (levels - 1),
        "upsample_kernel_size": [2] * (levels - 1),
        "filters": list(recipe.filters),
        "norm_name": "instance",
        "act_name": ["leakyrelu", {"inplace": True, "negative_slope": 0.01}],
        "res_block": True,
    }


def begin(recipe: Recipe, member: Member, cases: list[Canvas]) -> Run:
    """A fresh member with weights drawn from its seed."""
    torch.manual_seed(member.seed)
    heads = len(recipe.deep_supervision) - 1
    network = DynUNet(**definition(recipe), deep_supervision=heads > 0, deep_supr_num=max(heads, 1))
    averaged = copy.deepcopy(network).requires_grad_(False)
    optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=recipe.weight_decay)
    return Run(recipe, member, cases, network, averaged, optimiser)


def settling(run: Run) -> Run:
    """The second part of a finished run: from its averaged weights, with a fresh optimiser, on milder views."""
    last = run.recipe.settling
    recipe = replace(run.recipe, rate=last.rate, augmentation=last.augmentation)
    second = begin(recipe, Member(run.member.seed, last.epochs), run.cases)
    second.network.load_state_dict(run.averaged.state_dict())
    second.averaged.load_state_dict(run.averaged.state_dict())
    return second


def train(run: Run, folder: Path) -> None:
    """Train to the end in `folder`, going on from its last checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    resume(run, folder)
    while run.epoch < run.member.epochs:
        started = time.monotonic()
        run.losses.append(train_epoch(run))
        run.epoch += 1
        save(run, folder)
        report(run, time.monotonic() - started)


def report(run: Run, seconds: float) -> None:
    """One JSON line an epoch on standard output: the run's log."""
    told = {"seed": run.member.seed, "epoch": run.epoch, "loss": round(run.losses[-1], 4), "seconds": round(seconds)}
    print(json.dumps(told), flush=True)


def train_epoch(run: Run) -> float:
    """One pass over the cases; returns the mean loss."""
    random = np.random.default_rng([run.member.seed, run.epoch])
    criterion = DiceCELoss(to_onehot_y=True, softmax=True, include_background=False, batch=True)
    run.network.train()
    order, size, total = random.permutation(len(run.cases)), run.recipe.batch, 0.0
    starts = range(0, len(order) - size + 1, size)
    for start in starts:
        views = [drawn(run, run.cases[index], random) for index in order[start : start + size]]
        total += train_step(run, criterion, views)
    return total / len(starts)


def drawn(run: Run, case: Canvas, random: np.random.Generator) -> View:
    """A random view as the network will see such a box."""
    normalisation = Normalisation(run.recipe.low_percentile, run.recipe.high_percentile)
    return view(case, run.recipe.patch, run.recipe.augmentation, normalisation, random)


def train_step(run: Run, criterion: nn.Module, views: list[View]) -> float:
    """One optimiser step; the convolutions run in bfloat16, the loss in float32."""
    for group in run.optimiser.param_groups:
        group["lr"] = run.recipe.rate * schedule(run.step / run.steps, run.recipe.warmup)
    images = torch.stack([each.image for each in views])[:, None]
    labels = torch.stack([each.labels for each in views])[:, None]
    with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16(images.device)):
        answers = run.network(images)
    loss = supervised(criterion, answers.float(), labels, run.recipe.deep_supervision)
    run.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.network.parameters(), run.recipe.gradient_norm)
    run.optimiser.step()
    run.step += 1
    follow(run)
    return float(loss.detach())


def supervised(criterion: nn.Module, answers: Tensor, labels: Tensor, weights: tuple[float, ...]) -> Tensor:
    """(batch, heads, classes, x, y, z) logits, the finest head first, against (batch, 1, x, y, z) labels."""
    parts = [weight * criterion(answers[:, head], labels) for head, weight in enumerate(weights)]
    return torch.stack(parts).sum() / sum(weights)


def follow(run: Run) -> None:
    """Move the averaged weights towards the present ones, faster while there have been few steps."""
    decay = min(run.recipe.average, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        for mean, now in zip(run.averaged.parameters(), run.network.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)


def save(run: Run, folder: Path) -> None:
    """Write the checkpoint beside the old one, then take its place."""
    state = {
        "network": run.network.state_dict(),
        "averaged": run.averaged.state_dict(),
        "optimiser": run.optimiser.state_dict(),
        "epoch": run.epoch,
        "step": run.step,
        "losses": run.losses,
    }
    torch.save(state, folder / "next.pt")
    (folder / "next.pt").replace(folder / CHECKPOINT)


def resume(run: Run, folder: Path) -> None:
    """Take up the folder's checkpoint, where there is one."""
    if not (folder / CHECKPOINT).exists():
        return
    state = torch.load(folder / CHECKPOINT, weights_only=True)
    run.network.load_state_dict(state["network"])
    run.averaged.load_state_dict(state["averaged"])
    run.optimiser.load_state_dict(state["optimiser"])
    run.epoch, run.step, run.losses = state["epoch"], state["step"], state["losses"]
