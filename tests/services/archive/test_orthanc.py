"""Both ways into an archive that others wrote: Orthanc with its DICOMweb plug-in, where it is installed."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread

from services.archive.asked import ArchiveQuery
from services.archive.base import Source
from services.archive.dicomweb import Dicomweb
from services.archive.dimse import Dimse
from services.known_archives import DicomwebArchive, DimseArchive
from services.settings import Settings
from tests.services.archive.conftest import all_locators, contents
from tests.services.intake.conftest import series

ORTHANC = shutil.which("Orthanc")
PLUGINS = Path("/usr/share/orthanc/plugins")
READY_SECONDS = 90.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(ORTHANC is None, reason="Orthanc is not installed"),
    pytest.mark.skipif(not list(PLUGINS.glob("*DicomWeb*")), reason="Orthanc's DICOMweb plug-in is not installed"),
]


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc with nine objects in three studies."""

    url: str
    port: int
    listen_port: int
    uids: frozenset[str]

    def source(self, kind: str, settings: Settings) -> Source:
        """This archive as a source."""
        if kind == "dicomweb":
            told = {"kind": kind, "url": f"{self.url}/dicom-web", "requests_per_second": 1000}
            return Dicomweb(DicomwebArchive.model_validate(told), ArchiveQuery())
        told = {"kind": "dimse", "host": "127.0.0.1", "port": self.port, "aet": "ORTHANC", "retrieve": kind}
        told |= {"listen_port": self.listen_port, "listen_host": "127.0.0.1", "requests_per_second": 1000}
        return Dimse(DimseArchive.model_validate(told), ArchiveQuery(), settings)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """Starts it on free ports, fills it, and stops it."""
    folder = tmp_path_factory.mktemp("orthanc")
    http, dicom_port, listen_port = free_ports(3)
    settings = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "HttpPort": http,
        "DicomPort": dicom_port,
        "DicomAet": "ORTHANC",
        "DicomModalities": {"ours": ["OVERREAD", "127.0.0.1", listen_port]},
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [str(PLUGINS)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(ORTHANC), str(folder / "orthanc.json")], stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{http}"
        wait_until_ready(url)
        files = [file for day in range(3) for file in series(3, StudyDate=f"2024010{day + 1}")]
        for file in files:
            httpx.post(f"{url}/instances", content=file).raise_for_status()
        uids = frozenset(dcmread(BytesIO(file)).SOPInstanceUID for file in files)
        yield Orthanc(url, dicom_port, listen_port, uids)
    finally:
        process.terminate()
        process.wait(READY_SECONDS)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in taken]
    for one in taken:
        one.close()
    return ports


def wait_until_ready(url: str) -> None:
    """Return when it answers."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/system").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Orthanc did not start")


@pytest.mark.parametrize("kind", ["dicomweb", "move", "get"])
def test_every_object_of_the_archive_comes_once(orthanc: Orthanc, settings: Settings, kind: str) -> None:
    source = orthanc.source(kind, settings)
    locators = all_locators(source, 2)
    files = [file for locator in locators for file in contents(source.fetch(locator))]
    source.close()
    assert len(locators) == 3
    assert sorted(dcmread(BytesIO(file)).SOPInstanceUID for file in files) == sorted(orthanc.uids)
