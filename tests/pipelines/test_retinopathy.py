from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

from pipelines.core.errors import CorruptPixels, OverreadError, UnsuitableInput
from pipelines.core.receipt import is_intact
from pipelines.core.types import Laterality, Reading, Subject, Urgency
from pipelines.exporters.json import reading_json
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.picture import DRAWN
from pipelines.imaging.subject import subject_from_files
from pipelines.nets.bundle import open_bundle
from pipelines.nets.cam import grad_cam
from pipelines.nets.precision import CPU_BATCH, head_weights
from pipelines.registry import entry
from pipelines.retinopathy import Retinopathy
from tests.pipelines.conftest import MODEL


@pytest.fixture
def both_eyes(retina_photo: Path, tmp_path: Path) -> list[Path]:
    """The real photograph as a left eye, mirrored as a right one."""
    left, right = tmp_path / "visit_L.jpg", tmp_path / "visit_R.jpg"
    left.write_bytes(retina_photo.read_bytes())
    with Image.open(retina_photo) as photograph:
        photograph.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(right, quality=95)
    return [left, right]


def read(pipeline: Retinopathy, paths: list[Path]) -> Reading:
    with subject_from_files(paths, pipeline.decoder) as local:
        return pipeline.run(local.subject)


def test_both_eyes_of_a_visit_are_one_reading(retinopathy: Retinopathy, both_eyes: list[Path]) -> None:
    reading = read(retinopathy, both_eyes)
    assert {(each.label, each.laterality) for each in reading.findings} == {
        (label, side)
        for label in ("dr_grade", "referable_dr", "dme_risk")
        for side in (None, Laterality.LEFT, Laterality.RIGHT)
    }
    assert {image.laterality for image in reading.images} == {Laterality.LEFT, Laterality.RIGHT}
    grade = reading.findings[0]
    assert grade.probabilities is not None
    assert sum(grade.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert grade.value in range(5)


def test_every_image_has_its_three_artifacts(retinopathy: Retinopathy, both_eyes: list[Path]) -> None:
    reading = read(retinopathy, both_eyes)
    names = [artifact.name for artifact in reading.artifacts]
    assert sorted(names) == sorted(
        f"{eye}-1-{kind}" for eye in "LR" for kind in ("map.npy", "heatmap.png", "overlay.png")
    )
    assert sorted(name for image in reading.images for name in image.artifacts) == sorted(names)
    content = {artifact.name: artifact.content for artifact in reading.artifacts}
    with Image.open(io.BytesIO(content["L-1-overlay.png"])) as overlay:
        assert (overlay.mode, max(overlay.size)) == ("RGB", 706)
    with Image.open(io.BytesIO(content["L-1-heatmap.png"])) as heatmap:
        assert (heatmap.mode, heatmap.size) == ("RGBA", (512, 512))


def test_the_stored_map_is_exact_grad_cam(retinopathy: Retinopathy, retina_photo: Path) -> None:
    with subject_from_files([retina_photo], retinopathy.decoder) as local:
        (inferred,) = retinopathy.grade(local.subject)
        reading = retinopathy.run(local.subject)
    weights = head_weights(open_bundle(MODEL))[inferred.graded.grade]
    stored = np.load(io.BytesIO(reading.artifacts[0].content))
    assert np.array_equal(stored, grad_cam(inferred.features, weights))
    assert reading.explanation is not None
    assert reading.explanation.target == f"dr_grade={inferred.graded.grade}"
    assert all(0 <= figure <= 1 for figure in reading.explanation.trust.values())


def test_the_same_photographs_give_the_same_bytes(retinopathy: Retinopathy, both_eyes: list[Path]) -> None:
    first, second = read(retinopathy, both_eyes), read(retinopathy, both_eyes[::-1])
    assert replace(first, seconds={}) == replace(second, seconds={})


def test_a_fresh_process_state_gives_the_same_bytes(
    retinopathy: Retinopathy, decoder: Decoder, retina_photo: Path
) -> None:
    again = Retinopathy(MODEL, entry("retinopathy"), decoder=decoder)
    first, second = read(retinopathy, [retina_photo]), read(again, [retina_photo])
    assert replace(first, seconds={}) == replace(second, seconds={})


def test_a_photograph_is_graded_alike_whatever_lies_beside_it(retinopathy: Retinopathy, both_eyes: list[Path]) -> None:
    alone, beside = read(retinopathy, both_eyes[:1]), read(retinopathy, both_eyes)
    left = [finding for finding in alone.findings if finding.laterality is Laterality.LEFT]
    assert left == [finding for finding in beside.findings if finding.laterality is Laterality.LEFT]


def test_global_random_states_are_untouched(retinopathy: Retinopathy, retina_photo: Path) -> None:
    drawn = torch.get_rng_state()
    legacy = np.random.get_state()[1].copy()
    read(retinopathy, [retina_photo])
    assert torch.equal(torch.get_rng_state(), drawn)
    assert np.array_equal(np.random.get_state()[1], legacy)


def test_a_picture_without_a_retina_is_ungradable_and_asks_for_a_look(
    retinopathy: Retinopathy, black_photo: Path
) -> None:
    reading = read(retinopathy, [black_photo])
    assert (reading.abstained, reading.abstain_reason, reading.urgency) == (True, "ungradable", Urgency.CHECK)
    assert {finding.value for finding in reading.findings} == {None}
    assert reading.quality.reasons == ("no_retina",)
    assert reading.explanation is not None
    assert not reading.explanation.reliable
    assert reading.explanation.note


def test_one_blind_eye_makes_the_visit_abstain_but_hides_nothing(
    retinopathy: Retinopathy, both_eyes: list[Path], black_photo: Path
) -> None:
    reading = read(retinopathy, [both_eyes[0], black_photo])
    assert reading.abstained
    assert not reading.quality.gradable
    values = {finding.laterality: finding.value for finding in reading.findings if finding.label == "dr_grade"}
    assert values[Laterality.RIGHT] is None
    assert values[Laterality.LEFT] == values[None] is not None


def test_the_receipt_is_intact_and_names_what_went_in(retinopathy: Retinopathy, both_eyes: list[Path]) -> None:
    with subject_from_files(both_eyes, retinopathy.decoder) as local:
        reading = retinopathy.run(local.subject)
        hashes = {f"sha256:{instance.sha256}" for instance in local.subject.instances}
    assert is_intact(reading.receipt)
    assert set(reading.receipt.inputs) == hashes
    assert reading.receipt.weights == reading.model.sha256 == open_bundle(MODEL).weights_sha256


def test_the_receipt_states_by_what_familiarity_was_judged(retinopathy: Retinopathy, retina_photo: Path) -> None:
    stated = read(retinopathy, [retina_photo]).receipt.parameters["familiarity"]
    known = open_bundle(MODEL).inference["familiarity"]
    assert stated == {"sha256": known["sha256"], "limit": known["limits"]["both"]}


def test_an_unfamiliar_photograph_is_marked_and_answered(
    retinopathy: Retinopathy, retina_photo: Path, tmp_path: Path
) -> None:
    with subject_from_files([retina_photo], retinopathy.decoder) as local:
        dataset = pydicom.dcmread(local.subject.instances[0].path)
        dataset.ManufacturerModelName = "NW400"
        dataset.save_as(tmp_path / "other.dcm")
    reading = read(retinopathy, [tmp_path / "other.dcm"])
    (told,) = (image.familiarity for image in reading.images)
    assert told is not None
    assert (told.familiar, told.camera, told.camera_known) == (False, "NW400", False)
    assert not reading.abstained
    document = reading_json(reading)
    assert document["images"][0]["familiarity"]["camera"] == "NW400"


def test_a_photograph_from_no_named_camera_names_none(retinopathy: Retinopathy, retina_photo: Path) -> None:
    (told,) = (image.familiarity for image in read(retinopathy, [retina_photo]).images)
    assert told is not None
    assert (told.camera, told.camera_known) == (None, None)


def test_the_json_is_the_contracts(retinopathy: Retinopathy, retina_photo: Path) -> None:
    document = reading_json(read(retinopathy, [retina_photo]), id="1", study_id="2")
    assert set(document) >= {"id", "study_id", "pipeline", "model", "findings", "images", "quality", "abstained"}
    assert set(document) >= {"abstain_reason", "urgency", "explanation", "artifacts", "seconds", "receipt"}
    assert document["urgency"] in {"stat", "urgent", "check", "routine"}


def test_a_subject_without_photographs_is_unsuitable(retinopathy: Retinopathy) -> None:
    with pytest.raises(UnsuitableInput, match="no fundus photographs"):
        retinopathy.run(Subject("study", ()))


def test_other_objects_of_the_study_are_left_alone(retinopathy: Retinopathy, retina_photo: Path) -> None:
    with subject_from_files([retina_photo], retinopathy.decoder) as local:
        (photograph,) = local.subject.instances
        report = replace(photograph, path=Path("/nowhere"), modality="SR", sop_instance_uid="1.2.3")
        reading = retinopathy.run(Subject("study", (report, photograph)))
    assert len(reading.images) == 1


def test_a_corrupt_photograph_fails_the_job(retinopathy: Retinopathy, retina_photo: Path, tmp_path: Path) -> None:
    with subject_from_files([retina_photo], retinopathy.decoder) as local:
        (photograph,) = local.subject.instances
        data = photograph.path.read_bytes()
        cut = tmp_path / "cut.dcm"
        cut.write_bytes(data.replace(data[60_000:120_000], b""))
        with pytest.raises(CorruptPixels):
            retinopathy.run(Subject("study", (replace(photograph, path=cut),)))


@pytest.fixture
def visits(retinopathy: Retinopathy, both_eyes: list[Path], black_photo: Path) -> Iterator[list[Subject]]:
    """Visits of one, two and one photographs."""
    with ExitStack() as opened:
        rows = [both_eyes[:1], both_eyes, [black_photo]]
        yield [opened.enter_context(subject_from_files(paths, retinopathy.decoder)).subject for paths in rows]


def timeless(answer: Reading | OverreadError) -> Reading:
    assert isinstance(answer, Reading)
    return replace(answer, seconds={})


def test_in_a_batch_a_reading_is_the_same_bytes_whatever_is_read_beside_it(
    retinopathy: Retinopathy, visits: list[Subject]
) -> None:
    one, two, three = visits
    alone = [timeless(next(iter(retinopathy.run_batch([visit])))) for visit in visits]
    beside = [timeless(answer) for answer in retinopathy.run_batch([two, three, one, two, one, one])]
    assert beside == [alone[1], alone[2], alone[0], alone[1], alone[0], alone[0]]


def test_a_batch_says_of_a_study_what_a_single_reading_says(retinopathy: Retinopathy, visits: list[Subject]) -> None:
    single, together = retinopathy.run(visits[1]), timeless(next(iter(retinopathy.run_batch([visits[1]]))))
    assert [finding.value for finding in together.findings] == pytest.approx(
        [finding.value for finding in single.findings], abs=1e-5
    )
    assert together.images == single.images
    assert (together.urgency, together.abstained, together.quality) == (
        single.urgency,
        single.abstained,
        single.quality,
    )


def test_a_batch_has_a_receipt_of_its_own_shape_and_maps_without_pictures(
    retinopathy: Retinopathy, visits: list[Subject]
) -> None:
    together = timeless(next(iter(retinopathy.run_batch([visits[1]]))))
    assert together.receipt.batch_shape == (CPU_BATCH, 3, 448, 448)
    assert is_intact(together.receipt)
    assert [artifact.kind for artifact in together.artifacts] == ["map", "map"]


def test_what_is_drawn_later_is_what_a_single_reading_draws(
    retinopathy: Retinopathy, decoder: Decoder, visits: list[Subject]
) -> None:
    single = {artifact.name: artifact.content for artifact in retinopathy.run(visits[0]).artifacts}
    path = visits[0].instances[0].path
    for picture in DRAWN:
        assert decoder.drawn(path, single["L-1-map.npy"], picture) == single[picture.of("L-1")]


def test_what_is_no_map_is_not_drawn(decoder: Decoder, visits: list[Subject]) -> None:
    with pytest.raises(CorruptPixels):
        decoder.drawn(visits[0].instances[0].path, b"no map", DRAWN[0])
