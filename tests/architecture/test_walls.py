"""What must not be loaded where, looked at in running interpreters: import rules on paper miss indirect imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.source import ROOT


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that a fresh interpreter holds after the statement."""
    code = f"{statement}\nimport sys\nprint(' '.join(sorted(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ended.stdout.split())


@pytest.mark.parametrize("module", ["services.api.app", "services.intake.rest", "services.dashboard.static"])
def test_the_web_loads_no_science(module: str) -> None:
    networks = {"torch", "monai", "openvino", "captum"}
    pictures = {"cv2", "skimage", "scipy", "SimpleITK", "nibabel", "nilearn", "sklearn", "pandas"}
    raw_data = {"h5py", "ismrmrd", "xsdata", "sigpy", "numba"}
    writers = {"highdicom", "reportlab"}  # of reports, which a process of their own writes
    assert not loaded_by(f"import {module}") & (networks | pictures | raw_data | writers)


def test_the_pipeline_registry_loads_no_pipeline() -> None:
    assert "pipelines.retinopathy" not in loaded_by("import pipelines.registry")


def test_science_knows_no_services() -> None:
    loaded = loaded_by("import pipelines.retinopathy, pipelines.evaluate, pipelines.exporters")
    assert not loaded & {"services", "sqlalchemy", "celery", "fastapi", "pydantic_settings"}


def test_the_command_line_imports_nothing_heavy_before_a_command_runs() -> None:
    loaded = loaded_by("import services.cli.main")
    assert not loaded & {"torch", "numpy", "sqlalchemy", "celery", "fastapi", "httpx", "pydicom", "uvicorn"}
