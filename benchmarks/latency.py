"""From POST to stored result: full-size photographs one after another through the running system, and its memory."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import skimage.data
from PIL import Image

from benchmarks.figures import Figure
from services.settings import Settings
from services.store import users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import open_store
from services.worker.embedded import System

#: What a Kowa VX-10 alpha camera writes, the camera of the IDRiD photographs: width, height, size of the JPEG.
CAMERA_SIZE = (4288, 2848)
JPEG_QUALITY = 88
WARM_UP = 3
REPEATS = 15
#: Asking more often would take the cores from what is measured.
POLL_SECONDS = 0.025
DEADLINE_SECONDS = 60.0
TARGET_SECONDS = 1.0
TARGET_API_MB = 200.0
TARGET_WORKER_MB = 1200.0
MEBIBYTE = 1024**2


def measure() -> list[Figure]:
    """Median seconds of a full-size photograph; resident memory of the API and of the worker with its children."""
    with tempfile.TemporaryDirectory() as folder, System.start(Settings(data_dir=Path(folder), port=0)) as system:
        with client_of(system) as client:
            photographs = full_size_photographs(WARM_UP + REPEATS)
            taken = [seconds_to_result(client, number, photograph) for number, photograph in enumerate(photographs)]
        api = resident_bytes(system.pids["api"][0]) / MEBIBYTE
        worker = sum(resident_bytes(pid) for pid in family(system.pids["worker"][0])) / MEBIBYTE
    median = statistics.median(taken[WARM_UP:])
    return [
        Figure(
            "4288 x 2848 photograph, POST to result", median, "s", target="<= 1.0 s", reached=median <= TARGET_SECONDS
        ),
        Figure("  slowest of them", max(taken[WARM_UP:]), "s"),
        Figure("API process, resident", api, "MiB", target="<= 200 MiB", reached=api <= TARGET_API_MB),
        Figure(
            "worker with its children, resident",
            worker,
            "MiB",
            target="<= 1200 MiB",
            reached=worker <= TARGET_WORKER_MB,
        ),
    ]


def client_of(system: System) -> httpx.Client:
    """A client with a key of its own."""
    store = open_store(system.settings)
    with unit_of_work(store.database) as session:
        key = users.create_key(session, "benchmark", Role.TECHNICIAN, "system").key
    store.close()
    return httpx.Client(base_url=f"{system.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60.0)


def full_size_photographs(count: int) -> Iterator[bytes]:
    """JPEGs of camera size with the real retina in their middle; each has other pixels, so that none is a duplicate."""
    width, height = CAMERA_SIZE
    retina = Image.open(Path(skimage.data.__file__).parent / "retina.jpg").resize(
        (height, height), Image.Resampling.LANCZOS
    )
    noise = np.random.default_rng(0)
    for _ in range(count):
        canvas = np.zeros((height, width, 3), dtype=np.int16)
        left = (width - height) // 2
        canvas[:, left : left + height] = np.asarray(retina)
        # A sensor's noise: a smooth picture would make a smaller file and decode faster than a camera's.
        canvas += noise.integers(-6, 7, (height, width, 1), dtype=np.int16)
        body = io.BytesIO()
        Image.fromarray(canvas.clip(0, 255).astype(np.uint8)).save(body, "JPEG", quality=JPEG_QUALITY)
        yield body.getvalue()


def seconds_to_result(client: httpx.Client, number: int, photograph: bytes) -> float:
    """Send one photograph and wait until its result is stored."""
    begin = time.perf_counter()
    answer = client.post(
        "/studies",
        data={"laterality": "L", "patient_id": f"BENCHMARK-{number}"},
        files={"files": ("photograph.jpg", photograph)},
    )
    job = answer.raise_for_status().json()["studies"][0]["jobs"][0]
    while time.perf_counter() - begin < DEADLINE_SECONDS:
        state = client.get(f"/jobs/{job}").raise_for_status().json()["state"]
        if state == "succeeded":
            return time.perf_counter() - begin
        if state not in {"queued", "running"}:
            raise RuntimeError(f"the job is {state}")
        time.sleep(POLL_SECONDS)
    raise TimeoutError("the job did not end")


def family(pid: int) -> list[int]:
    """A process and all that descend from it, whichever of its threads started them."""
    lists = [task / "children" for task in Path(f"/proc/{pid}/task").iterdir()]
    children = [int(child) for listed in lists for child in listed.read_text().split()]
    return [pid, *(descendant for child in children for descendant in family(child))]


def resident_bytes(pid: int) -> int:
    """Resident set size; memory that processes share counts in each of them."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
