"""The pipelines there are: name -> what each accepts, where it runs and which class it is; nothing is loaded here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from pipelines.core.codes import KSPACE_FILE, NIFTI_FILE
from pipelines.core.entry import Accepts, Entry, SubjectHeader
from pipelines.core.errors import NotFound

if TYPE_CHECKING:
    from pipelines.imaging.decoder import Decoder
    from pipelines.pipeline import AnyPipeline

__all__ = ["ENTRIES", "Accepts", "Entry", "SubjectHeader", "entry", "resolve"]

#: PS3.4 Annex B.5, Table B.5-1: Storage SOP Classes that may hold a colour fundus photograph.
FUNDUS_SOP_CLASSES: Final = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.77.1.5.1",  # Ophthalmic Photography 8 Bit Image
        "1.2.840.10008.5.1.4.1.1.77.1.5.2",  # Ophthalmic Photography 16 Bit Image
        "1.2.840.10008.5.1.4.1.1.77.1.4",  # VL Photographic Image: what some table-top cameras send
        "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture Image: what older fundus cameras send with modality OP
    }
)


def _reconstruction(name: str, method: str, title: str, on_request: bool = True) -> Entry:
    """One way to reconstruct raw MRI data; all of them share a class and a bundle."""
    return Entry(
        name=name,
        class_path="pipelines.reconstruction:Reconstruction",
        accepts=Accepts(modalities=frozenset({"MR"}), sop_classes=frozenset({KSPACE_FILE})),
        queue="reconstruction",
        model="brain_mri_reconstruction",
        subject="series",
        revision=1,
        title=title,
        exporters=("json", "series"),
        on_request=on_request,
        parameters={"method": method},
    )


#: PS3.4 Annex B.5, Table B.5-1: what a brain MR volume comes as; NIfTI files besides.
MR_SOP_CLASSES: Final = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.4",  # MR Image
        "1.2.840.10008.5.1.4.1.1.4.1",  # Enhanced MR Image
        "1.2.840.10008.5.1.4.1.1.4.4",  # Legacy Converted Enhanced MR Image
        NIFTI_FILE,
    }
)

#: PS3.4 Annex B.5, Table B.5-1: what `overread selftest` sends, an object about nobody.
SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"

ENTRIES: Final[Mapping[str, Entry]] = {
    "retinopathy": Entry(
        name="retinopathy",
        class_path="pipelines.retinopathy:Retinopathy",
        accepts=Accepts(modalities=frozenset({"OP"}), sop_classes=FUNDUS_SOP_CLASSES),
        queue="retinopathy",
        model="fundus_dr_grading",
        subject="study",
        revision=2,  # 2: each photograph is said to be familiar or not
        title="Diabetic retinopathy in fundus photographs",
        is_warm=True,
    ),
    "segmentation": Entry(
        name="segmentation",
        class_path="pipelines.segmentation:HippocampusSegmentation",
        accepts=Accepts(modalities=frozenset({"MR"}), sop_classes=MR_SOP_CLASSES),
        queue="segmentation",
        model="hippocampus_segmentation",
        subject="study",
        revision=1,
        title="Volumes of the hippocampus in brain MRI",
        exporters=("json", "sr", "seg"),
    ),
    "reconstruction": _reconstruction(
        "reconstruction", "unrolled", "MRI reconstruction from k-space", on_request=False
    ),
    "reconstruction_zero_filled": _reconstruction(
        "reconstruction_zero_filled", "zero_filled", "MRI reconstruction, zero-filled"
    ),
    "reconstruction_sense": _reconstruction(
        "reconstruction_sense", "sense", "MRI reconstruction, parallel imaging (SENSE)"
    ),
    "reconstruction_compressed_sensing": _reconstruction(
        "reconstruction_compressed_sensing", "compressed_sensing", "MRI reconstruction, compressed sensing"
    ),
    "selftest": Entry(
        name="selftest",
        class_path="pipelines.selftest:SelfTest",
        accepts=Accepts(modalities=frozenset({"OT"}), sop_classes=frozenset({SECONDARY_CAPTURE})),
        queue="selftest",
        model="selftest",  # no bundle of it is shipped: in a system at work it reads nothing
        subject="study",
        revision=1,
        title="The self-test of the system itself",
        exporters=("json",),
        on_request=True,
        is_internal=True,
        hard_seconds=10.0,  # an object that asks it to hang is found out within seconds
    ),
}


#: For the system's own tests: known, and named to nobody.
INTERNAL: Final = frozenset(name for name, each in ENTRIES.items() if each.is_internal)
#: What a person may choose from.
OFFERED: Final = tuple(sorted(ENTRIES.keys() - INTERNAL))


def entry(name: str) -> Entry:
    """The entry of this name; raises NotFound where there is none."""
    try:
        return ENTRIES[name]
    except KeyError:
        raise NotFound(f"there is no pipeline of this name; there are: {', '.join(OFFERED)}") from None


def resolve(
    entry: Entry, model_folder: Path, decoder: Decoder | None = None, *, memory_bytes: int | None = None
) -> AnyPipeline:
    """Import the entry's class and build it on the bundle in `model_folder`; for worker and command line only.

    The pipeline decodes through `decoder` and closes it with itself; without one it starts one of default limits.
    `memory_bytes` is what the process may hold in all; None leaves that to the machine.

    Raises WeightsRefused or ModelError from the bundle.
    """
    module, _, name = entry.class_path.partition(":")
    made = getattr(import_module(module), name)(model_folder, entry, decoder, memory_bytes=memory_bytes)
    return cast("AnyPipeline", made)
