"""An archive behind DICOMweb as a source: QIDO-RS finds its studies (PS3.18 10.6), WADO-RS hands them over (10.4)."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from pipelines.core.errors import OverreadError, SourceRefused, SourceUnavailable
from services.archive.asked import ArchiveQuery
from services.archive.base import CHUNK_BYTES, FetchedFile
from services.archive.days import DATE_FORMAT, Days, StudyFound, found_at, study_found
from services.archive.pace import Pace
from services.archive.related import RelatedParts, boundary_of
from services.known_archives import DicomwebArchive
from services.settings import MEBIBYTE

DICOM: Final = "application/dicom"
#: As it is stored: without the parameter an archive may decode every image (PS3.18 8.7.3.5.2).
STUDY_TYPE: Final = f'multipart/related; type="{DICOM}"; transfer-syntax=*'
JSON_TYPE: Final = "application/dicom+json"
#: A page of an honest archive stays far below; it is read whole.
LONGEST_PAGE: Final = 64 * MEBIBYTE
STUDY_UID: Final = "0020000D"
STUDY_DATE: Final = "00080020"
MODALITIES: Final = "00080061"
NAMELESS: Final = "object.dcm"
_REFUSING: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class Dicomweb:
    """Studies of a DICOMweb archive, see base.Source; a locator is the study date and the Study Instance UID."""

    def __init__(self, archive: DicomwebArchive, query: ArchiveQuery) -> None:
        """Connects when the first question is asked."""
        self._archive = archive
        self._modality = query.modality
        self._days = Days(self, query.first, query.last)
        self._pace = Pace(archive.requests_per_second)
        self._client: httpx.Client | None = None

    def locators(self, after: str | None, limit: int) -> Sequence[str]:
        """See base.Source."""
        return self._days.locators(after, limit)

    def fetch(self, locator: str) -> Iterator[FetchedFile]:
        """See base.Source; one request brings the whole study, as it is stored."""
        with self._get(f"studies/{found_at(locator).uid}", STUDY_TYPE) as answer:
            if answer.status_code == HTTPStatus.NO_CONTENT:
                raise SourceRefused("the archive has no images of this study", code="source_gone")
            boundary = boundary_of(answer.headers.get("content-type", ""))
            if boundary is None:
                raise SourceRefused("the archive answered with something else than images", code="source_refused")
            yield from RelatedParts(boundary, _pieces(answer), NAMELESS).files()

    def close(self) -> None:
        """See base.Source."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def studies(self, first: date, last: date) -> Sequence[StudyFound] | None:
        """See days.StudyIndex.

        Pages by offset until one brings nothing new: an archive may give fewer than asked for (8.3.4.4), may not know
        offsets, and may shift them while studies come and go.
        """
        found: set[StudyFound] = set()
        offset = 0
        while page := self._page(first, last, offset):
            if first < last and len(page) >= self._archive.page:
                return None
            known = len(found)
            found |= {one for uid, day in page if (one := study_found(day, uid)) is not None}
            offset += len(page)
            if len(found) == known:
                break
        return list(found)

    def _page(self, first: date, last: date, offset: int) -> list[tuple[str, str]]:
        """(Study Instance UID, study date) of one page, as the archive has them."""
        asked = {
            "StudyDate": f"{first:{DATE_FORMAT}}-{last:{DATE_FORMAT}}",
            "limit": str(self._archive.page),
            "offset": str(offset),
        } | ({"ModalitiesInStudy": self._modality} if self._modality else {})
        with self._get("studies", JSON_TYPE, asked) as answer:
            body = b"" if answer.status_code == HTTPStatus.NO_CONTENT else _whole(answer)
        try:
            return [(_first(one, STUDY_UID), _first(one, STUDY_DATE)) for one in (json.loads(body) if body else [])]
        except (ValueError, TypeError, AttributeError) as error:
            raise SourceUnavailable("the archive's list of studies does not read") from error

    @contextmanager
    def _get(self, path: str, accept: str, query: dict[str, str] | None = None) -> Iterator[httpx.Response]:
        """An answer with its body still to come. Raises SourceRefused, SourceUnavailable."""
        self._pace.wait()
        if self._client is None:
            self._client = _client(self._archive)
        try:
            with self._client.stream("GET", path, params=query, headers={"Accept": accept}) as answer:
                if not answer.is_success:
                    raise _reason(answer.status_code)
                yield answer
        except httpx.HTTPError as error:
            raise SourceUnavailable from error


def _client(archive: DicomwebArchive) -> httpx.Client:
    """Reads the secrets now, so that a changed file counts from the next batch on. Raises SourceRefused."""
    headers, auth = {}, None
    if archive.token_file is not None:
        headers["Authorization"] = f"Bearer {_secret(archive.token_file)}"
    if archive.user is not None and archive.password_file is not None:
        auth = httpx.BasicAuth(archive.user, _secret(archive.password_file))
    try:
        trusted = ssl.create_default_context(cafile=archive.ca_file)
    except OSError as error:
        raise SourceRefused("the archive's ca_file cannot be read", code="source_credentials") from error
    url = str(archive.url).rstrip("/") + "/"
    return httpx.Client(base_url=url, auth=auth, headers=headers, verify=trusted, timeout=archive.timeout_seconds)


def _secret(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceRefused("the file with the archive's secret cannot be read", code="source_credentials") from error


def _reason(status: int) -> OverreadError:
    if status in _REFUSING:
        return SourceRefused("the archive does not let us in", code="source_credentials", status=status)
    if status in _GONE:
        return SourceRefused("the archive does not have this study any more", code="source_gone", status=status)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SourceUnavailable(status=status)
    return SourceRefused("the archive refuses the request", code="source_refused", status=status)


def _pieces(answer: httpx.Response) -> Iterator[bytes]:
    """The body as it comes; raises SourceUnavailable in whoever reads it."""
    try:
        yield from answer.iter_bytes(CHUNK_BYTES)
    except httpx.HTTPError as error:
        raise SourceUnavailable("the archive's answer broke off") from error


def _whole(answer: httpx.Response) -> bytes:
    body = bytearray()
    for piece in _pieces(answer):
        body += piece
        if len(body) > LONGEST_PAGE:
            raise SourceUnavailable("the archive's list of studies is too long; a smaller page may help")
    return bytes(body)


def _first(study: dict[str, dict[str, list[object]]], tag: str) -> str:
    """The first value of an element in the DICOM JSON model (PS3.18 F.2); empty where there is none."""
    values = study.get(tag, {}).get("Value", [])
    return str(values[0]) if values else ""
