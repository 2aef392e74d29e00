"""Every setting of the services, read once from the environment (prefix OVERREAD_) and passed on as a value."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.known_archives import AE_TITLE, KnownArchives, read_archives

MEBIBYTE = 1024**2
GIBIBYTE = 1024**3
OWNER_ONLY = 0o700  # mode of folders that hold names and images


class Settings(BaseSettings):
    """All settings; sizes in bytes, times in seconds. An environment variable OVERREAD_<NAME> overrides each."""

    model_config = SettingsConfigDict(env_prefix="OVERREAD_", env_ignore_empty=True, frozen=True, extra="ignore")

    data_dir: Path = Field(
        default=Path("overread-data"), description="Folder for the database, blobs, spool and broker."
    )
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; default: SQLite in data_dir.")
    database_busy_seconds: float = Field(
        default=15.0, description="Who waits longer for a lock of the database answers 503 and tries again."
    )
    broker_url: str | None = Field(default=None, description="redis:// URL; default: an embedded Valkey is started.")
    blob_url: str | None = Field(default=None, description="fsspec URL of the blob store; default: data_dir/blobs.")
    models_dir: Path = Field(
        default=Path(__file__).resolve().parent.parent / "models", description="Bundles seeded at `db upgrade`."
    )

    host: str = Field(default="127.0.0.1", description="Address the API binds to.")
    port: int = Field(default=8000, description="Port of the API; 0 picks a free one.")
    allowed_hosts: str = Field(
        default="",
        description="Comma-separated host names the API answers to; IP addresses and localhost need no entry.",
    )
    secure_cookies: bool = Field(default=False, description="Set the Secure flag on cookies; needs HTTPS in front.")
    session_hours: float = Field(default=12.0, description="A browser session ends after this many hours.")
    metrics_open: bool = Field(default=False, description="Serve /metrics without a key (own network only).")

    max_body_bytes: int = Field(default=8 * GIBIBYTE, description="A request body past this ends with 413.")
    max_file_bytes: int = Field(default=4 * GIBIBYTE, description="A single file past this is rejected.")
    archive_max_bytes: int = Field(default=16 * GIBIBYTE, description="Unpacked total of one archive.")
    archive_max_members: int = Field(default=100_000, description="Members of one archive.")
    archive_max_ratio: float = Field(default=200.0, description="Unpacked over packed size; more is a bomb.")
    disk_reserve_bytes: int = Field(default=512 * MEBIBYTE, description="Free space below which intake answers 507.")
    disk_low_bytes: int = Field(
        default=4 * GIBIBYTE, description="Free space below which an alarm asks for more, while all goes on."
    )
    blob_quota_bytes: int = Field(
        default=0,
        description="The most bytes the blob store may hold; intake answers 507 at 95 % of it. 0: as much as fits.",
    )
    storage_full_seconds: float = Field(
        default=60.0,
        description="A refusal for lack of room keeps its alarm open, and batches waiting, at least so long.",
    )
    quarantine_max_bytes: int = Field(default=512 * MEBIBYTE, description="Room for the bytes of refused files.")
    quiet_seconds: float = Field(default=15.0, description="A study closes after this long without a new instance.")
    incomplete_seconds: float = Field(
        default=600.0,
        description="A study of which images are known to be missing waits so long for them before it closes; at most "
        "an hour.",
    )
    collect_grace_seconds: float = Field(
        default=86_400.0, description="Stored bytes that nothing refers to are removed after this long."
    )
    decoder_memory_bytes: int = Field(default=3 * GIBIBYTE, description="Address space of a decoding child.")
    decoder_timeout_seconds: float = Field(default=60.0, description="A decoding child is ended after this long.")
    report_memory_bytes: int = Field(
        default=GIBIBYTE, description="Address space of the process that writes report files (PDF, SR)."
    )
    report_timeout_seconds: float = Field(
        default=60.0, description="The process that writes report files is ended after this long with one of them."
    )

    lease_seconds: float = Field(default=60.0, description="A job whose lease is older is taken back.")
    heartbeat_seconds: float = Field(default=5.0, description="How often a worker extends its lease.")
    sweep_seconds: float = Field(default=5.0, description="How often the scheduler looks for lost work.")
    max_attempts: int = Field(default=5, description="Attempts after which a retryable job fails.")
    priority_ageing_seconds: float = Field(default=600.0, description="Waiting this long lifts a job by one priority.")
    job_soft_seconds: float = Field(
        default=1500.0, description="A job that reads for longer is asked to stop at its pipeline's next step."
    )
    job_timeout_seconds: float = Field(
        default=1800.0, description="A job that reads for longer is ended with its process."
    )
    queue_max_jobs: int = Field(
        default=50_000, description="With more jobs waiting, intake takes urgent studies only (503); 0: no limit."
    )
    worker_queues: str = Field(default="", description="Comma-separated queues a worker serves; empty: all there are.")
    worker_presence_seconds: float = Field(
        default=15.0,
        gt=0,
        description="How often a worker says that it is there; one silent three times as long is lost.",
    )
    worker_threads: int = Field(default=0, description="Threads of one inference; 0: the machine's cores.")
    worker_recycle_bytes: int = Field(
        default=3 * GIBIBYTE // 2, description="A reading process that grew past this is replaced after its job."
    )
    worker_recycle_jobs: int = Field(
        default=5000, description="A reading process is replaced after so many jobs; 0: only when it grew."
    )
    worker_process_bytes: int = Field(
        default=512 * MEBIBYTE, description="A worker process that grew past this starts anew between two jobs."
    )
    device: str = Field(
        default="",
        pattern=r"^(cpu|cuda(:\d{1,3})?)?$",
        description="Where a worker's models run: `cpu`, `cuda` or `cuda:NUMBER`; empty: a GPU where there is one.",
    )
    device_jobs: int = Field(
        default=0,
        description="Jobs at once on one device of a host, over all its workers; 0: one on a GPU, any on a CPU.",
    )
    worker_memory_bytes: int = Field(
        default=8 * GIBIBYTE, description="A reading process that grows past this is ended; its job has caused it."
    )
    trusted_without_isolation: bool = Field(
        default=False,
        description="Run a trusted bundle's own code even where it cannot be shut off from network and files.",
    )
    outbox_seconds: float = Field(default=0.25, description="How often committed events are numbered for the stream.")
    seal_seconds: float = Field(default=5.0, description="How often new audit rows are sealed into the chain.")

    rendered_cache_bytes: int = Field(
        default=256 * MEBIBYTE, description="Room for pictures rendered for the viewer, in data_dir."
    )
    volume_cache_bytes: int = Field(
        default=GIBIBYTE, description="Room for volumes put together for the viewer, in data_dir."
    )
    login_attempts: int = Field(default=5, description="Failed logins of one name from one address before it waits.")
    login_wait_seconds: int = Field(default=60, description="How long that wait is; it doubles up to an hour.")

    undo_grace_seconds: float = Field(
        default=600.0,
        ge=0,
        description="A reader may take a signature back for so long; nothing signed is sent on before.",
    )
    access_audit_seconds: float = Field(
        default=300.0, description="Reads of one study by one user audited once in this time."
    )

    batch_ahead: int = Field(
        default=128, ge=1, description="Jobs of one batch that wait or run at once; the rest of its studies only wait."
    )
    batch_fetch_ahead: int = Field(
        default=256, ge=1, description="Studies that a batch fetches from outside before they are read."
    )

    drift_limit: float = Field(
        default=0.25,
        gt=0,
        description="A model's week has drifted past this population stability index to its first results.",
    )
    drift_weeks: int = Field(
        default=2, ge=1, le=26, description="So many complete weeks in a row past the limit raise the alarm."
    )

    archives: str = Field(
        default="", description="Archives to fetch studies from: a JSON object, name to archive (docs/archives.md)."
    )
    archive_folders: str = Field(
        default="",
        description="Folders below which a batch asked for over HTTP may read images, with a colon between them.",
    )
    dimse_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the DICOM listener (C-STORE) of `overread up`; 0: none."
    )
    dimse_host: str = Field(default="127.0.0.1", description="Address the DICOM listener binds to.")
    dimse_aet: str = Field(
        default="OVERREAD",
        pattern=AE_TITLE,
        description="AE title of the DICOM listener; it takes no other called one.",
    )
    dimse_callers: str = Field(
        default="", description="Comma-separated AE titles that may send to the DICOM listener; empty: any."
    )
    dimse_max_associations: int = Field(default=8, ge=1, description="Senders the DICOM listener serves at a time.")
    dimse_idle_seconds: float = Field(
        default=60.0, gt=0, description="The DICOM listener ends an association that is silent for this long."
    )

    @field_validator("archives")
    @classmethod
    def _archives_read(cls, text: str) -> str:
        """Raises ValueError with the first thing that is wrong, without the value, which may hold a secret."""
        try:
            read_archives(text)
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in wrong["loc"])
            sentence = wrong["msg"].removeprefix("Value error, ")
            raise ValueError(f"{place}: {sentence}" if place else sentence) from None
        return text

    @property
    def known_archives(self) -> KnownArchives:
        """The archives by their names."""
        return read_archives(self.archives)

    @property
    def allowed_folders(self) -> tuple[Path, ...]:
        """Folders below which a batch asked for over HTTP may read images."""
        return tuple(Path(folder).resolve() for folder in self.archive_folders.split(os.pathsep) if folder)

    @property
    def resolved_database_url(self) -> str:
        """The database URL, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'overread.sqlite3'}"

    @property
    def resolved_blob_url(self) -> str:
        """The blob store's fsspec URL, or a folder in the data folder."""
        return self.blob_url or f"file://{self.data_dir.resolve() / 'blobs'}"

    @property
    def spool_dir(self) -> Path:
        """Where uploads wait until they are durable."""
        return self.data_dir / "spool"

    @property
    def bundles_dir(self) -> Path:
        """Where workers keep the bundles they fetched, by digest."""
        return self.data_dir / "bundles"

    @property
    def broker_dir(self) -> Path:
        """The embedded broker's files."""
        return self.data_dir / "broker"

    @property
    def rendered_dir(self) -> Path:
        """Pictures that the viewer asked for."""
        return self.data_dir / "cache" / "rendered"

    @property
    def volumes_dir(self) -> Path:
        """Volumes that the viewer asked for."""
        return self.data_dir / "cache" / "volumes"

    @property
    def logs_dir(self) -> Path:
        """What the processes of `overread up` say."""
        return self.data_dir / "logs"

    @property
    def quarantine_dir(self) -> Path:
        """Where the bytes of refused files lie, capped."""
        return self.data_dir / "quarantine"
