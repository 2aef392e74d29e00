"""Batches that run, the job engine's limits, completeness by evidence, retention with legal hold, alarms.

Revision: 0002, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ORDER = ("urgency_rank", "study_created_at", "id")  # of the worklist
NEW_TABLES = ("queues", "batch_fetches", "batch_items", "batches", "retention_policies", "alarms")


def upgrade() -> None:
    """Explicit DDL only; columns are added where they are, so no append-only table loses its triggers."""
    # Tables only in the release before: nothing ever wrote them, and they come back larger.
    op.drop_table("batch_items")
    op.drop_table("batches")
    make_batches()
    make_queues()
    make_retention()
    widen_work()
    widen_studies()
    widen_worklist()
    index_what_is_asked()


def downgrade() -> None:
    """Back to 0001; refuses while a table that would go, or a legal hold, holds anything."""
    full = [table for table in NEW_TABLES if holds(table)]
    if full or holds("studies", "legal_hold"):
        raise sa.exc.InvalidRequestError(f"it would lose the rows of {', '.join(full) or 'studies under legal hold'}")
    index_as_before()
    narrow_worklist()
    narrow_studies()
    narrow_work()
    for table in NEW_TABLES:
        op.drop_table(table)
    make_first_batches()


def holds(table: str, where: str = "1 = 1") -> bool:
    """Whether the table has such a row."""
    return op.get_bind().execute(sa.text(f"SELECT 1 FROM {table} WHERE {where} LIMIT 1")).first() is not None  # noqa: S608


def ulid(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """A column of an id."""
    return sa.Column(name, sa.String(26), nullable=nullable)


def word(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """A column of a short text."""
    return sa.Column(name, sa.String(64), nullable=nullable)


def line(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """A column of a sentence."""
    return sa.Column(name, sa.String(1024), nullable=nullable)


def whole(name: str, *, nullable: bool = False, server_default: str | None = None) -> sa.Column[int]:
    """A column of a whole number."""
    return sa.Column(name, sa.Integer(), nullable=nullable, server_default=server_default)


def number(name: str, *, nullable: bool = False, server_default: str | None = None) -> sa.Column[float]:
    """A column of a number."""
    return sa.Column(name, sa.Double, nullable=nullable, server_default=server_default)


def flag(name: str) -> sa.Column[bool]:
    """A column of yes or no, no at first."""
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def json(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of a JSON document."""
    return sa.Column(name, sa.JSON(), nullable=nullable)


