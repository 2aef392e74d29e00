"""The process that writes files of reports: the same bytes, and clean refusals where it dies, hangs or grows."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from pipelines.core.errors import ReportNotMade, ReportTimeout, ReportTooLarge, UnsuitableInput
from pipelines.core.report import Picture, Report
from pipelines.exporters.report import report_object
from services.settings import GIBIBYTE
from services.work.report_page import as_pdf
from services.work.report_process import ReportProcess
from tests.pipelines.exporters.samples import source
from tests.services.work.test_report_page import page

SHA256 = "a" * 64
MEBIBYTE = 1024**2
PLAIN = page("Seen.")
EASTERN = page("山田 太郎 김철수")
#: Keeps the process busy for some tenths of a second.
LONG = page("A word that a reader wrote. " * 600)


def jpeg() -> bytes:
    """A red picture of 8 x 6 pixels."""
    out = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(out, "JPEG")
    return out.getvalue()


def with_picture(report: Report) -> Report:
    """The report with a key picture in its last section."""
    *others, last = report.sections
    return replace(report, sections=(*others, replace(last, pictures=(Picture("Left eye", "/results/R", SHA256),))))


def living(process: ReportProcess) -> int:
    """The process's id."""
    assert process.pid is not None
    return process.pid


@contextmanager
def killed(process: ReportProcess, sparing: int | None = None) -> Iterator[set[int]]:
    """While the block runs each process is killed as soon as it is there, but for the one to be spared."""
    over, victims = threading.Event(), set[int]()

    def kill_each() -> None:
        while not over.wait(0.01):
            if (pid := process.pid) is not None and pid != sparing:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    victims.add(pid)

    killer = threading.Thread(target=kill_each)
    killer.start()
    try:
        yield victims
    finally:
        over.set()
        killer.join()


def test_the_files_have_the_bytes_that_their_writers_give(report_process: ReportProcess) -> None:
    pictured, picture = with_picture(EASTERN), jpeg()
    assert report_process.pdf(pictured, {SHA256: picture}) == as_pdf(pictured, lambda _: picture)
    assert report_process.pdf(pictured, {}) == as_pdf(pictured, lambda _: None)
    assert report_process.sr(EASTERN, source().headers) == report_object(EASTERN, source().headers)


def test_what_the_writer_refuses_is_refused_with_its_own_code(report_process: ReportProcess) -> None:
    with pytest.raises(UnsuitableInput) as refused:
        report_process.sr(PLAIN, [])
    assert refused.value.code == "no_dicom_images"


def test_a_process_that_is_killed_in_mid_work_is_replaced_and_the_file_is_made() -> None:
    with ReportProcess(GIBIBYTE, 60) as process:
        process.start()
        first = living(process)
        kill = threading.Timer(0.05, os.kill, (first, signal.SIGKILL))
        kill.start()
        made = process.pdf(LONG, {})
        kill.join()
        assert living(process) != first
    assert made == as_pdf(LONG, lambda _: None)


def test_a_report_whose_processes_are_all_killed_is_not_made_and_the_next_one_is() -> None:
    with ReportProcess(GIBIBYTE, 60) as process:
        with killed(process) as victims, pytest.raises(ReportNotMade) as ended:
            process.pdf(LONG, {})
        assert victims and "nothing stored has changed" in ended.value.sentence
        assert process.pdf(PLAIN, {}).startswith(b"%PDF-")


def test_a_process_that_does_not_answer_is_ended_in_time_and_the_next_one_works() -> None:
    with ReportProcess(GIBIBYTE, 60) as process:
        process.start()
        first = living(process)
        os.kill(first, signal.SIGSTOP)
        process._timeout_s = 0.2
        begin = time.monotonic()
        with pytest.raises(ReportTimeout):
            process.pdf(with_picture(PLAIN), {SHA256: bytes(4 * MEBIBYTE)})  # more than a pipe holds
        assert time.monotonic() - begin < 30  # not the minute that is usual
        assert process.pid is None and not Path(f"/proc/{first}").exists()
        process._timeout_s = 60
        assert process.pdf(PLAIN, {}).startswith(b"%PDF-")


def test_a_process_over_its_memory_says_so_and_the_next_one_works() -> None:
    with ReportProcess(GIBIBYTE, 60) as process:
        process.pdf(PLAIN, {})
        enough = mapped_bytes(living(process)) + 4 * MEBIBYTE
    with ReportProcess(enough, 60) as small:
        assert small.pdf(PLAIN, {}).startswith(b"%PDF-")
        with pytest.raises(ReportTooLarge):
            small.pdf(EASTERN, {})  # whose font takes 20 MiB
        assert small.pid is None
        assert small.pdf(PLAIN, {}).startswith(b"%PDF-")


def mapped_bytes(pid: int) -> int:
    """The most address space that a process has had: proc(5), status, VmPeak, in kB."""
    (line,) = (one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmPeak:"))
    return int(line.split()[1]) * 1024


def test_a_defect_is_told_by_its_place_in_the_code_and_by_none_of_its_words(report_process: ReportProcess) -> None:
    with capture_logs() as logged, pytest.raises(ReportNotMade) as ended:
        report_process.pdf(with_picture(PLAIN), {SHA256: b"Plantedname"})
    (entry,) = logged
    assert entry["event"] == "report.defect" and any("report_page.py" in place for place in entry["at"])
    assert "Plantedname" not in f"{logged} {ended.value.sentence}"
