"""Has the files of reports written in a process of limited memory and time: the PDF, the SR, a batch's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple

from pipelines.core.errors import OutOfMemory, ReportNotMade, ReportTimeout, ReportTooLarge
from pipelines.core.limited_process import LimitedProcess
from pipelines.core.report import Report
from pipelines.core.report_json import report_json
from pipelines.imaging.dicom import DicomHeader
from services.log import logger
from services.work.summary import Summary

log = logger("api")


class ReportProcess(LimitedProcess):
    """What the process can be asked; it is given values alone, never the database, and gives back a file's bytes.

    Each call raises ReportTooLarge, ReportTimeout, and ReportNotMade where the process ended or failed.
    """

    module = "services.work.report_child"
    died = ReportNotMade

    def overdue(self) -> ReportTimeout:
        """What a call raises that took too long."""
        return ReportTimeout(seconds=self._timeout_s)

    def pdf(self, report: Report, pictures: Mapping[str, bytes]) -> bytes:
        """A4 pages with the key pictures, JPEG by the sha256 of their blob; one that is missing is left out."""
        places = [[sha256, len(content)] for sha256, content in pictures.items()]
        request: dict[str, object] = {"call": "pdf", "report": report_json(report), "pictures": places}
        return self._made(request, b"".join(pictures.values()))

    def sr(self, report: Report, headers: Sequence[DicomHeader]) -> bytes:
        """A DICOM SR about the images of these headers; raises UnsuitableInput where it can refer to none of them."""
        rows = [astuple(header) for header in headers]
        return self._made({"call": "sr", "report": report_json(report), "headers": rows})

    def summary(self, summary: Summary) -> bytes:
        """A batch's summary as one page."""
        return self._made({"call": "summary", "summary": summary})

    def _made(self, request: dict[str, object], body: bytes = b"") -> bytes:
        try:
            header, made = self.call(request, body)
        except OutOfMemory as error:
            raise ReportTooLarge from error
        except ReportNotMade as error:
            log.warning("report.not_made", call=request["call"], code=error.code, **error.facts)
            raise
        if "defect" in header:
            log.error("report.defect", call=request["call"], at=header["defect"])
            raise ReportNotMade
        return bytes(made)
