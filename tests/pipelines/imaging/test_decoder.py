from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from pipelines.core.errors import (
    BadInput,
    CorruptPixels,
    DecoderDied,
    NoPixelData,
    NotAnImage,
    OutOfMemory,
    UnsuitableInput,
)
from pipelines.core.types import Laterality
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.photograph import PhotographIdentity
from pipelines.imaging.picture import Window

Make = Callable[..., Path]
GREY = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "PlanarConfiguration": None}
SIXTEEN = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}
RAMP = np.arange(64, dtype=np.uint16) * 64


@pytest.fixture
def photo_object(decoder: Decoder, retina_photo: Path, tmp_path: Path) -> Path:
    """The real photograph as a DICOM object, 1411 x 1411."""
    target = tmp_path / "retina.dcm"
    decoder.wrap_photograph(retina_photo, target, PhotographIdentity("P-1", "1.2.3", Laterality.LEFT))
    return target


@pytest.fixture
def large(synthetic_dicom: Make) -> Path:
    """6000 x 6000 uncompressed RGB, 108 MB."""
    return synthetic_dicom(Rows=6000, Columns=6000, PixelData=bytes(6000 * 6000 * 3))


def test_colours_come_out_as_they_went_in(decoder: Decoder, synthetic_dicom: Make) -> None:
    picture = decoder.decode_dicom(synthetic_dicom())
    assert np.array_equal(picture.array.ravel(), np.arange(192, dtype=np.uint8))
    assert (picture.original_shape, picture.scale) == ((8, 8), 1.0)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless, RLELossless])
def test_lossless_syntaxes_give_the_same_picture(decoder: Decoder, synthetic_dicom: Make, syntax: str) -> None:
    pixels = np.arange(64 * 64 * 3, dtype=np.uint8)
    path = synthetic_dicom(Rows=64, Columns=64, PixelData=pixels.tobytes())
    dataset = dcmread(path)
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(path)
    assert np.array_equal(decoder.decode_dicom(path).array.ravel(), pixels)


@pytest.mark.parametrize(
    ("min_side", "side", "scale"), [(None, 1411, 1), (1411, 1411, 1), (700, 706, 2), (200, 353, 4), (100, 177, 8)]
)
def test_a_jpeg_decodes_at_reduced_scale_while_it_stays_large_enough(
    decoder: Decoder, photo_object: Path, min_side: int | None, side: int, scale: int
) -> None:
    picture = decoder.decode_dicom(photo_object, min_side)
    assert picture.array.shape == (side, side, 3)
    assert (picture.original_shape, picture.scale) == ((1411, 1411), 1 / scale)


def test_reduced_scale_shows_the_same_picture(decoder: Decoder, photo_object: Path) -> None:
    whole = decoder.decode_dicom(photo_object).array
    mean = whole[:1408, :1408].reshape(352, 4, 352, 4, 3).mean(axis=(1, 3))
    reduced = decoder.decode_dicom(photo_object, 352).array[:352, :352]
    assert np.abs(reduced - mean).mean() < 1.5


def test_a_losslessly_stored_photograph_is_reduced_too(decoder: Decoder, retina_photo: Path, tmp_path: Path) -> None:
    with Image.open(retina_photo) as photograph:
        photograph.save(tmp_path / "retina.png")
    identity = PhotographIdentity("P-1", "1.2.3", Laterality.LEFT)
    decoder.wrap_photograph(tmp_path / "retina.png", tmp_path / "retina.dcm", identity)
    assert decoder.decode_dicom(tmp_path / "retina.dcm", 352).array.shape == (353, 353, 3)


def test_grey_of_twelve_bits_becomes_eight(decoder: Decoder, synthetic_dicom: Make) -> None:
    picture = decoder.decode_dicom(synthetic_dicom(PixelData=RAMP.tobytes(), **GREY, **SIXTEEN)).array
    assert np.array_equal(picture[..., 1].ravel(), RAMP >> 4)
    assert np.array_equal(picture[..., 0], picture[..., 2])


