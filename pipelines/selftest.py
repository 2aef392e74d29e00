"""The self-test's pipeline: reads a word in each object and does what it says, so that a system can be tried.

No bundle of it is shipped, so it reads nothing in a system at work: it runs only where `write_bundle`'s was registered.
"""

from __future__ import annotations

import ctypes
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from pipelines.core.bundle_files import CARD, INFERENCE, METADATA, WEIGHTS, file_sha256, read_json
from pipelines.core.codes import SELFTEST_ANSWER
from pipelines.core.entry import Entry
from pipelines.core.errors import UnsuitableInput, WeightsRefused
from pipelines.core.receipt import code_digest, input_digests, processor, sealed
from pipelines.core.types import (
    Explanation,
    Finding,
    ImageReading,
    InstanceFile,
    ModelRef,
    Quality,
    Reading,
    Receipt,
    Subject,
    Urgency,
)
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.dicom import read_header
from pipelines.pipeline import Pipeline
from pipelines.selftest_words import Act, Word, read_word

MODEL: Final = "selftest"
ANSWER: Final = "selftest_answer"
#: Memory is taken in pieces, slowly enough that who watches sees it grow.
_PIECE_BYTES: Final = 64 * 1024**2
_PIECE_SECONDS: Final = 0.01
#: A little more than what the process may hold: the machine must survive where nobody watches.
_EXCESS: Final = 1.25
_HANG_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Heard:
    """An object and what it asks for."""

    instance: InstanceFile
    word: Word


class SelfTest(Pipeline[Sequence[Heard], Sequence[Heard], Sequence[Heard], Sequence[Heard]]):
    """Does what the objects of a study say, in their order; its answer is how many there were, plus the addend."""

    def __init__(
        self, model_folder: Path, entry: Entry, decoder: Decoder | None = None, *, memory_bytes: int | None = None
    ) -> None:
        """Read the bundle; raises ModelError, WeightsRefused. Nothing is decoded, so `decoder` is only closed."""
        self._entry = entry
        self._decoder = decoder
        self._memory_bytes = memory_bytes
        self._metadata = read_json(model_folder / METADATA)
        self._addend = int(read_json(model_folder / INFERENCE)["addend"])
        self._configuration = file_sha256(model_folder / INFERENCE)
        self._weights = file_sha256(model_folder / WEIGHTS)
        if self._weights != self._metadata["weights_sha256"]:
            raise WeightsRefused

    def load(self, subject: Subject) -> Sequence[Heard]:
        """Read the word of each object; raises UnsuitableInput, NotAnImage."""
        taken = self._entry.accepts.taken_of(subject.instances)
        if not taken:
            raise UnsuitableInput("the study holds no object of the self-test")
        return [Heard(each, read_word(read_header(each.path).series_description)) for each in taken]

    def preprocess(self, loaded: Sequence[Heard]) -> Sequence[Heard]:
        """There is nothing to prepare."""
        return loaded

    def infer(self, prepared: Sequence[Heard]) -> Sequence[Heard]:
        """Obey; raises UnsuitableInput, MemoryError, RuntimeError, or ends the process."""
        for heard in prepared:
            self._obey(heard.word)
        return prepared

    def explain(self, inferred: Sequence[Heard]) -> Sequence[Heard]:
        """The word explains itself."""
        return inferred

    def postprocess(self, explained: Sequence[Heard]) -> Reading:
        """One finding: how many objects were read, plus what the bundle adds."""
        quality = Quality(gradable=True, score=1.0)
        note = "a self-test looks at no picture"
        explanation = Explanation("none", "none", ANSWER, reliable=False, note=note)
        return Reading(
            pipeline=self._entry.name,
            model=ModelRef(str(self._metadata["name"]), str(self._metadata["version"]), self._weights),
            findings=(Finding(SELFTEST_ANSWER, ANSWER, len(explained) + self._addend, unit="1"),),
            images=tuple(
                ImageReading(each.instance.sop_instance_uid, None, quality, False, None, explanation, ())
                for each in explained
            ),
            quality=quality,
            abstained=False,
            abstain_reason=None,
            urgency=Urgency.ROUTINE,
            explanation=explanation,
            artifacts=(),
            seconds={},
            receipt=self._receipt([each.instance for each in explained]),
        )

    def close(self) -> None:
        """End the decoding child, where one was given."""
        if self._decoder is not None:
            self._decoder.close()

    def _obey(self, word: Word) -> None:
        match word.act:
            case Act.SLEEP:
                time.sleep(word.seconds)
            case Act.FAIL:
                raise UnsuitableInput("the object asked to be refused")
            case Act.DEFECT:
                raise RuntimeError("the object asked for an unexpected exception")
            case Act.CRASH:
                ctypes.string_at(0)
            case Act.EXHAUST:
                self._exhaust()
            case Act.HANG:
                time.sleep(_HANG_SECONDS)
            case Act.SUCCEED:
                pass

    def _exhaust(self) -> None:
        """Hold ever more memory, up to a little past what this process may; then say so as any library would."""
        held: list[NDArray[np.uint8]] = []
        most = int((self._memory_bytes or 0) * _EXCESS)
        while len(held) * _PIECE_BYTES < most:
            held.append(np.ones(_PIECE_BYTES, np.uint8))
            time.sleep(_PIECE_SECONDS)
        raise MemoryError

    def _receipt(self, instances: Sequence[InstanceFile]) -> Receipt:
        return sealed(
            Receipt(
                digest="",
                inputs=input_digests(instance.sha256 for instance in instances),
                weights=self._weights,
                configuration=self._configuration,
                code=code_digest(),
                engine="none",
                engine_version="0",
                precision="none",
                threads=1,
                batch_shape=(1,),
                device="cpu",
                processor=processor(),
                ladder="full",
                host=socket.gethostname(),
            )
        )


def write_bundle(folder: Path, version: str = "1.0.0", addend: int = 0) -> Path:
    """Write the bundle of one version of the self-test's model into `folder` and return it.

    `addend` is added to every answer, so that two versions of different addends disagree on every study.
    """
    for path in (METADATA, WEIGHTS, CARD):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    save_file({"addend": np.array([addend], np.float32)}, folder / WEIGHTS)
    metadata = {
        "name": MODEL,
        "version": version,
        "weights_sha256": file_sha256(folder / WEIGHTS),
        "task": "Trying the system",
        "description": "Counts the objects of a study; no medical device, and no model either",
        "intended_use": "Self-test",
    }
    (folder / METADATA).write_text(json.dumps(metadata, indent=2), "utf-8")
    (folder / INFERENCE).write_text(json.dumps({"addend": addend}), "utf-8")
    (folder / CARD).write_text("# Self-test\n\nDoes what the objects sent to it say. It reads no image.\n", "utf-8")
    return folder