def time(name: str) -> sa.Column[object]:
    """A column of a time that may not have come."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def now(name: str) -> sa.Column[object]:
    """A column of a time that the database sets."""
    # Six digits on SQLite, as SQLAlchemy writes its times, so that they compare as text.
    sqlite = "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))"
    present = sqlite if op.get_bind().dialect.name == "sqlite" else "clock_timestamp()"
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.text(present))


def key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    """A primary key with its fixed name."""
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def once(table: str, *columns: str) -> sa.UniqueConstraint:
    """A unique constraint with its fixed name."""
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """A foreign key with its fixed name."""
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}_{target.split('.')[0]}")


def make_batches() -> None:
    """Overnight reprocessing."""
    op.create_table(
        "batches",
        ulid("id"),
        line("name"),
        word("pipeline"),
        ulid("model_version_id"),
        json("source"),
        json("query"),
        json("window"),
        json("budget"),
        word("state"),
        line("reason", nullable=True),
        line("checkpoint", nullable=True),
        time("planned_at"),
        word("night", nullable=True),
        whole("night_items", server_default="0"),
        word("created_by"),
        now("created_at"),
        time("started_at"),
        time("finished_at"),
        json("summary", nullable=True),
        key("batches", "id"),
        refers("batches", "model_version_id", "model_versions.id"),
    )
    op.create_index("ix_batches_model_version_id", "batches", ["model_version_id"])
    op.create_index("ix_batches_state", "batches", ["state"])
    op.create_table(
        "batch_items",
        ulid("id"),
        ulid("batch_id"),
        ulid("study_id"),
        word("subject_kind"),
        ulid("subject_id"),
        ulid("job_id", nullable=True),
        word("state"),
        word("error_code", nullable=True),
        ulid("old_result_id", nullable=True),
        ulid("new_result_id", nullable=True),
        word("change", nullable=True),
        number("weight", server_default="0"),
        line("headline", nullable=True),
        json("compared", nullable=True),
        number("seconds", nullable=True),
        time("finished_at"),
        key("batch_items", "id"),
        refers("batch_items", "batch_id", "batches.id"),
        refers("batch_items", "study_id", "studies.id"),
        refers("batch_items", "job_id", "jobs.id"),
        refers("batch_items", "old_result_id", "results.id"),
        refers("batch_items", "new_result_id", "results.id"),
        once("batch_items", "batch_id", "subject_kind", "subject_id"),
    )
    op.create_index("ix_batch_items_state", "batch_items", ["batch_id", "state", "id"])
    op.create_index("ix_batch_items_change", "batch_items", ["batch_id", "change", "weight", "id"])
    op.create_index("ix_batch_items_finished", "batch_items", ["batch_id", "finished_at", "state", "seconds"])
    op.create_index("ix_batch_items_weight", "batch_items", ["batch_id", "weight", "id"])
    for column in ("study_id", "job_id", "old_result_id", "new_result_id"):
        op.create_index(f"ix_batch_items_{column}", "batch_items", [column])
    op.create_table(
        "batch_fetches",
        ulid("id"),
        ulid("batch_id"),
        line("locator"),
        word("state"),
        whole("attempts", server_default="0"),
        time("not_before"),
        ulid("study_id", nullable=True),
        word("error_code", nullable=True),
        time("finished_at"),
        key("batch_fetches", "id"),
        refers("batch_fetches", "batch_id", "batches.id"),
        refers("batch_fetches", "study_id", "studies.id"),
        once("batch_fetches", "batch_id", "locator"),
    )
    op.create_index("ix_batch_fetches_state", "batch_fetches", ["batch_id", "state", "id"])
    op.create_index("ix_batch_fetches_study_id", "batch_fetches", ["study_id"])


def make_first_batches() -> None:
    """The two tables as 0001 had them."""
    op.create_table(
        "batches",
        ulid("id"),
        line("name"),
        word("pipeline"),
        ulid("model_version_id", nullable=True),
        json("query"),
        json("window"),
        json("budget"),
        word("state"),
        word("created_by"),
        now("created_at"),
        time("finished_at"),
        key("batches", "id"),
        refers("batches", "model_version_id", "model_versions.id"),
    )
    op.create_index("ix_batches_model_version_id", "batches", ["model_version_id"])
    op.create_table(
        "batch_items",
        ulid("id"),
        ulid("batch_id"),
        word("subject_kind"),
        ulid("subject_id"),
        ulid("job_id", nullable=True),
        word("state"),
        key("batch_items", "id"),
        refers("batch_items", "batch_id", "batches.id"),
        refers("batch_items", "job_id", "jobs.id"),
        once("batch_items", "batch_id", "subject_kind", "subject_id"),
    )
    op.create_index("ix_batch_items_batch_id", "batch_items", ["batch_id"])
    op.create_index("ix_batch_items_job_id", "batch_items", ["job_id"])


def make_queues() -> None:
    """What an administrator asks of a queue, and what a person must see to."""
    op.create_table(
        "queues",
        word("name"),
        flag("paused"),
        whole("running_limit", nullable=True),
        word("actor"),
        now("updated_at"),
        key("queues", "name"),
    )
    op.create_table(
        "alarms",
        ulid("id"),
        word("code"),
        line("detail"),
        now("raised_at"),
        time("cleared_at"),
        key("alarms", "id"),
    )
    op.create_index("ix_alarms_open", "alarms", ["code", "cleared_at"])


def make_retention() -> None:
    """What may be removed after how long."""
    op.create_table(
        "retention_policies",
        ulid("id"),
        word("name"),
        json("states"),
        whole("older_than_days"),
        word("pipeline", nullable=True),
        word("approved_by", nullable=True),
        time("approved_at"),
        word("created_by"),
        now("created_at"),
        time("removed_at"),
        key("retention_policies", "id"),
        once("retention_policies", "name"),
    )


def widen_work() -> None:
    """Jobs learn of batches, devices and the memory ladder; a decision about a model keeps its comparison."""
    op.drop_index("ix_jobs_claim", "jobs")
    op.add_column("jobs", ulid("batch_id", nullable=True))
    op.add_column("jobs", flag("held"))
    op.add_column("jobs", flag("single"))
    op.add_column("jobs", word("device", nullable=True))
    op.add_column("jobs", whole("ladder", server_default="0"))
    op.create_index("ix_jobs_claim", "jobs", ["queue", "state", "held", "priority", "created_at", "id"])
    op.create_index("ix_jobs_batch", "jobs", ["batch_id", "state"])
    op.create_index("ix_jobs_device", "jobs", ["state", "device"])
    op.create_index("ix_jobs_newest", "jobs", ["state", "id"])
    op.add_column("attempts", word("device", nullable=True))
    op.add_column("attempts", whole("ladder", server_default="0"))
    op.add_column("model_events", json("comparison", nullable=True))
    op.create_index("ix_results_model", "results", ["model_name", "model_version", "id"])


def narrow_work() -> None:
    """Takes back what `widen_work` did."""
    op.drop_index("ix_results_model", "results")
    op.drop_column("model_events", "comparison")
    op.drop_column("attempts", "ladder")
    op.drop_column("attempts", "device")
    for name in ("ix_jobs_newest", "ix_jobs_device", "ix_jobs_batch", "ix_jobs_claim"):
        op.drop_index(name, "jobs")
    for name in ("ladder", "device", "single", "held", "batch_id"):
        op.drop_column("jobs", name)
    op.create_index("ix_jobs_claim", "jobs", ["queue", "state", "priority", "created_at"])


def widen_studies() -> None:
    """Completeness by evidence, legal hold, and what an object says."""
    op.add_column("studies", whole("expected_count", nullable=True))
    op.add_column("studies", whole("stated_count", nullable=True))
    op.add_column("studies", line("incomplete", nullable=True))
    op.add_column("studies", flag("legal_hold"))
    op.add_column("studies", line("legal_hold_reason", nullable=True))
    op.add_column("studies", flag("batch_only"))
    op.add_column("series", line("incomplete", nullable=True))
    op.add_column("instances", word("content_sha256", nullable=True))
    op.create_index("ix_studies_unerased", "studies", ["erased_at", "state", "last_instance_at", "id"])


def narrow_studies() -> None:
    """Takes back what `widen_studies` did."""
    op.drop_index("ix_studies_unerased", "studies")
    op.drop_column("instances", "content_sha256")
    op.drop_column("series", "incomplete")
    for name in ("batch_only", "legal_hold_reason", "legal_hold", "incomplete", "stated_count", "expected_count"):
        op.drop_column("studies", name)


def widen_worklist() -> None:
    """The marks of what changed overnight and of what is not whole."""
    op.add_column("worklist", line("incomplete", nullable=True))
    op.add_column("worklist", word("change", nullable=True))
    op.add_column("worklist", number("change_weight", nullable=True))
    op.add_column("worklist", ulid("change_batch_id", nullable=True))
    op.add_column("worklist", line("change_headline", nullable=True))
    op.create_index("ix_worklist_change", "worklist", ["site_id", "change", "change_weight", "id"])


def narrow_worklist() -> None:
    """Takes back what `widen_worklist` did."""
    op.drop_index("ix_worklist_change", "worklist")
    for name in ("change_headline", "change_batch_id", "change_weight", "change", "incomplete"):
        op.drop_column("worklist", name)


#: Indexes of this release that the one before lacked: name, table and columns.
INDEXES = (
    ("ix_patients_patient_id", "patients", ("site_id", "patient_id")),
    ("ix_studies_archive", "studies", ("site_id", "id")),
    ("ix_studies_day", "studies", ("site_id", "study_date", "id")),
    ("ix_studies_accession_number", "studies", ("site_id", "accession_number")),
    ("ix_series_modality", "series", ("modality", "study_id")),
    ("ix_worklist_study_state", "worklist", ("site_id", "study_state", *ORDER)),
    ("ix_worklist_job_state", "worklist", ("site_id", "job_state", *ORDER)),
    ("ix_worklist_modality", "worklist", ("site_id", "modality", *ORDER)),
    ("ix_worklist_pipeline", "worklist", ("site_id", "pipeline", *ORDER)),
    ("ix_worklist_urgency", "worklist", ("site_id", "urgency", *ORDER)),
    ("ix_worklist_assignee", "worklist", ("site_id", "assignee_id", *ORDER)),
    ("ix_worklist_day", "worklist", ("site_id", "study_date")),
)
#: Those that go: a wider one begins with the same column, or no query looks rows up by it.
REPLACED = (
    ("patients", "site_id"),
    ("studies", "site_id"),
    ("worklist", "study_id"),
    ("worklist", "site_id"),
    ("worklist", "job_id"),
    ("worklist", "result_id"),
    ("worklist", "proposed_result_id"),
    ("worklist", "assignee_id"),
)


def index_what_is_asked() -> None:
    """Every filter of a list gets an index in the list's order, so that a million studies answer as fast as a few."""
    for table, column in REPLACED:
        op.drop_index(f"ix_{table}_{column}", table)
    for name, table, columns in INDEXES:
        op.create_index(name, table, list(columns))
    made = sa.text("kind = 'derived_series'")
    op.create_index("ix_artifacts_derived", "artifacts", ["result_id"], postgresql_where=made, sqlite_where=made)
    op.create_index(
        "ix_worklist_abstained",
        "worklist",
        ["site_id", *ORDER],
        postgresql_where=sa.text("abstained"),
        sqlite_where=sa.text("abstained = 1"),
    )


def index_as_before() -> None:
    """Takes back what `index_what_is_asked` did."""
    op.drop_index("ix_worklist_abstained", "worklist")
    op.drop_index("ix_artifacts_derived", "artifacts")
    for name, table, _ in INDEXES:
        op.drop_index(name, table)
    for table, column in REPLACED:
        op.create_index(f"ix_{table}_{column}", table, [column])