def test_monochrome1_is_turned_over(decoder: Decoder, synthetic_dicom: Make) -> None:
    turned = {**GREY, "PhotometricInterpretation": "MONOCHROME1"}
    picture = decoder.decode_dicom(synthetic_dicom(PixelData=bytes(range(64)), **turned)).array
    assert np.array_equal(picture[..., 0].ravel(), 255 - np.arange(64))


def test_ybr_full_becomes_rgb(decoder: Decoder, synthetic_dicom: Make) -> None:
    grey = np.repeat(np.arange(64, dtype=np.uint8), 3).reshape(64, 3)
    grey[:, 1:] = 128
    picture = decoder.decode_dicom(
        synthetic_dicom(PixelData=grey.tobytes(), PhotometricInterpretation="YBR_FULL")
    ).array
    assert np.array_equal(picture.reshape(64, 3), np.repeat(np.arange(64), 3).reshape(64, 3))


def test_a_palette_is_looked_up(decoder: Decoder, synthetic_dicom: Make) -> None:
    table = np.arange(256, dtype=np.uint16) * 256
    colours = {f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16] for name in ("Red", "Green", "Blue")}
    tables = {f"{name}PaletteColorLookupTableData": table.tobytes() for name in ("Red", "Green", "Blue")}
    palette = {**GREY, "PhotometricInterpretation": "PALETTE COLOR", **colours, **tables}
    picture = decoder.decode_dicom(synthetic_dicom(PixelData=bytes(range(64)), **palette)).array
    assert np.array_equal(picture[..., 0].ravel(), np.arange(64))


def test_a_rendered_picture_has_the_width_asked_for_and_is_never_enlarged(
    decoder: Decoder, photo_object: Path, tmp_path: Path
) -> None:
    for asked, width in ((500, 500), (None, 1411), (5000, 1411)):
        (tmp_path / "shown.jpg").write_bytes(decoder.rendered(photo_object, asked))
        with Image.open(tmp_path / "shown.jpg") as shown:
            assert (shown.format, shown.size) == ("JPEG", (width, width))


def test_a_window_decides_what_is_black_and_white(decoder: Decoder, synthetic_dicom: Make, tmp_path: Path) -> None:
    path = synthetic_dicom(PixelData=RAMP.tobytes(), RescaleSlope=1, RescaleIntercept=-1000, **GREY, **SIXTEEN)
    (tmp_path / "shown.jpg").write_bytes(decoder.rendered(path, window=Window(1000, 10)))
    with Image.open(tmp_path / "shown.jpg") as shown:
        pixels = np.asarray(shown.convert("L"))
    assert (pixels[0] < 30).all()
    assert (pixels[-1] > 220).all()


def test_a_frame_can_be_rendered_that_cannot_be_graded(decoder: Decoder, synthetic_dicom: Make) -> None:
    path = synthetic_dicom(NumberOfFrames=2, PixelData=bytes(128), **GREY)
    assert decoder.rendered(path, frame=1).startswith(b"\xff\xd8")
    with pytest.raises(UnsuitableInput, match="one frame"):
        decoder.decode_dicom(path)
    with pytest.raises(UnsuitableInput, match="no such frame"):
        decoder.rendered(path, frame=2)


def test_no_pixel_data_has_its_own_error(decoder: Decoder, synthetic_dicom: Make) -> None:
    with pytest.raises(NoPixelData):
        decoder.decode_dicom(synthetic_dicom(PixelData=None))


def test_a_file_that_is_not_dicom_has_its_own_error(decoder: Decoder, retina_photo: Path) -> None:
    with pytest.raises(NotAnImage):
        decoder.decode_dicom(retina_photo)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGLSLossless, JPEG2000Lossless, RLELossless])
@pytest.mark.parametrize("stream", [b"garbage!", b"\xff\xd8\xff\xe0\x00\x10JFIF", bytes(1000)])
def test_a_corrupt_codestream_has_its_own_error(
    decoder: Decoder, synthetic_dicom: Make, syntax: str, stream: bytes
) -> None:
    path = synthetic_dicom()
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([stream])
    dataset.PhotometricInterpretation = "YBR_FULL_422" if syntax == JPEGBaseline8Bit else "RGB"
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)
    with pytest.raises(CorruptPixels) as refused:
        decoder.decode_dicom(path)
    assert refused.value.code == "corrupt_pixels"
    assert str(path) not in refused.value.sentence


