"""The result as JSON: the one form that the API, the command line and the stored document share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict

from pipelines.core.receipt import canonical_json
from pipelines.core.types import Artifact, Explanation, Familiarity, Finding, ImageReading, Quality, Reading, Receipt
from pipelines.exporters.base import Export, Exporter, Source


def reading_json(reading: Reading, **ids: object) -> dict[str, object]:
    """A reading as the contract's `GET /results/{id}`; `ids` (id, study_id, role, current ...) come first.

    Times in seconds, probabilities 0-1; nothing in it names a patient or a file of the sender.
    """
    return {
        **ids,
        "pipeline": reading.pipeline,
        "model": {"name": reading.model.name, "version": reading.model.version, "sha256": reading.model.sha256},
        "findings": [_finding(finding) for finding in reading.findings],
        "images": [_image(image) for image in reading.images],
        "quality": _quality(reading.quality),
        "abstained": reading.abstained,
        "abstain_reason": reading.abstain_reason,
        "urgency": reading.urgency.value,
        "explanation": _explanation(reading.explanation),
        "artifacts": [artifact_json(artifact) for artifact in reading.artifacts],
        "seconds": {step: round(seconds, 6) for step, seconds in reading.seconds.items()},
        "receipt": receipt_json(reading.receipt),
    }


def artifact_json(artifact: Artifact) -> dict[str, object]:
    """What a result says of one artifact; its bytes are fetched on their own."""
    return {
        "name": artifact.name,
        "kind": artifact.kind,
        "media_type": artifact.media_type,
        "bytes": len(artifact.content),
        "sha256": hashlib.sha256(artifact.content).hexdigest(),
    }


def receipt_json(receipt: Receipt) -> dict[str, object]:
    """Every field of a receipt; the digest is over all but `digest`, `host` and `memory_step`."""
    return {**asdict(receipt), "inputs": list(receipt.inputs), "batch_shape": list(receipt.batch_shape)}


def _finding(finding: Finding) -> dict[str, object]:
    code = finding.code
    return {
        "code": {"scheme": code.scheme, "value": code.value, "meaning": code.meaning},
        "label": finding.label,
        "value": finding.value,
        "unit": finding.unit,
        "probabilities": _plain(finding.probabilities),
        "interval": list(finding.interval) if finding.interval else None,
        "laterality": finding.laterality.value if finding.laterality else None,
    }


def _image(image: ImageReading) -> dict[str, object]:
    return {
        "sop_instance_uid": image.sop_instance_uid,
        "laterality": image.laterality.value if image.laterality else None,
        "quality": _quality(image.quality),
        "abstained": image.abstained,
        "abstain_reason": image.abstain_reason,
        "explanation": _explanation(image.explanation),
        "artifacts": list(image.artifacts),
        "familiarity": _familiarity(image.familiarity),
    }


def _quality(quality: Quality) -> dict[str, object]:
    return {"gradable": quality.gradable, "score": quality.score, "reasons": list(quality.reasons)}


def _explanation(explanation: Explanation | None) -> dict[str, object] | None:
    if explanation is None:
        return None
    return {
        "method": explanation.method,
        "layer": explanation.layer,
        "target": explanation.target,
        "trust": _plain(explanation.trust),
        "reliable": explanation.reliable,
        "note": explanation.note,
    }


def _familiarity(familiarity: Familiarity | None) -> dict[str, object] | None:
    return {**asdict(familiarity), "parts": dict(familiarity.parts)} if familiarity is not None else None


def _plain(values: Mapping[str, float] | None) -> dict[str, float] | None:
    return dict(values) if values is not None else None


class JsonExporter(Exporter):
    """The result as a JSON file."""

    name = "json"

    def export(self, reading: Reading, source: Source) -> tuple[Export, ...]:
        """One file, result.json, in canonical form."""
        return (Export("result.json", "application/json", canonical_json(reading_json(reading))),)
