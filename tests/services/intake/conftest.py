"""Fixtures of intake's tests: a sender in front of the real application, and files to send."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.uid import generate_uid
from sqlalchemy import select

from services.settings import Settings
from services.store import users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import Store
from services.store.tables import Instance, Rejection, Study
from tests.conftest import ophthalmic_dataset
from tests.services.api.conftest import serve

BOUNDARY = "tests-boundary"


@dataclass
class Sender:
    """Sends to a running intake, and looks at what became of it."""

    client: httpx.Client
    store: Store
    settings: Settings

    def send(
        self,
        *files: tuple[str, bytes],
        headers: dict[str, str] | None = None,
        fields: dict[str, str | list[str]] | None = None,
        **query: object,
    ) -> httpx.Response:
        """POST files as one multipart body."""
        parts = [("files", (name, content)) for name, content in files]
        return self.client.post("/api/v1/studies", files=parts, data=fields, params=query, headers=headers)  # type: ignore[arg-type]

    def post(self, content: bytes | Iterator[bytes], content_type: str, **query: object) -> httpx.Response:
        """POST a body as it is; an iterator goes without a stated length."""
        headers = {"Content-Type": content_type}
        return self.client.post("/api/v1/studies", content=content, headers=headers, params=query)  # type: ignore[arg-type]

    def complete(self, study_id: str) -> httpx.Response:
        """Close a study."""
        return self.client.post(f"/api/v1/studies/{study_id}/complete")

    def another_key(self) -> str:
        """The secret of a new API key."""
        with unit_of_work(self.store.database) as session:
            return users.create_key(session, "another", Role.TECHNICIAN, "system").key

    def instances(self) -> Sequence[Instance]:
        """All instances in the database, oldest first."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalars(select(Instance).order_by(Instance.id)).all()

    def studies(self) -> Sequence[Study]:
        """All studies in the database, oldest first."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalars(select(Study).order_by(Study.id)).all()

    def rejections(self) -> Sequence[Rejection]:
        """All rejections in the database, oldest first."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalars(select(Rejection).order_by(Rejection.id)).all()


ServesWith = Callable[..., Sender]


@pytest.fixture
def serve_with(settings: Settings, store: Store, one_decoder: None) -> Iterator[ServesWith]:
    """Starts the application with some settings changed, and gives a sender to it."""
    with ExitStack() as stack:

        def start(**changes: object) -> Sender:
            changed = settings.model_copy(update=changes)
            web = stack.enter_context(contextmanager(serve)(changed, store))
            key = web.key(Role.TECHNICIAN)
            client = httpx.Client(
                base_url=web.url, headers={"Authorization": f"Bearer {key}"}, verify=False, timeout=60
            )
            return Sender(stack.enter_context(client), store, changed)

        yield start


@pytest.fixture
def sender(serve_with: ServesWith) -> Sender:
    """A sender to the application with its usual settings."""
    return serve_with()


def dicom(**attributes: object) -> bytes:
    """A small valid DICOM file; `attributes` are keywords that replace or add to the defaults, None removes one."""
    buffer = io.BytesIO()
    ophthalmic_dataset(attributes).save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def by(writer: str, file: bytes) -> bytes:
    """The file with the meta information of another program."""
    dataset = dcmread(io.BytesIO(file))
    dataset.file_meta.ImplementationVersionName = writer
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def series(count: int, **attributes: object) -> list[bytes]:
    """Small valid DICOM files of one new series."""
    shared = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()} | attributes
    return [dicom(InstanceNumber=number, **shared) for number in range(1, count + 1)]


def picture(seed: int = 0, kind: str = "PNG") -> bytes:
    """A small picture that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def multipart(*files: tuple[str, bytes], closed: bool = True) -> bytes:
    """A multipart body with BOUNDARY."""
    parts = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content in files
    )
    return parts + (f"--{BOUNDARY}--\r\n".encode() if closed else b"")


def statuses(answer: httpx.Response) -> list[str]:
    """What became of each file."""
    return [outcome["status"] for outcome in answer.json()["received"]]


def codes(answer: httpx.Response) -> list[str | None]:
    """The code of each file."""
    return [outcome["code"] for outcome in answer.json()["received"]]
