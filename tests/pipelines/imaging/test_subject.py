from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.core.errors import NotAnImage
from pipelines.core.types import Laterality
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.subject import subject_from_files


def test_photographs_become_one_study_and_their_side_comes_from_the_name(
    decoder: Decoder, retina_photo: Path, black_photo: Path
) -> None:
    with subject_from_files([retina_photo, black_photo], decoder) as local:
        instances = local.subject.instances
        assert {instance.laterality for instance in instances} == {None, Laterality.RIGHT}
        assert len({instance.study_instance_uid for instance in instances}) == 1
        assert [header.sop_instance_uid for header in local.headers] == [each.sop_instance_uid for each in instances]
        assert all(instance.path.exists() for instance in instances)
        paths = [instance.path for instance in instances]
    assert not any(path.exists() for path in paths)


def test_dicom_objects_are_taken_as_they_are(decoder: Decoder, synthetic_dicom: Callable[..., Path]) -> None:
    path = synthetic_dicom(StudyInstanceUID="1.2.3")
    with subject_from_files([path], decoder) as local:
        (instance,) = local.subject.instances
    assert (instance.path, instance.study_instance_uid, instance.laterality) == (path, "1.2.3", Laterality.LEFT)


def test_an_image_given_twice_is_taken_once(
    decoder: Decoder, retina_photo: Path, synthetic_dicom: Callable[..., Path], tmp_path: Path
) -> None:
    image = synthetic_dicom()
    for copy in ("again.dcm", "once more.dcm"):
        (tmp_path / copy).write_bytes(image.read_bytes())
    eyes = [tmp_path / "right.jpg", tmp_path / "left.jpg"]
    for eye in eyes:
        eye.write_bytes(retina_photo.read_bytes())
    with subject_from_files([image, tmp_path / "again.dcm", tmp_path / "once more.dcm"], decoder) as local:
        assert len(local.subject.instances) == len(local.headers) == 1
    with subject_from_files(eyes, decoder) as local:
        assert {instance.laterality for instance in local.subject.instances} == {Laterality.LEFT, Laterality.RIGHT}


def test_the_order_of_the_files_does_not_matter(decoder: Decoder, retina_photo: Path, black_photo: Path) -> None:
    with subject_from_files([retina_photo, black_photo], decoder) as local:
        one = [instance.sha256 for instance in local.subject.instances]
    with subject_from_files([black_photo, retina_photo], decoder) as local:
        assert one == [instance.sha256 for instance in local.subject.instances]


def test_a_file_that_is_no_image_is_refused_by_its_place(decoder: Decoder, retina_photo: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Jane")
    with pytest.raises(NotAnImage) as refused, subject_from_files([retina_photo, tmp_path / "letter.txt"], decoder):
        pass
    assert refused.value.__notes__ == ["file 2 of 2"]
