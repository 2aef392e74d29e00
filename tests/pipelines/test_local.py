from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from pipelines.imaging.sniff import MediaKind, sniff_file
from pipelines.local import read_files, write_reading
from pipelines.registry import entry
from pipelines.retinopathy import Retinopathy

MADE = datetime(2026, 1, 2, 3, 4, 5)


def test_a_folder_holds_the_result_its_artifacts_and_its_objects(
    retinopathy: Retinopathy, retina_photo: Path, tmp_path: Path
) -> None:
    retinopathy_entry = entry("retinopathy")
    local = read_files([retina_photo], retinopathy, retinopathy_entry, retinopathy.decoder)
    files = write_reading(local, retinopathy_entry, tmp_path / "out", MADE)
    assert {path.name for path in files} == {path.name for path in (tmp_path / "out").iterdir()}
    assert {path.name for path in files} == {
        "result.json",
        "report.dcm",
        "U-1-overlay.dcm",
        "U-1-map.npy",
        "U-1-heatmap.png",
        "U-1-overlay.png",
    }
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["artifacts"][0]["bytes"] == (tmp_path / "out" / result["artifacts"][0]["name"]).stat().st_size
    assert {sniff_file(path) for path in files if path.suffix == ".dcm"} == {MediaKind.DICOM}
