"""Uploading 1,000 small DICOM files in one request: files a second beside Orthanc's STOW-RS, and the memory taken."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from benchmarks.figures import Figure, seconds
from services.settings import Settings
from services.store import migrate, users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import open_store

FILES: Final = 1_000
SLICES: Final = 100  # of one series; ten series are one study
SIDE: Final = 64
REPEATS: Final = 5
API_MEGABYTES: Final = 200.0  # what the API process may hold
BOUNDARY: Final = "overread-benchmark"
START_SECONDS: Final = 30.0
ORTHANC: Final = shutil.which("Orthanc")
DICOMWEB_PLUGIN: Final = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def measure() -> list[Figure]:
    """Files a second of Overread and, where it is installed, of Orthanc, in turns; the API's peak memory."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        url, key, pid = servers.enter_context(_overread(Path(folder)))
        _send_overread(url, key, _study(SLICES))
        before = _peak_megabytes(pid)
        other = ""
        if ORTHANC and DICOMWEB_PLUGIN.is_file():
            other = servers.enter_context(_orthanc(Path(folder) / "orthanc"))
            _send_orthanc(other, _study(SLICES))
        for _ in range(REPEATS):
            ours.append(FILES / seconds(partial(_send_overread, url, key, _study(FILES))))
            if other:
                theirs.append(FILES / seconds(partial(_send_orthanc, other, _study(FILES))))
        peak = _peak_megabytes(pid)
    rate = statistics.median(ours)
    beside, ratio, reached = "Orthanc is not installed: not compared", None, None
    if theirs:
        ratio = rate / statistics.median(theirs)
        beside, reached = f"Orthanc STOW-RS ({statistics.median(theirs):.0f} files/s)", ratio >= 1
    return [
        Figure(f"upload of {FILES} DICOM files in one request", rate, "files/s", beside, ratio, ">= 1x", reached),
        Figure("API process, peak resident", peak, "MB", "", None, f"<= {API_MEGABYTES:.0f} MB", peak <= API_MEGABYTES),
        Figure(f"growth from {SLICES} to {FILES} files", peak - before, "MB", "constant: the size does not matter"),
    ]


def api_memory() -> tuple[float, float]:
    """Peak megabytes of the API after SLICES files and after FILES in one request, the second time it sees so many."""
    with tempfile.TemporaryDirectory() as folder, _overread(Path(folder)) as (url, key, pid):
        _send_overread(url, key, _study(SLICES))
        few = _peak_megabytes(pid)
        for _ in range(2):
            _send_overread(url, key, _study(FILES))
        return few, _peak_megabytes(pid)


def _study(count: int) -> list[bytes]:
    """`count` small CT images of one new study, as files."""
    study, series = generate_uid(), ""
    files = []
    for number in range(count):
        series = generate_uid() if number % SLICES == 0 else series
        files.append(_image(study, series, number))
    return files


def _image(study: str, series: str, number: int) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
    dataset.PatientID, dataset.PatientName, dataset.Modality = "bench", "Bench^Mark", "CT"
    dataset.InstanceNumber = number
    dataset.Rows = dataset.Columns = SIDE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    noise = np.random.default_rng(number).integers(0, 4096, (SIDE, SIDE), dtype=np.uint16)
    dataset.PixelData = noise.tobytes()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _send_overread(url: str, key: str, files: list[bytes]) -> None:
    head = 'Content-Disposition: form-data; name="files"; filename="image.dcm"\r\nContent-Type: application/dicom'
    answer = httpx.post(
        f"{url}/api/v1/studies",
        content=_multipart(head, files),
        headers={"Authorization": f"Bearer {key}", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        timeout=600,
    )
    if {outcome["status"] for outcome in answer.json()["received"]} != {"stored"}:
        raise SystemExit(f"Overread did not store the files: {answer.status_code}")


def _send_orthanc(url: str, files: list[bytes]) -> None:
    answer = httpx.post(
        f"{url}/dicom-web/studies",
        content=_multipart("Content-Type: application/dicom", files),
        headers={
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
            "Accept": "application/dicom+json",
        },
        timeout=600,
    )
    if len(answer.raise_for_status().json()["00081199"]["Value"]) != len(files):  # PS3.18 Annex I: what was stored
        raise SystemExit("Orthanc did not store the files")


def _multipart(head: str, files: list[bytes]) -> bytes:
    parts = b"".join(b"--%s\r\n%s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), head.encode(), file) for file in files)
    return parts + b"--%s--\r\n" % BOUNDARY.encode()


@contextmanager
def _overread(folder: Path) -> Iterator[tuple[str, str, int]]:
    """The API alone in a process of its own: (url, API key, process id)."""
    settings = Settings(data_dir=folder / "overread", models_dir=folder / "no-models")
    migrate.upgrade(settings)
    store = open_store(settings)
    with unit_of_work(store.database) as session:
        key = users.create_key(session, "benchmark", Role.TECHNICIAN, "system").key
    store.close()
    port = _free_port()
    environment = os.environ | {
        "OVERREAD_DATA_DIR": str(settings.data_dir),
        "OVERREAD_MODELS_DIR": str(settings.models_dir),
    }
    command = [sys.executable, "-m", "uvicorn", "services.api.app:app", "--port", str(port), "--log-level", "error"]
    with _serving(command, f"http://127.0.0.1:{port}/healthz", folder / "overread.log", environment) as pid:
        yield f"http://127.0.0.1:{port}", key, pid


@contextmanager
def _orthanc(folder: Path) -> Iterator[str]:
    """Orthanc with its DICOMweb plugin and its own defaults, on a free port: its url."""
    folder.mkdir()
    port = _free_port()
    configuration = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "AuthenticationEnabled": False,
        "Plugins": [str(DICOMWEB_PLUGIN)],
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(configuration))
    command = [str(ORTHANC), str(file)]
    with _serving(command, f"http://127.0.0.1:{port}/system", folder / "orthanc.log", dict(os.environ)):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _serving(command: list[str], health: str, log: Path, environment: dict[str, str]) -> Iterator[int]:
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environment) as server:
        try:
            _wait_for(health, server, log)
            yield server.pid
        finally:
            server.terminate()


def _wait_for(health: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            if httpx.get(health).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit(f"a server did not start: {log.read_text()[-500:]}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _peak_megabytes(pid: int) -> float:
    """The most a process held in memory so far (VmHWM, proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
