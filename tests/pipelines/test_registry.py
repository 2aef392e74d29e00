from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.core.entry import Accepts, SubjectHeader
from pipelines.core.errors import NotFound
from pipelines.registry import entry

OP_8_BIT = "1.2.840.10008.5.1.4.1.1.77.1.5.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
ACCEPTS = entry("retinopathy").accepts


def header(modality: str, sop_class: str, instances: int = 1) -> SubjectHeader:
    return SubjectHeader("study", frozenset({modality}), frozenset({sop_class}), instances)


def test_a_fundus_photograph_matches() -> None:
    assert ACCEPTS.matches(header("OP", OP_8_BIT))
    assert ACCEPTS.reason(header("OP", OP_8_BIT)) == ""


def test_a_ct_does_not_match_and_is_told_why() -> None:
    assert not ACCEPTS.matches(header("CT", CT))
    assert ACCEPTS.reason(header("CT", CT)) == "it reads OP, the study holds CT"


def test_another_object_of_the_right_modality_does_not_match() -> None:
    assert not ACCEPTS.matches(header("OP", CT))
    assert "SOP class" in ACCEPTS.reason(header("OP", CT))


def test_too_few_instances_do_not_match() -> None:
    accepts = Accepts(frozenset({"CT"}), frozenset({CT}), min_instances=8)
    assert not accepts.matches(header("CT", CT, instances=7))
    assert "8 instances" in accepts.reason(header("CT", CT, instances=7))


def test_one_instance_is_taken_or_left() -> None:
    assert ACCEPTS.takes("OP", OP_8_BIT)
    assert not ACCEPTS.takes("SR", OP_8_BIT)


def test_an_unknown_name_is_not_found() -> None:
    with pytest.raises(NotFound, match="retinopathy"):
        entry("palmistry")


def test_what_is_told_to_choose_from_has_nothing_of_the_self_test() -> None:
    with pytest.raises(NotFound) as refused:
        entry("palmistry")
    assert "retinopathy" in str(refused.value) and "selftest" not in str(refused.value)
    assert entry("selftest").is_internal


def test_the_registry_loads_nothing_heavy() -> None:
    heavy = ("torch", "openvino", "cv2", "pydicom")
    script = f"import sys, pipelines.registry; print([name for name in {heavy} if name in sys.modules])"
    root = Path(__file__).resolve().parents[2]
    said = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
