"""The pipeline that obeys: each word does what it says, and the answer counts the objects."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.core.bundle_files import INFERENCE, METADATA, WEIGHTS
from pipelines.core.errors import ModelError, UnsuitableInput, WeightsRefused
from pipelines.core.types import Subject
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.subject import subject_from_files
from pipelines.registry import ENTRIES
from pipelines.selftest import SelfTest, write_bundle
from pipelines.selftest_words import Act, Word, read_word, selftest_object

ENTRY = ENTRIES["selftest"]
MEBIBYTE = 1024**2


def read(folder: Path, *words: Word, addend: int = 0, memory_bytes: int | None = None) -> object:
    """What the pipeline says to a study of these words."""
    paths = []
    for number, word in enumerate(words, start=1):
        paths.append(folder / f"{number}.dcm")
        paths[-1].write_bytes(selftest_object(word, "test", number))
    pipeline = SelfTest(write_bundle(folder / "bundle", addend=addend), ENTRY, memory_bytes=memory_bytes)
    with Decoder() as decoder, subject_from_files(paths, decoder) as local, pipeline:
        (finding,) = pipeline.run(local.subject).findings
        return finding.value


def test_the_answer_is_the_number_of_objects_and_the_addend(tmp_path: Path) -> None:
    assert read(tmp_path, Word(Act.SUCCEED), Word(Act.SLEEP, 0.01), addend=10) == 12


def test_an_object_may_ask_to_be_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsuitableInput):
        read(tmp_path, Word(Act.FAIL))


def test_an_object_may_ask_for_a_defect(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        read(tmp_path, Word(Act.DEFECT))


def test_an_object_that_exhausts_memory_stops_at_what_the_process_may_hold(tmp_path: Path) -> None:
    with pytest.raises(MemoryError):
        read(tmp_path, Word(Act.EXHAUST), memory_bytes=100 * MEBIBYTE)


def test_an_object_may_crash_its_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pipelines.selftest_words import Act, Word;"
        "from tests.pipelines.test_selftest import read; read(Path(sys.argv[1]), Word(Act.CRASH))"
    )
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=root, check=False)
    assert ended.returncode == -signal.SIGSEGV


def test_a_word_is_read_as_it_was_written() -> None:
    for word in (*map(Word, Act), Word(Act.SLEEP, 1.5)):
        assert read_word(str(word)) == word


@pytest.mark.parametrize("said", [None, "", "T1 MPRAGE", "Overread selftest: dance", "Overread selftest: sleep long"])
def test_an_object_without_a_word_is_refused(said: str | None) -> None:
    with pytest.raises(UnsuitableInput):
        read_word(said)


def test_an_object_is_the_same_bytes_every_time() -> None:
    assert selftest_object(Word(Act.SUCCEED), "a") == selftest_object(Word(Act.SUCCEED), "a")
    assert selftest_object(Word(Act.SUCCEED), "a", 2) != selftest_object(Word(Act.SUCCEED), "a")


def test_a_study_without_its_objects_is_refused(tmp_path: Path) -> None:
    with SelfTest(write_bundle(tmp_path), ENTRY) as pipeline, pytest.raises(UnsuitableInput):
        pipeline.run(Subject("study", ()))


def test_other_weights_are_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"other")
    with pytest.raises(WeightsRefused):
        SelfTest(tmp_path, ENTRY)


@pytest.mark.parametrize("missing", [METADATA, INFERENCE, WEIGHTS])
def test_a_bundle_that_lacks_a_part_is_refused(tmp_path: Path, missing: Path) -> None:
    write_bundle(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(ModelError):
        SelfTest(tmp_path, ENTRY)
