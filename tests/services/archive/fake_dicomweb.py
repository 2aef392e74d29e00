"""A DICOMweb archive in this process, with the habits that real ones have."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

BOUNDARY = "pieces"


@dataclass
class FakeDicomweb:
    """What it holds, how it behaves, and what it was asked."""

    studies: dict[str, str]  # Study Instance UID -> study date
    objects: Mapping[str, list[bytes]] = field(default_factory=dict)
    most: int = 1000  # never more than so many studies in one answer, whatever was asked for
    knows_offset: bool = True
    password: str | None = None
    status: int = 200
    breaks_off: bool = False
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def list_studies(self, query: Mapping[str, list[str]]) -> list[dict[str, object]]:
        """A page, newest first: archives promise no order."""
        first, last = query["StudyDate"][0].split("-")
        found = sorted(((day, uid) for uid, day in self.studies.items() if first <= day <= last), reverse=True)
        offset = int(query["offset"][0]) if self.knows_offset else 0
        page = found[offset : offset + min(int(query["limit"][0]), self.most)]
        return [
            {"0020000D": {"vr": "UI", "Value": [uid]}, "00080020": {"vr": "DA", "Value": [day]}} for day, uid in page
        ]

    def study(self, uid: str) -> bytes:
        """A multipart/related body."""
        parts = [
            b"--%b\r\nContent-Type: application/dicom\r\n\r\n%b\r\n" % (BOUNDARY.encode(), one)
            for one in self.objects[uid]
        ]
        whole = b"".join(parts) + b"--%b--\r\n" % BOUNDARY.encode()
        return whole[: len(whole) - 40] if self.breaks_off else whole


@contextmanager
def serving(archive: FakeDicomweb) -> Iterator[FakeDicomweb]:
    """The archive at its `url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            archive.asked.append(self.path)
            place = urlsplit(self.path)
            uid = place.path.removeprefix("/dicom-web/studies").lstrip("/")
            wanted = "Basic " + base64.b64encode(f"reader:{archive.password}".encode()).decode()
            if archive.password is not None and self.headers["Authorization"] != wanted:
                self.answer(401, "text/plain", b"")
            elif archive.status != 200:
                self.answer(archive.status, "text/plain", b"")
            elif not uid:
                page = archive.list_studies(parse_qs(place.query))
                self.answer(200 if page else 204, "application/dicom+json", json.dumps(page).encode() if page else b"")
            elif uid in archive.objects:
                self.answer(
                    200, f'multipart/related; type="application/dicom"; boundary={BOUNDARY}', archive.study(uid)
                )
            else:
                self.answer(404, "text/plain", b"")

        def answer(self, status: int, media_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    archive.url = f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
    try:
        yield archive
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
