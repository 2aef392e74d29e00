"""The closed process of a trusted bundle: what is left of network, files, processes and rights inside."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.nets.zoo_messages import packed, unpacked

CHECKOUT = Path(__file__).resolve().parents[3]

#: Closes the door on itself, then tries the handle of everything; prints what came of it.
PROBE = """
import ctypes, encodings.idna, json, os, socket, sys
from pathlib import Path
from pipelines.nets.zoo_isolation import enter
root, shown, secret, port = sys.argv[1:5]
try:
    enter(Path(root), [Path(shown)])
except OSError:
    sys.exit(71)
def tried(attempt):
    try:
        return [True, str(attempt())]
    except OSError as error:
        return [False, type(error).__name__]
print(json.dumps({
    "network": tried(lambda: socket.create_connection(("127.0.0.1", int(port)), 2)),
    "secret": tried(lambda: Path(secret).read_text()),
    "environment": tried(lambda: Path("/proc/1/environ").read_bytes()),
    "root": tried(lambda: sorted(os.listdir("/"))),
    "shown": tried(lambda: Path(shown, "held.txt").read_text()),
    "change": tried(lambda: Path(shown, "new.txt").write_text("x")),
    "scratch": tried(lambda: Path("mine.txt").write_text("x")),
    "others": tried(lambda: os.kill(os.getppid() or 2, 0)),
    "mount": tried(lambda: ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None)),
    "process": os.getpid(),
    "user": os.getuid(),
    "variables": sorted(os.environ),
}))
"""


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the probe found in the room, beside a listening port, a file that it may see and one that it may not."""
    folder = tmp_path_factory.mktemp("room")
    for name in ("root", "shown", "store"):
        (folder / name).mkdir()
    (folder / "shown" / "held.txt").write_text("held")
    (folder / "store" / "secret.txt").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        told = [folder / "root", folder / "shown", folder / "store" / "secret.txt", server.getsockname()[1]]
        ended = subprocess.run(
            [sys.executable, "-c", PROBE, *map(str, told)],
            capture_output=True,
            env={"PYTHONPATH": str(CHECKOUT)},
            check=False,
            timeout=60,
        )
    if ended.returncode == 71:
        pytest.skip("this kernel grants no user namespaces")
    assert ended.returncode == 0, ended.stderr.decode()
    return dict(json.loads(ended.stdout))


@pytest.mark.parametrize("what", ["network", "secret", "environment", "change", "others"])
def test_what_is_outside_is_out_of_reach(inside: dict[str, list[object]], what: str) -> None:
    assert inside[what][0] is False


def test_only_what_was_shown_is_there(inside: dict[str, list[object]]) -> None:
    assert inside["shown"] == [True, "held"]
    assert not {"'home'", "'root'", "'var'", "'opt'"} & set(str(inside["root"][1]).strip("[]").split(", "))


def test_the_scratch_folder_can_be_written(inside: dict[str, list[object]]) -> None:
    assert inside["scratch"][0] is True


def test_no_right_is_left(inside: dict[str, list[object]]) -> None:
    assert inside["mount"] == [True, "-1"]  # what mount(2) returns where it is not allowed


def test_the_process_is_alone_and_nobody(inside: dict[str, object]) -> None:
    assert (inside["process"], inside["user"]) == (1, 65534)


def test_no_variable_comes_along(inside: dict[str, object]) -> None:
    assert set(inside["variables"]) <= {"PYTHONPATH", "LC_CTYPE"}  # type: ignore[call-overload]


def stream(message: bytes) -> object:
    """A message as the parent reads it."""
    held = io.BytesIO(message)

    def read(count: int) -> bytes:
        data = held.read(count)
        if len(data) != count:
            raise EOFError
        return data

    return unpacked(read, 1000)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00\x00\x00\x02{}",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x04null",
        packed({"a": 1})[:-1],
        b'\x00\x00\x00\x24{"shapes": [[1000000]], "bytes": 400}',
        b'\x00\x00\x00\x23{"shapes": [[-1, -1]], "bytes": 4}  aaaa',
        b"\x80\x04\x95",
    ],
)
def test_what_is_no_message_is_the_end_of_the_stream(message: bytes) -> None:
    with pytest.raises(EOFError):
        stream(message)
