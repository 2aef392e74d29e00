"""Devices: how claims name them, how many jobs they take, and which GPUs a reading process sees."""

from __future__ import annotations

import pytest

from services.settings import Settings
from services.store.states import MemoryStep
from services.work import devices
from services.work.devices import VISIBLE, device_limit, device_of, last_step, visible_gpus


def on(device: str, jobs: int = 0) -> Settings:
    """Settings of a worker on a device."""
    return Settings(device=device, device_jobs=jobs)


@pytest.mark.parametrize(
    ("settings", "limit"), [(on("cpu"), None), (on("cuda:1"), 1), (on("cuda:1", 3), 3), (on("cpu", 2), 2)]
)
def test_a_gpu_takes_one_job_at_once_unless_told_otherwise(settings, limit):
    assert device_limit(settings) == limit


def test_a_long_host_name_never_cuts_the_device_off(monkeypatch):
    monkeypatch.setattr(devices.socket, "gethostname", lambda: "h" * 80)
    name = device_of(on("cuda:12"))
    assert name.endswith("h/cuda:12") and len(name) == devices.NAME_LENGTH


@pytest.mark.parametrize(
    ("device", "step", "inherited", "seen"),
    [
        ("", MemoryStep.FULL, {}, {}),
        ("", MemoryStep.CPU, {}, {VISIBLE: ""}),
        ("cpu", MemoryStep.FULL, {VISIBLE: "0,1"}, {VISIBLE: ""}),
        ("cuda", MemoryStep.FULL, {VISIBLE: "3"}, {}),
        ("cuda:1", MemoryStep.LESS, {}, {VISIBLE: "1"}),
        ("cuda:1", MemoryStep.FULL, {VISIBLE: "4,GPU-5d1"}, {VISIBLE: "GPU-5d1"}),
        ("cuda:1", MemoryStep.CPU, {VISIBLE: "4,5"}, {VISIBLE: ""}),
    ],
)
def test_a_reading_process_sees_the_gpu_of_its_worker_and_none_on_the_last_step(device, step, inherited, seen):
    assert visible_gpus(on(device), step, inherited) == seen


def test_the_ladder_of_a_gpu_ends_on_the_cpu_and_that_of_a_cpu_with_less_memory():
    assert (last_step(on("cuda")), last_step(on("cpu"))) == (MemoryStep.CPU, MemoryStep.LESS)


@pytest.mark.parametrize(
    ("file", "build", "shown", "found"),
    [
        ("nvidia0", "2.13.0+cu130", None, True),
        ("dxg", "2.13.0", None, True),
        ("nvidiactl", "2.13.0", None, False),
        ("nvidia0", "2.13.0+cpu", None, False),
        ("nvidia0", "2.13.0", "1", True),
        ("nvidia0", "2.13.0", "", False),
        ("nvidia0", "2.13.0", "-1", False),
    ],
)
def test_a_gpu_is_here_where_the_driver_the_build_and_the_environment_say_so(
    tmp_path, monkeypatch, file, build, shown, found
):
    (tmp_path / file).touch()
    monkeypatch.setattr(devices, "version", lambda package: build)
    monkeypatch.delenv(VISIBLE, raising=False)
    if shown is not None:
        monkeypatch.setenv(VISIBLE, shown)
    assert devices.gpu_is_here(tmp_path) is found


@pytest.mark.parametrize(
    ("here", "expected"), [(True, ("cuda", 1, MemoryStep.CPU)), (False, ("cpu", None, MemoryStep.LESS))]
)
def test_without_a_setting_a_worker_takes_the_gpu_where_there_is_one(monkeypatch, here, expected):
    monkeypatch.setattr(devices, "gpu_is_here", lambda: here)
    unset = on("")
    assert (device_of(unset).rpartition("/")[2], device_limit(unset), last_step(unset)) == expected
