"""The training loss: ordinal soft labels, a referable term, the distance of the expected grade, and DME risk."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pipelines.nets.grading import GRADES, REFERABLE_FROM
from pipelines.training.photographs import NO_LABEL


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weight of each term; `sharpness` of the soft labels, `balance` is the power of the inverse class frequency."""

    referable: float = 0.5
    distance: float = 0.15
    dme: float = 0.4
    sharpness: float = 2.0
    balance: float = 0.5


def class_weights(grades: Tensor, balance: float) -> Tensor:
    """(n,) int64 grades -> (5,) float32, proportional to frequency ** -balance, mean 1 over the photographs."""
    counts = torch.bincount(grades, minlength=GRADES).float()
    weights = counts.clamp(min=1) ** -balance
    return weights * counts.sum() / (weights * counts).sum()


def soft_labels(grades: Tensor, sharpness: float) -> Tensor:
    """(n,) -> (n, 5) float32 that falls off exponentially with the distance in grades (SORD, Diaz & Marathe 2019)."""
    distance = (torch.arange(GRADES, device=grades.device)[None] - grades[:, None]).abs()
    return functional.softmax(-sharpness * distance.float(), dim=1)


def loss(logits: Tensor, grades: Tensor, dme_risk: Tensor, balance: Tensor, weights: LossWeights) -> Tensor:
    """Mean loss of (n, 8) float32 logits: rows 0-4 grade, 5-7 DME risk; `balance` (5,) weights the grades."""
    log_grade = functional.log_softmax(logits[:, :GRADES], dim=1)
    importance = balance[grades]
    ordinal = -(soft_labels(grades, weights.sharpness) * log_grade).sum(dim=1)
    log_referable = torch.logsumexp(log_grade[:, REFERABLE_FROM:], dim=1)
    log_healthy = torch.logsumexp(log_grade[:, :REFERABLE_FROM], dim=1)
    referable = -torch.where(grades >= REFERABLE_FROM, log_referable, log_healthy)
    expected = (log_grade.exp() * torch.arange(GRADES, device=grades.device)).sum(dim=1)
    distance = (expected - grades) ** 2
    dme = functional.cross_entropy(logits[:, GRADES:], dme_risk, ignore_index=NO_LABEL, reduction="sum")
    per_photograph = importance * (ordinal + weights.distance * distance) + weights.referable * referable
    return per_photograph.mean() + weights.dme * dme / len(grades)
