"""The first tables, with everything that cannot be fitted later: append-only triggers, the audit chain, search.

Revision: 0001, after None
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "sites",
    "users",
    "sessions",
    "api_keys",
    "idempotency_keys",
    "views",
    "blobs",
    "model_versions",
    "model_events",
    "patients",
    "studies",
    "search_texts",
    "rejections",
    "slots",
    "jobs",
    "attempts",
    "results",
    "current_results",
    "artifacts",
    "reviews",
    "assignments",
    "deliveries",
    "series",
    "instances",
    "job_inputs",
    "batches",
    "batch_items",
    "outbox",
    "audit",
    "audit_seals",
    "worklist",
)
APPEND_ONLY = ("attempts", "results", "artifacts", "reviews", "model_events", "audit", "audit_seals")
DEFAULT_SITE_ID = "00000000000000000000000001"
PRESENT = {
    # Six digits, as SQLAlchemy writes SQLite's times, so that they compare as text.
    "sqlite": "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
    "postgresql": "clock_timestamp()",
}


def upgrade() -> None:
    """Explicit DDL only: a revision imports neither tables nor code, and makes every append-only trigger anew."""
    make_people()
    make_models()
    make_studies()
    make_work()
    make_answers()
    make_images()
    make_batches()
    make_records()
    make_worklist()
    sites = sa.table("sites", sa.column("id", sa.String), sa.column("name", sa.String))
    op.bulk_insert(sites, [{"id": DEFAULT_SITE_ID, "name": "default"}])
    if dialect() == "sqlite":
        make_full_text_of_sqlite()
        refuse_change_on_sqlite()
    else:
        make_trigrams_of_postgresql()
        refuse_change_on_postgresql()


def downgrade() -> None:
    """Back to an empty database; refuses while anything but the default site is kept."""
    kept = [name for name in TABLES if holds_rows(name)]
    if kept:
        raise sa.exc.InvalidRequestError(f"going back would lose the rows of {', '.join(kept)}")
    if dialect() == "sqlite":
        op.execute("DROP TABLE search_texts_fts")
    for name in reversed(TABLES):
        op.drop_table(name)
    if dialect() == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")


def holds_rows(table: str) -> bool:
    """Whether the table holds anything that this revision did not put there."""
    ours = f" WHERE id <> '{DEFAULT_SITE_ID}'" if table == "sites" else ""
    return op.get_bind().execute(sa.text(f"SELECT 1 FROM {table}{ours} LIMIT 1")).first() is not None  # noqa: S608


def refuse_change_on_sqlite() -> None:
    """UPDATE and DELETE of append-only rows fail; REPLACE too, for connections open with recursive_triggers=ON."""
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def refuse_change_on_postgresql() -> None:
    """UPDATE, DELETE and TRUNCATE of append-only rows fail, for the owner too, also while replication replays."""
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table in APPEND_ONLY:
        for name, verbs, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{name} BEFORE {verbs} ON {table}"
                f" FOR EACH {each} EXECUTE FUNCTION refuse_change()"
            )
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_refuses_{name}")


def make_full_text_of_sqlite() -> None:
    """An FTS5 index over the words of search_texts; it holds no copy of them and follows every change."""
    op.execute(
        "CREATE VIRTUAL TABLE search_texts_fts"
        " USING fts5(words, content='search_texts', content_rowid='id', tokenize='trigram')"
    )
    add = "INSERT INTO search_texts_fts (rowid, words) VALUES (new.id, new.words);"
    remove = "INSERT INTO search_texts_fts (search_texts_fts, rowid, words) VALUES ('delete', old.id, old.words);"
    for name, verb, body in (
        ("added", "INSERT", add),
        ("removed", "DELETE", remove),
        ("changed", "UPDATE", remove + add),
    ):
        op.execute(f"CREATE TRIGGER search_texts_{name} AFTER {verb} ON search_texts BEGIN {body} END")


def make_trigrams_of_postgresql() -> None:
    """A trigram index where the server ships pg_trgm and lets us have it; without it the search scans."""
    op.execute(
        "DO $$ BEGIN"
        " CREATE EXTENSION IF NOT EXISTS pg_trgm;"
        " CREATE INDEX ix_search_texts_words_trigram ON search_texts USING gin (words gin_trgm_ops);"
        " EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN"
        " RAISE NOTICE 'no pg_trgm here: text search scans';"
        " END $$"
    )


def dialect() -> str:
    """Which database this runs on."""
    return op.get_bind().dialect.name


def ulid(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """A column of an id."""
    return sa.Column(name, sa.String(26), nullable=nullable)


def word(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """A column of a word, a UID or a sha256."""
    return sa.Column(name, sa.String(64), nullable=nullable)


def line(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """A column of a line of text."""
    return sa.Column(name, sa.String(1024), nullable=nullable)


def long(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """A column of any length of text."""
    return sa.Column(name, sa.Text, nullable=nullable)


def big(name: str, *, nullable: bool = False, autoincrement: bool = True) -> sa.Column[int]:
    """A column of 64-bit integers."""
    return sa.Column(name, sa.BigInteger, nullable=nullable, autoincrement=autoincrement)


def whole(name: str, *, nullable: bool = False, server_default: str | None = None) -> sa.Column[int]:
    """A column of integers."""
    return sa.Column(name, sa.Integer, nullable=nullable, server_default=server_default)


def number(name: str, *, nullable: bool = False, server_default: str | None = None) -> sa.Column[float]:
    """A column of floating-point numbers."""
    return sa.Column(name, sa.Double, nullable=nullable, server_default=server_default)


def flag(name: str) -> sa.Column[bool]:
    """A column of yes or no, no unless said."""
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def json(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of JSON that no query filters on."""
    return sa.Column(name, sa.JSON, nullable=nullable)


