from __future__ import annotations

import pytest
import torch

from pipelines.core.errors import OutOfMemory
from pipelines.nets.ladder import CPU, CUDA, FULL, Rung, descend, free_memory, keep_within, out_of_memory, rungs

PATCH = (48, 64, 48)


def plenty(_device: str) -> int:
    return 10**12


def names(device: str = CPU) -> list[str]:
    return [rung.name for rung in rungs(PATCH, 4, device, 8)]


def test_the_way_down_is_smaller_batches_then_smaller_windows() -> None:
    assert names() == [FULL, "batch 2", "batch 1", "batch 1, window 32x48x32", "batch 1, window 24x32x24"]


def test_a_gpu_that_is_too_small_leads_to_the_cpu() -> None:
    assert names(CUDA)[5:7] == ["cpu", "cpu, batch 2"]


def test_every_rung_of_a_device_takes_less_than_the_one_above() -> None:
    needed = [rung.bytes(24) for rung in rungs(PATCH, 4, CPU, 8)]
    assert needed == sorted(needed, reverse=True)
    assert len(set(needed)) == len(needed)


def test_windows_keep_the_sides_that_a_unet_can_halve() -> None:
    assert all(side % 8 == 0 for rung in rungs((40, 56, 40), 2, CPU, 8) for side in rung.window)


def test_the_first_rung_that_is_predicted_to_fit_is_taken() -> None:
    room = rungs(PATCH, 4, CPU, 8)[2].bytes(24)
    answer, rung = descend(
        rungs(PATCH, 4, CPU, 8), lambda rung: rung.bytes(24), lambda _: room, lambda rung: rung.batch
    )
    assert (answer, rung.name) == (1, "batch 1")


def test_memory_that_ends_all_the_same_leads_one_step_down() -> None:
    tried: list[str] = []

    def attempt(rung: Rung) -> str:
        tried.append(rung.name)
        if len(tried) < 3:
            raise MemoryError
        return "done"

    answer, rung = descend(rungs(PATCH, 4, CPU, 8), lambda rung: rung.bytes(24), plenty, attempt)
    assert answer == "done"
    assert tried == [FULL, "batch 2", "batch 1"]
    assert rung.name == "batch 1"


def test_below_the_last_rung_the_job_is_refused_with_numbers() -> None:
    with pytest.raises(OutOfMemory) as refused:
        descend(rungs(PATCH, 4, CPU, 8), lambda rung: rung.bytes(24), lambda _: 10**6, lambda rung: rung)
    assert refused.value.code == "volume_too_large"
    assert refused.value.facts == {"needed_mib": 9, "free_mib": 0}


def test_a_process_may_take_what_its_limit_leaves() -> None:
    little, much = free_memory(CPU, 10**9), free_memory(CPU, 2 * 10**9)
    assert little < 10**9
    assert much - little == pytest.approx(10**9, abs=10**8)
    assert free_memory(CPU, None) > 0


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("Exception from src/inference/src/cpp/infer_request.cpp: std::bad_alloc"),
    ],
    ids=["cuda", "cpu", "openvino"],
)
def test_what_a_library_says_where_memory_ends_is_understood(error: Exception) -> None:
    understood = out_of_memory(error)
    assert understood is not None and understood.code == "out_of_memory"


def test_another_mistake_is_not_taken_for_a_lack_of_memory() -> None:
    assert out_of_memory(RuntimeError("sizes of tensors must match")) is None
    assert out_of_memory(ValueError("out of memory")) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_share_of_a_gpu_is_all_that_is_free_and_all_that_is_given() -> None:
    _, total = torch.cuda.mem_get_info()
    try:
        keep_within(0.01)
        assert free_memory(CUDA, None) <= total * 0.01
        with pytest.raises(torch.OutOfMemoryError) as refused:
            torch.empty(int(total * 0.02), dtype=torch.uint8, device=CUDA)
        assert out_of_memory(refused.value) is not None and torch.cuda.memory_reserved() == 0
    finally:
        keep_within(1.0)
