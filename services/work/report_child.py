"""The process that writes files of reports: values in, a file's bytes out; no database, and no settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipelines.core.errors import OutOfMemory, OverreadError
from pipelines.core.limited_child import Answer, Request, refusal, serve
from pipelines.core.places import places
from pipelines.core.report_json import report_from_json

#: A request's fields. Any: JSON.
Fields = Mapping[str, Any]


def main() -> None:
    """Serve requests from standard input until it closes."""
    # pydicom loads every decoder there is when it is imported. No pixel is decoded here, and this one takes 18 MB.
    sys.modules["gdcm"] = None  # type: ignore[assignment]  # so an import of it fails, as pydicom expects
    serve(_answer)


def _answer(request: Request, body: bytes) -> Answer:
    """One request to its file, or to the error that stands for it; a defect says its place in the code and no word."""
    try:
        return {}, _CALLS[str(request["call"])](request, body)
    except OverreadError as error:
        return refusal(error)
    except MemoryError:
        return refusal(OutOfMemory())
    except Exception as error:  # noqa: BLE001 - its message may quote the patient, and only its place is logged
        return {"defect": places(error)}, b""


# Each call loads its own library: most processes are asked for one of them, and the first answer should not wait for
# the other's.


def _pdf(request: Fields, body: bytes) -> bytes:
    from services.work.report_page import as_pdf

    pictures: dict[str, bytes] = {}
    begin = 0
    for sha256, size in request["pictures"]:
        pictures[sha256] = body[begin : begin + size]
        begin += size
    return as_pdf(report_from_json(request["report"]), lambda picture: pictures.get(picture.sha256))


def _sr(request: Fields, _body: bytes) -> bytes:
    from pipelines.exporters.report import report_object
    from pipelines.imaging.dicom import DicomHeader

    return report_object(report_from_json(request["report"]), [DicomHeader(*row) for row in request["headers"]])


def _summary(request: Fields, _body: bytes) -> bytes:
    from services.work.summary_page import as_pdf

    return as_pdf(request["summary"])


_CALLS: Final[Mapping[str, Callable[[Fields, bytes], bytes]]] = {"pdf": _pdf, "sr": _sr, "summary": _summary}

if __name__ == "__main__":
    main()
