"""The result formats there are: name -> exporter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipelines.exporters.base import Exporter
from pipelines.exporters.json import JsonExporter
from pipelines.exporters.secondary_capture import SecondaryCaptureExporter
from pipelines.exporters.seg import SegmentationExporter
from pipelines.exporters.series import SeriesExporter
from pipelines.exporters.sr import StructuredReportExporter

EXPORTERS: Final[Mapping[str, type[Exporter]]] = {
    "json": JsonExporter,
    "secondary_capture": SecondaryCaptureExporter,
    "seg": SegmentationExporter,
    "series": SeriesExporter,
    "sr": StructuredReportExporter,
}
