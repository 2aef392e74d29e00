"""What a machine's answer is to be distrusted for is told by the report in all of its forms, and coded in the SR."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from pydicom.dataset import Dataset

from pipelines.core.types import Explanation, Familiarity, ImageReading, Laterality, Quality, Reading
from services.store.states import JobRole, Role
from tests.services.api.conftest import Reader, Web
from tests.services.api.test_report import address, everything, named, report, structured, words
from tests.services.api.test_second_read import grade
from tests.services.pages import squeezed, words_of
from tests.services.readings import reading


@pytest.fixture
def carol(web: Web) -> httpx.Client:
    """A clinician."""
    return web.client(Role.CLINICIAN, "carol")


def unsure() -> Reading:
    """An answer that a model gave all the same, of two eyes that it was not made for."""
    whole, quality = reading(), Quality(gradable=True, score=0.9)
    far = Familiarity(2.345, 1.04, False, {"content": 0.7, "rendition": 2.345})
    other = Familiarity(0.7, 1.04, True, {"content": 0.7}, "NW400", False)
    doubted = Explanation("grad-cam", "last", "grade", reliable=False, note="it lies beside the disc")
    eyes = (
        ImageReading("1.2.3", Laterality.RIGHT, quality, False, None, doubted, (), far),
        ImageReading("1.2.4", Laterality.LEFT, quality, False, None, doubted, (), other),
    )
    return replace(whole, images=eyes, explanation=doubted)


def test_what_an_answer_is_to_be_distrusted_for_stands_in_every_form_and_coded_in_the_sr(
    web: Web, reader: Reader, carol: httpx.Client
) -> None:
    read = reader.read(answer=unsure())
    told = report(carol, read)
    warned = [line["text"] for section in told["sections"] for line in section["lines"] if line["caution"]]
    assert warned == [
        "Outside the cameras it was trained on. Right eye: unlike the training photographs in colours, light or "
        "frame (2.35; up to 1.04 is usual). Left eye: taken with “NW400”, a camera that the model was not trained on. "
        "Nobody measured how well the model reads such pictures: whatever it says of them needs more care.",
        "Grad-CAM; not reliable here (right eye, left eye): it lies beside the disc.",
    ]
    assert squeezed(words_of(carol.get(address(read, ".pdf")).content)) == squeezed(words(told))
    assert coded(structured(carol, read)) == [
        ("untrained-camera", "7771000"),
        ("unlike-training", "24028007"),
        ("heat-map-doubted", "24028007"),
        ("heat-map-doubted", "7771000"),
    ]


def coded(made: Dataset) -> list[tuple[str, str | None]]:
    """The cautions of an SR: code, and code of the side."""
    found = [item for item in everything(made) if item.ValueType == "CODE" and named(item) == "121071"]
    return [
        (
            str(item.ConceptCodeSequence[0].CodeValue),
            str(item.ContentSequence[0].ConceptCodeSequence[0].CodeValue) if "ContentSequence" in item else None,
        )
        for item in found
    ]


def test_an_abstention_and_a_shadow_that_differs_are_told_and_coded(
    web: Web, reader: Reader, carol: httpx.Client
) -> None:
    read = reader.read("one", grade(1))
    assert coded(structured(carol, read)) == []
    reader.desk.queue(study="one", role=JobRole.SHADOW)
    reader.answer_next(grade(2))
    told = report(carol, read)
    assert "A shadow model says otherwise. Version 1.0.0, which is only on trial: DR grade 1 → 2" in words(told)
    assert coded(structured(carol, read)) == [("shadow-differs", None)]
    silent = reader.read("two", reading(abstained=True, abstain_reason="low_confidence"))
    assert "The model abstained." in words(report(carol, silent))
    assert coded(structured(carol, silent)) == [("model-abstained", None)]
