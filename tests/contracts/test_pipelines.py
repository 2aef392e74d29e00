"""What every registered pipeline has to keep to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.core.entry import SubjectHeader
from pipelines.core.errors import BadInput, WeightsRefused
from pipelines.core.labels import LABELS
from pipelines.core.receipt import is_intact
from pipelines.core.types import Reading, Subject
from pipelines.exporters.json import reading_json
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.subject import LocalSubject, subject_from_files
from pipelines.pipeline import STEPS, AnyPipeline
from pipelines.registry import ENTRIES, resolve
from pipelines.selftest import write_bundle
from pipelines.selftest_words import Act, Word, selftest_object
from tests.pipelines.kspace_samples import undersampled
from tests.pipelines.mr_series import crop, write_nifti

MODELS = Path(__file__).resolve().parents[2] / "models"
URGENCIES = {"stat", "urgent", "check", "routine"}


@pytest.fixture(scope="module", params=ENTRIES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def bundle(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline's bundle: shipped, or for the self-test, which must read nothing in a system at work, made here."""
    shipped = MODELS / ENTRIES[name].model
    return write_bundle(tmp_path_factory.mktemp("bundle")) if name == "selftest" else shipped


@pytest.fixture(scope="module")
def pipeline(name: str, bundle: Path) -> Iterator[AnyPipeline]:
    with resolve(ENTRIES[name], bundle) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def local(name: str, retina_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSubject]:
    """A subject that the pipeline accepts; a new pipeline adds the input it reads here."""
    hippocampus = tmp_path_factory.mktemp("hippocampus") / "crop.nii.gz"
    inputs = {"retinopathy": [retina_photo], "segmentation": [write_nifti(crop(), hippocampus)]}
    raw = undersampled(tmp_path_factory.mktemp("kspace") / "raw.h5")
    inputs |= {each: [raw] for each in ENTRIES if each.startswith("reconstruction")}
    spoken = tmp_path_factory.mktemp("selftest") / "object.dcm"
    spoken.write_bytes(selftest_object(Word(Act.SUCCEED), "contract"))
    inputs["selftest"] = [spoken]
    with Decoder() as decoder, subject_from_files(inputs[name], decoder, ENTRIES[name].subject) as made:
        yield made


@pytest.fixture(scope="module")
def reading(pipeline: AnyPipeline, local: LocalSubject) -> Reading:
    return pipeline.run(local.subject)


def test_an_entry_bears_the_name_it_is_registered_under(name: str, bundle: Path) -> None:
    entry = ENTRIES[name]
    assert entry.name == name
    assert entry.subject in {"study", "series"}
    assert entry.revision >= 1
    assert re.fullmatch(r"[a-z_]+", entry.queue)
    assert (bundle / "configs" / "metadata.json").is_file()


def test_it_accepts_what_it_reads_and_says_why_not_otherwise(name: str, local: LocalSubject) -> None:
    accepts, instances = ENTRIES[name].accepts, local.subject.instances
    modalities, classes = {each.modality for each in instances}, {each.sop_class_uid for each in instances}
    own = SubjectHeader(local.subject.kind, frozenset(modalities), frozenset(classes), len(instances))
    assert accepts.matches(own)
    other = SubjectHeader(local.subject.kind, frozenset({"PR"}), frozenset({"1.2.3"}), len(instances))
    assert not accepts.matches(other)
    assert accepts.reason(other)


def test_every_step_is_timed(reading: Reading) -> None:
    assert tuple(reading.seconds) == STEPS


def test_findings_have_known_labels_and_values(name: str, reading: Reading) -> None:
    for finding in reading.findings:
        label = LABELS[name][finding.label]
        assert finding.code == label.code
        assert label.accepts(finding.value)
        if finding.probabilities is not None:
            assert sum(finding.probabilities.values()) == pytest.approx(1, abs=1e-4)


def test_artifact_names_are_unique_and_have_no_slash(reading: Reading) -> None:
    names = [artifact.name for artifact in reading.artifacts]
    assert len(set(names)) == len(names)
    assert not any("/" in each or each.startswith(".") for each in names)
    assert {each for image in reading.images for each in image.artifacts} <= set(names)


def test_it_says_what_its_answer_rests_on(reading: Reading) -> None:
    assert reading.explanation is not None
    assert reading.explanation.method
    assert reading.explanation.layer
    assert all(0 <= figure <= 1 for figure in reading.explanation.trust.values())


def test_what_it_says_of_familiarity_follows_from_its_figures(name: str, reading: Reading) -> None:
    told = [image.familiarity for image in reading.images if image.familiarity is not None]
    assert bool(told) == (name == "retinopathy")
    for one in told:
        assert one.familiar == (one.score <= one.limit)
        assert one.score == max(one.parts.values())


def test_the_receipt_is_intact(reading: Reading) -> None:
    assert is_intact(reading.receipt)
    assert reading.receipt.weights == reading.model.sha256


def test_the_same_input_gives_the_same_bytes(pipeline: AnyPipeline, local: LocalSubject, reading: Reading) -> None:
    again = pipeline.run(local.subject)
    assert [artifact.content for artifact in again.artifacts] == [artifact.content for artifact in reading.artifacts]
    assert again.findings == reading.findings
    assert again.receipt == reading.receipt


def test_nothing_in_the_result_names_the_patient_or_the_file(reading: Reading, local: LocalSubject) -> None:
    said = str(reading_json(reading))
    assert reading.urgency in URGENCIES
    assert "retina.jpg" not in said
    assert not any(header.patient_id and header.patient_id in said for header in local.headers)


def test_an_empty_subject_is_refused_in_a_sentence(pipeline: AnyPipeline, name: str) -> None:
    with pytest.raises(BadInput) as refused:
        pipeline.run(Subject(ENTRIES[name].subject, ()))
    assert refused.value.sentence


def test_weights_that_are_not_the_pinned_ones_are_refused(name: str, bundle: Path, tmp_path: Path) -> None:
    for source in bundle.rglob("*"):
        target = tmp_path / source.relative_to(bundle)
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    for weights in tmp_path.rglob("*.safetensors"):
        pinned = weights.read_bytes()
        weights.write_bytes(pinned[:-1] + bytes([pinned[-1] ^ 1]))
        with pytest.raises(WeightsRefused):
            resolve(ENTRIES[name], tmp_path)
        weights.write_bytes(pinned)
