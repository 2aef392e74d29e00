"""The MNI template of nilearn's wheel, read without importing nilearn."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np

from pipelines.imaging.grid import Grid, Volume

#: ICBM 2009a symmetric average T1 of 152 heads, 1 mm, brain alone (Fonov et al., NeuroImage 2011;54:313-27).
_TEMPLATE: Final = Path("datasets") / "data" / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


@cache
def mni_template() -> Volume:
    """The template at 1 mm; raises ModuleNotFoundError where nilearn, a dependency, is not installed."""
    spec = find_spec("nilearn")  # not imported: its import alone takes a second
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("nilearn, whose wheel holds the MNI template, is not installed")
    stored: Any = nibabel.load(Path(spec.submodule_search_locations[0]) / _TEMPLATE)  # Any: nibabel has no types
    i, j, k = stored.shape
    return Volume(np.asarray(stored.dataobj, np.float32), Grid((i, j, k), np.asarray(stored.affine, np.float64)))