def test_a_codestream_of_another_size_is_corrupt(decoder: Decoder, photo_object: Path) -> None:
    dataset = dcmread(photo_object)
    dataset.Rows = 1410
    dataset.save_as(photo_object)
    with pytest.raises(CorruptPixels, match="another size"):
        decoder.decode_dicom(photo_object)


def test_absurd_dimensions_are_refused_before_anything_is_allocated(decoder: Decoder, photo_object: Path) -> None:
    dataset = dcmread(photo_object)
    dataset.Rows = dataset.Columns = 65535
    dataset.save_as(photo_object)
    with pytest.raises(UnsuitableInput, match="absurd"):
        decoder.decode_dicom(photo_object)


def test_no_message_holds_a_file_name(decoder: Decoder, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        decoder.decode_dicom(tmp_path / "Jane_Doe.dcm")
    assert "Jane" not in refused.value.sentence


def test_a_child_over_its_memory_says_so_and_the_next_one_works(large: Path, synthetic_dicom: Make) -> None:
    with Decoder(memory_bytes=500_000_000) as small:
        assert small.decode_dicom(synthetic_dicom("one.dcm")).scale == 1
        with pytest.raises(OutOfMemory):
            small.rendered(large, 3000)
        assert small.decode_dicom(synthetic_dicom("two.dcm")).scale == 1


def test_a_child_that_takes_too_long_is_ended(large: Path) -> None:
    with Decoder() as patient:
        patient.start()
        patient._timeout_s = 0.0  # however fast the machine is
        with pytest.raises(DecoderDied) as ended:
            patient.decode_dicom(large)
        assert ended.value.code == "decode_timeout"
        assert patient.pid is None


def test_an_idle_child_that_was_killed_is_replaced_unnoticed(synthetic_dicom: Make) -> None:
    path = synthetic_dicom()
    with Decoder() as decoder:
        decoder.start()
        first = decoder.pid
        assert first
        os.kill(first, signal.SIGKILL)
        assert decoder.decode_dicom(path).scale == 1
        assert decoder.pid != first


def test_a_picture_that_kills_each_child_is_to_blame(large: Path) -> None:
    with Decoder() as decoder:
        decoder.start()
        over = threading.Event()

        def kill_each() -> None:
            while not over.is_set():
                with suppress(ProcessLookupError):
                    if pid := decoder.pid:
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.01)

        killer = threading.Thread(target=kill_each)
        killer.start()
        try:
            with pytest.raises(DecoderDied):
                decoder.decode_dicom(large)
        finally:
            over.set()
            killer.join()


PARENT = """
import sys, time
from pathlib import Path
from pipelines.imaging.decoder import Decoder
decoder = Decoder()
decoder.start()
print(decoder.pid, flush=True)
time.sleep(60)
"""


def test_the_child_dies_with_its_parent() -> None:
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists()


def test_threads_may_share_a_decoder(decoder: Decoder, synthetic_dicom: Make) -> None:
    paths = [synthetic_dicom(f"{side}.dcm", Rows=side, Columns=side) for side in range(8, 24)]
    heights: dict[int, int] = {}

    def read(side: int, path: Path) -> None:
        heights[side] = decoder.decode_dicom(path).array.shape[0]

    threads = [threading.Thread(target=read, args=pair) for pair in zip(range(8, 24), paths, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heights == {side: side for side in range(8, 24)}


def test_asking_costs_no_decoding_library() -> None:
    heavy = ("torch", "cv2", "PIL", "pydicom")
    script = f"import sys, pipelines.imaging.decoder; print([name for name in {heavy} if name in sys.modules])"
    root = Path(__file__).resolve().parents[3]
    said = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_child_gets_no_secrets_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_SECRET", "hush")
    with Decoder() as decoder:
        decoder.start()
        assert b"hush" not in Path(f"/proc/{decoder.pid}/environ").read_bytes()
