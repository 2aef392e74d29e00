"""What `overread demo` sends: made from images that installed packages ship, and labelled as such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from PIL import Image, ImageFilter

#: Mikael Häggström, "Fundus photograph of normal left eye", CC0; 1411 x 1411 pixels, shipped by scikit-image.
RETINA: Final = files("skimage") / "data" / "retina.jpg"
#: A cup of coffee, photographed by Rachel Michetti, CC0; shipped by scikit-image.
COFFEE: Final = files("skimage") / "data" / "coffee.png"
BLUR_RADIUS: Final = 14  # pixels: vessels vanish, the disc stays a bright patch
JPEG_QUALITY: Final = 95


@dataclass(frozen=True, slots=True)
class Sample:
    """One visit to send: its files in order, what is said beside them, and what a person should know of them."""

    title: str
    paths: tuple[Path, ...]
    fields: Mapping[str, str | list[str]] = field(default_factory=dict)


def write_samples(folder: Path) -> list[Sample]:
    """Write all samples' files into `folder`."""
    from services.cli.samples_brain import write_brain
    from services.cli.samples_lesions import write_lesions

    photographs, brain = write_photographs(folder), write_brain(folder)
    healthy, first_number = folder / "left.jpg", len(photographs) + len(brain) + 1
    return [*photographs, *write_lesions(folder, healthy, first_number), *brain]


def write_photographs(folder: Path) -> list[Sample]:
    """A real photograph of a retina and what is made from it; a picture of something else."""
    left, right = folder / "left.jpg", folder / "right.jpg"
    blurred, coffee = folder / "blurred.jpg", folder / "coffee.png"
    left.write_bytes(RETINA.read_bytes())
    coffee.write_bytes(COFFEE.read_bytes())
    with as_file(RETINA) as path, Image.open(path) as photograph:
        mirrored = photograph.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        mirrored.save(right, quality=JPEG_QUALITY)
        photograph.filter(ImageFilter.GaussianBlur(BLUR_RADIUS)).save(blurred, quality=JPEG_QUALITY)
    return [
        Sample(
            "A healthy left eye (a real photograph), and its mirror image in place of the right eye",
            (right, left),
            {"patient_id": "DEMO-1", "laterality": ["R", "L"]},
        ),
        Sample("The same photograph, blurred", (blurred,), {"patient_id": "DEMO-2", "laterality": "L"}),
        Sample("A cup of coffee, sent by mistake", (coffee,), {"patient_id": "DEMO-3", "laterality": "L"}),
    ]