def date(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of days."""
    return sa.Column(name, sa.Date, nullable=nullable)


def time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of moments in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def now(name: str) -> sa.Column[object]:
    """A column of moments that the database fills with the present one."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.text(PRESENT[dialect()]))


def key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    """The primary key."""
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def once(table: str, *columns: str) -> sa.UniqueConstraint:
    """Columns whose values stand together once."""
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """A foreign key."""
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}_{target.split('.')[0]}")


def make_people() -> None:
    """Sites, users and what lets them in."""
    op.create_table(
        "sites",
        ulid("id"),
        word("name"),
        key("sites", "id"),
        once("sites", "name"),
    )
    op.create_table(
        "users",
        ulid("id"),
        word("name"),
        line("password_hash"),
        word("role"),
        time("disabled_at", nullable=True),
        now("created_at"),
        key("users", "id"),
        once("users", "name"),
    )
    op.create_table(
        "sessions",
        word("id"),
        ulid("user_id"),
        word("csrf_hash"),
        now("created_at"),
        time("expires_at"),
        key("sessions", "id"),
        refers("sessions", "user_id", "users.id"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "api_keys",
        ulid("id"),
        word("name"),
        word("key_hash"),
        word("role"),
        word("created_by"),
        now("created_at"),
        time("revoked_at", nullable=True),
        key("api_keys", "id"),
        once("api_keys", "key_hash"),
    )
    op.create_table(
        "idempotency_keys",
        word("credential"),
        line("route"),
        line("key"),
        word("request_digest"),
        whole("status", nullable=True),
        json("answer", nullable=True),
        now("created_at"),
        key("idempotency_keys", "credential", "route", "key"),
    )
    op.create_table(
        "views",
        ulid("id"),
        ulid("user_id"),
        word("name"),
        json("filters"),
        key("views", "id"),
        refers("views", "user_id", "users.id"),
        once("views", "user_id", "name"),
    )
    op.create_index("ix_views_user_id", "views", ["user_id"])


def make_models() -> None:
    """Blobs, and the models that are blobs."""
    op.create_table(
        "blobs",
        word("sha256"),
        big("bytes"),
        word("media_type"),
        line("place"),
        now("created_at"),
        time("removed_at", nullable=True),
        key("blobs", "sha256"),
    )
    op.create_table(
        "model_versions",
        ulid("id"),
        word("name"),
        word("version"),
        word("sha256"),
        word("weights_sha256"),
        word("pipeline"),
        word("bundle_sha256"),
        json("thresholds"),
        json("facts"),
        long("card"),
        now("created_at"),
        key("model_versions", "id"),
        refers("model_versions", "bundle_sha256", "blobs.sha256"),
        once("model_versions", "name", "version"),
        once("model_versions", "sha256"),
    )
    op.create_index("ix_model_versions_bundle_sha256", "model_versions", ["bundle_sha256"])
    op.create_table(
        "model_events",
        ulid("id"),
        ulid("model_version_id"),
        word("state"),
        word("actor"),
        line("reason"),
        now("created_at"),
        key("model_events", "id"),
        refers("model_events", "model_version_id", "model_versions.id"),
    )
    op.create_index("ix_model_events_model_version_id", "model_events", ["model_version_id"])


def make_studies() -> None:
    """Patients and their studies; the only names are here and in the search text."""
    op.create_table(
        "patients",
        ulid("id"),
        ulid("site_id"),
        word("issuer"),
        line("patient_id"),
        line("name", nullable=True),
        date("birth_date", nullable=True),
        word("sex", nullable=True),
        now("created_at"),
        time("erased_at", nullable=True),
        key("patients", "id"),
        refers("patients", "site_id", "sites.id"),
        once("patients", "site_id", "issuer", "patient_id"),
    )
    op.create_index("ix_patients_site_id", "patients", ["site_id"])
    op.create_table(
        "studies",
        ulid("id"),
        ulid("site_id"),
        ulid("patient_id"),
        word("study_instance_uid"),
        word("state"),
        whole("priority"),
        word("requested_pipeline", nullable=True),
        date("study_date", nullable=True),
        line("description", nullable=True),
        word("accession_number", nullable=True),
        flag("hold"),
        line("unrouted_reason", nullable=True),
        now("created_at"),
        now("last_instance_at"),
        time("completed_at", nullable=True),
        time("erased_at", nullable=True),
        key("studies", "id"),
        refers("studies", "patient_id", "patients.id"),
        refers("studies", "site_id", "sites.id"),
        once("studies", "site_id", "study_instance_uid"),
    )
    op.create_index("ix_studies_patient_id", "studies", ["patient_id"])
    op.create_index("ix_studies_quiet", "studies", ["state", "last_instance_at"])
    op.create_index("ix_studies_site_id", "studies", ["site_id"])
    op.create_table(
        "search_texts",
        whole("id"),
        ulid("study_id"),
        long("words"),
        key("search_texts", "id"),
        refers("search_texts", "study_id", "studies.id"),
        once("search_texts", "study_id"),
    )
    op.create_table(
        "rejections",
        ulid("id"),
        word("actor"),
        word("source"),
        word("code"),
        line("sentence"),
        big("bytes"),
        word("quarantined", nullable=True),
        now("created_at"),
        key("rejections", "id"),
    )
    op.create_index("ix_rejections_code", "rejections", ["code"])


def make_work() -> None:
    """Questions, and the work on them."""
    op.create_table(
        "slots",
        ulid("id"),
        ulid("study_id"),
        word("subject_kind"),
        ulid("subject_id"),
        word("pipeline"),
        key("slots", "id"),
        refers("slots", "study_id", "studies.id"),
        once("slots", "subject_kind", "subject_id", "pipeline"),
    )
    op.create_index("ix_slots_study_id", "slots", ["study_id"])
    op.create_table(
        "jobs",
        ulid("id"),
        word("key"),
        ulid("slot_id"),
        ulid("study_id"),
        word("pipeline"),
        whole("pipeline_revision"),
        ulid("model_version_id", nullable=True),
        word("role"),
        word("queue"),
        whole("priority"),
        json("parameters"),
        word("state"),
        word("step", nullable=True),
        number("progress", server_default="0"),
        whole("fence", server_default="0"),
        word("worker", nullable=True),
        flag("alone"),
        time("lease_until", nullable=True),
        time("heartbeat_at", nullable=True),
        time("not_before", nullable=True),
        whole("attempts", server_default="0"),
        whole("attributed_deaths", server_default="0"),
        whole("unattributed_deaths", server_default="0"),
        word("error_code", nullable=True),
        line("error_detail", nullable=True),
        now("created_at"),
        time("started_at", nullable=True),
        time("finished_at", nullable=True),
        key("jobs", "id"),
        refers("jobs", "model_version_id", "model_versions.id"),
        refers("jobs", "slot_id", "slots.id"),
        refers("jobs", "study_id", "studies.id"),
        once("jobs", "key"),
    )
    op.create_index("ix_jobs_claim", "jobs", ["queue", "state", "priority", "created_at"])
    op.create_index("ix_jobs_lease", "jobs", ["state", "lease_until"])
    op.create_index("ix_jobs_model_version_id", "jobs", ["model_version_id"])
    op.create_index("ix_jobs_slot_id", "jobs", ["slot_id"])
    op.create_index("ix_jobs_study_id", "jobs", ["study_id"])
    op.create_table(
        "attempts",
        ulid("id"),
        ulid("job_id"),
        whole("fence"),
        word("worker"),
        word("outcome"),
        whole("signal", nullable=True),
        big("peak_memory_bytes", nullable=True),
        word("code", nullable=True),
        line("detail", nullable=True),
        time("started_at", nullable=True),
        now("created_at"),
        key("attempts", "id"),
        refers("attempts", "job_id", "jobs.id"),
        once("attempts", "job_id", "fence"),
    )
    op.create_index("ix_attempts_job_id", "attempts", ["job_id"])


def make_answers() -> None:
    """Results and what people make of them."""
    op.create_table(
        "results",
        ulid("id"),
        ulid("job_id"),
        ulid("slot_id"),
        ulid("study_id"),
        word("pipeline"),
        word("role"),
        word("model_name"),
        word("model_version"),
        word("model_sha256"),
        word("receipt_digest"),
        sa.Column("abstained", sa.Boolean, nullable=False),
        word("urgency"),
        json("document"),
        now("created_at"),
        key("results", "id"),
        refers("results", "job_id", "jobs.id"),
        refers("results", "slot_id", "slots.id"),
        refers("results", "study_id", "studies.id"),
        once("results", "job_id"),
    )
    op.create_index("ix_results_slot_id", "results", ["slot_id"])
    op.create_index("ix_results_study_id", "results", ["study_id"])
    op.create_table(
        "current_results",
        ulid("slot_id"),
        ulid("result_id"),
        ulid("proposed_result_id", nullable=True),
        now("updated_at"),
        key("current_results", "slot_id"),
        refers("current_results", "proposed_result_id", "results.id"),
        refers("current_results", "result_id", "results.id"),
        refers("current_results", "slot_id", "slots.id"),
    )
    op.create_index("ix_current_results_proposed_result_id", "current_results", ["proposed_result_id"])
    op.create_index("ix_current_results_result_id", "current_results", ["result_id"])
    op.create_table(
        "artifacts",
        ulid("id"),
        ulid("result_id"),
        line("name"),
        word("kind"),
        word("media_type"),
        big("bytes"),
        word("blob_sha256"),
        key("artifacts", "id"),
        refers("artifacts", "blob_sha256", "blobs.sha256"),
        refers("artifacts", "result_id", "results.id"),
        once("artifacts", "result_id", "name"),
    )
    op.create_index("ix_artifacts_blob_sha256", "artifacts", ["blob_sha256"])
    op.create_index("ix_artifacts_result_id", "artifacts", ["result_id"])
    op.create_table(
        "reviews",
        ulid("id"),
        ulid("slot_id"),
        ulid("result_id"),
        whole("number"),
        ulid("user_id"),
        word("action"),
        word("verdict", nullable=True),
        word("reason", nullable=True),
        json("findings"),
        long("comment", nullable=True),
        ulid("base_review_id", nullable=True),
        now("created_at"),
        key("reviews", "id"),
        refers("reviews", "base_review_id", "reviews.id"),
        refers("reviews", "result_id", "results.id"),
        refers("reviews", "slot_id", "slots.id"),
        refers("reviews", "user_id", "users.id"),
        once("reviews", "slot_id", "number"),
    )
    op.create_index("ix_reviews_base_review_id", "reviews", ["base_review_id"])
    op.create_index("ix_reviews_result_id", "reviews", ["result_id"])
    op.create_index("ix_reviews_slot_id", "reviews", ["slot_id"])
    op.create_index("ix_reviews_user_id", "reviews", ["user_id"])
    op.create_table(
        "assignments",
        ulid("slot_id"),
        ulid("user_id"),
        now("created_at"),
        key("assignments", "slot_id"),
        refers("assignments", "slot_id", "slots.id"),
        refers("assignments", "user_id", "users.id"),
    )
    op.create_index("ix_assignments_user_id", "assignments", ["user_id"])
    op.create_table(
        "deliveries",
        ulid("id"),
        ulid("result_id"),
        word("destination"),
        word("state"),
        whole("attempts", server_default="0"),
        time("next_try_at", nullable=True),
        line("error", nullable=True),
        now("created_at"),
        key("deliveries", "id"),
        refers("deliveries", "result_id", "results.id"),
        once("deliveries", "result_id", "destination"),
    )
    op.create_index("ix_deliveries_result_id", "deliveries", ["result_id"])


def make_images() -> None:
    """Series (one may be derived from a result) and instances."""
    op.create_table(
        "series",
        ulid("id"),
        ulid("study_id"),
        word("series_instance_uid"),
        word("modality"),
        word("body_part", nullable=True),
        word("laterality", nullable=True),
        line("description", nullable=True),
        word("state"),
        word("digest", nullable=True),
        whole("expected_count", nullable=True),
        ulid("derived_from", nullable=True),
        now("created_at"),
        time("closed_at", nullable=True),
        key("series", "id"),
        refers("series", "derived_from", "results.id"),
        refers("series", "study_id", "studies.id"),
        once("series", "study_id", "series_instance_uid"),
    )
    op.create_index("ix_series_derived_from", "series", ["derived_from"])
    op.create_index("ix_series_study_id", "series", ["study_id"])
    op.create_table(
        "instances",
        ulid("id"),
        ulid("series_id"),
        word("sop_instance_uid"),
        word("sop_class_uid"),
        word("transfer_syntax"),
        word("blob_sha256"),
        word("source_sha256", nullable=True),
        whole("instance_number", nullable=True),
        word("laterality", nullable=True),
        whole("rows", nullable=True),
        whole("columns", nullable=True),
        whole("frames", nullable=True),
        flag("conflict"),
        word("flag", nullable=True),
        now("received_at"),
        key("instances", "id"),
        refers("instances", "blob_sha256", "blobs.sha256"),
        refers("instances", "series_id", "series.id"),
        refers("instances", "source_sha256", "blobs.sha256"),
        once("instances", "sop_instance_uid", "blob_sha256"),
    )
    op.create_index("ix_instances_blob_sha256", "instances", ["blob_sha256"])
    op.create_index("ix_instances_series_id", "instances", ["series_id"])
    op.create_index("ix_instances_source_sha256", "instances", ["source_sha256"])
    op.create_table(
        "job_inputs",
        ulid("job_id"),
        whole("position"),
        ulid("instance_id"),
        key("job_inputs", "job_id", "position"),
        refers("job_inputs", "instance_id", "instances.id"),
        refers("job_inputs", "job_id", "jobs.id"),
    )
    op.create_index("ix_job_inputs_instance_id", "job_inputs", ["instance_id"])


def make_batches() -> None:
    """Overnight reprocessing."""
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
        time("finished_at", nullable=True),
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


def make_records() -> None:
    """Events and the audit trail."""
    op.create_table(
        "outbox",
        ulid("id"),
        word("topic"),
        ulid("study_id", nullable=True),
        json("payload"),
        big("number", nullable=True),
        now("created_at"),
        key("outbox", "id"),
        once("outbox", "number"),
    )
    op.create_index("ix_outbox_study_id", "outbox", ["study_id"])
    op.create_table(
        "audit",
        ulid("id"),
        word("actor"),
        word("action"),
        ulid("study_id", nullable=True),
        json("subjects"),
        now("created_at"),
        key("audit", "id"),
    )
    op.create_index("ix_audit_access", "audit", ["actor", "action", "study_id", "created_at"])
    op.create_index("ix_audit_study_id", "audit", ["study_id"])
    op.create_table(
        "audit_seals",
        big("number", autoincrement=False),
        ulid("audit_id"),
        word("previous_hash"),
        word("hash"),
        key("audit_seals", "number"),
        refers("audit_seals", "audit_id", "audit.id"),
        once("audit_seals", "audit_id"),
    )


def make_worklist() -> None:
    """The projection the list page reads."""
    op.create_table(
        "worklist",
        ulid("id"),
        ulid("study_id"),
        ulid("slot_id", nullable=True),
        ulid("subject_id"),
        word("pipeline"),
        ulid("patient_id"),
        ulid("site_id"),
        word("modality"),
        date("study_date", nullable=True),
        word("study_state"),
        line("unrouted_reason", nullable=True),
        whole("priority"),
        ulid("job_id", nullable=True),
        word("job_state", nullable=True),
        word("job_error", nullable=True),
        ulid("result_id", nullable=True),
        ulid("proposed_result_id", nullable=True),
        word("urgency", nullable=True),
        whole("urgency_rank"),
        flag("abstained"),
        line("headline", nullable=True),
        number("confidence", nullable=True),
        word("review_state"),
        word("verdict", nullable=True),
        ulid("assignee_id", nullable=True),
        time("study_created_at"),
        now("updated_at"),
        key("worklist", "id"),
        refers("worklist", "assignee_id", "users.id"),
        refers("worklist", "job_id", "jobs.id"),
        refers("worklist", "patient_id", "patients.id"),
        refers("worklist", "proposed_result_id", "results.id"),
        refers("worklist", "result_id", "results.id"),
        refers("worklist", "site_id", "sites.id"),
        refers("worklist", "slot_id", "slots.id"),
        refers("worklist", "study_id", "studies.id"),
        once("worklist", "study_id", "subject_id", "pipeline"),
    )
    op.create_index("ix_worklist_assignee_id", "worklist", ["assignee_id"])
    op.create_index("ix_worklist_job_id", "worklist", ["job_id"])
    op.create_index("ix_worklist_order", "worklist", ["site_id", "urgency_rank", "study_created_at", "id"])
    op.create_index("ix_worklist_patient_id", "worklist", ["patient_id"])
    op.create_index("ix_worklist_proposed_result_id", "worklist", ["proposed_result_id"])
    op.create_index("ix_worklist_result_id", "worklist", ["result_id"])
    op.create_index(
        "ix_worklist_review", "worklist", ["site_id", "review_state", "urgency_rank", "study_created_at", "id"]
    )
    op.create_index("ix_worklist_site_id", "worklist", ["site_id"])
    op.create_index("ix_worklist_slot_id", "worklist", ["slot_id"])
    op.create_index("ix_worklist_study_id", "worklist", ["study_id"])
