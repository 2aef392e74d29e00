"""The reading room: blind first reads, second readers, outlines, workers, figures of results, changes looked at.

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ORDER = ("urgency_rank", "study_created_at", "id")  # of the worklist
#: Lines there are already take the place by age that new ones are given, and say where a reader overruled the machine;
#: the scheduler finds those that cannot be graded.
BY_AGE = """
UPDATE worklist SET age_rank = CASE
    WHEN review_state = 'signed' THEN 4
    WHEN EXISTS (SELECT 1 FROM studies WHERE studies.id = worklist.study_id AND studies.batch_only) THEN 5
    WHEN priority = 0 THEN 0
    WHEN result_id IS NOT NULL OR job_state IN ('failed', 'quarantined') THEN 1
    WHEN unrouted_reason IS NOT NULL THEN 3
    ELSE 2
END
"""
APPEND_ONLY = ("blind_reads", "second_reads", "review_masks")
NEW_TABLES = ("second_reads", "reading_rules", "blind_reads", "review_masks", "result_figures", "workers")
#: Made anew from other tables or by the workers themselves: nothing is lost with them.
PROJECTIONS = ("result_figures", "workers")
#: Tables that stay, and the rows that hold in new columns what a person said.
WORDS = (
    ("users", "blind_first"),
    ("api_keys", "site_id IS NOT NULL"),
    ("batch_items", "seen_by_id IS NOT NULL"),
)

#: Indexes for those who run the system, and their tables.
OPERATIONS = (
    ("ix_jobs_failures", "jobs"),
    ("ix_deliveries_state", "deliveries"),
    ("ix_audit_actor", "audit"),
    ("ix_audit_action", "audit"),
)


def upgrade() -> None:
    """Explicit DDL only; columns are added where they are, so no append-only table loses its triggers."""
    make_rules()
    make_reads()
    make_masks()
    make_figures()
    make_workers()
    refuse_change()
    widen_people()
    widen_worklist()
    find_what_failed()
    widen_items()


def downgrade() -> None:
    """Back to 0002; refuses while a table that would go holds what readers said, or a setting of theirs is on."""
    full = [table for table in NEW_TABLES if table not in PROJECTIONS and holds(table)]
    full += [table for table, where in WORDS if holds(table, where)]
    if full:
        raise sa.exc.InvalidRequestError(f"it would lose the rows of {', '.join(full)}")
    for name, table in OPERATIONS:
        op.drop_index(name, table)
    narrow_items()
    narrow_worklist()
    narrow_people()
    for table in NEW_TABLES:
        op.drop_table(table)


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


def number(name: str, *, nullable: bool = True, server_default: str | None = None) -> sa.Column[float]:
    """A column of a number."""
    return sa.Column(name, sa.Double, nullable=nullable, server_default=server_default)


def flag(name: str, *, first: bool = False) -> sa.Column[bool]:
    """A column of yes or no, with what it is at first."""
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true() if first else sa.false())


def json(name: str) -> sa.Column[object]:
    """A column of a JSON document."""
    return sa.Column(name, sa.JSON(), nullable=False)


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


def make_rules() -> None:
    """When a second reader is asked, and which slots were sent to one."""
    op.create_table(
        "reading_rules",
        ulid("id"),
        line("name"),
        word("pipeline", nullable=True),
        number("share", nullable=False, server_default="0"),
        json("urgencies"),
        flag("on_abstained"),
        flag("on_disagreement"),
        flag("blinded", first=True),
        word("created_by"),
        now("created_at"),
        time("ended_at"),
        key("reading_rules", "id"),
    )
    op.create_table(
        "second_reads",
        ulid("id"),
        ulid("slot_id"),
        ulid("rule_id"),
        word("reason"),
        flag("blinded", first=True),
        now("created_at"),
        key("second_reads", "id"),
        once("second_reads", "slot_id"),
        refers("second_reads", "slot_id", "slots.id"),
        refers("second_reads", "rule_id", "reading_rules.id"),
    )
    op.create_index("ix_second_reads_rule_id", "second_reads", ["rule_id"])


def make_reads() -> None:
    """What readers said before the machine's answer was shown."""
    op.create_table(
        "blind_reads",
        ulid("id"),
        ulid("slot_id"),
        ulid("result_id"),
        ulid("user_id"),
        json("findings"),
        flag("ungradable"),
        line("comment", nullable=True),
        number("seconds"),
        now("created_at"),
        key("blind_reads", "id"),
        once("blind_reads", "slot_id", "user_id"),
        refers("blind_reads", "slot_id", "slots.id"),
        refers("blind_reads", "result_id", "results.id"),
        refers("blind_reads", "user_id", "users.id"),
    )
    op.create_index("ix_blind_reads_result_id", "blind_reads", ["result_id"])
    op.create_index("ix_blind_reads_reader", "blind_reads", ["user_id", "id"])


def make_masks() -> None:
    """Outlines as readers corrected them."""
    op.create_table(
        "review_masks",
        ulid("id"),
        ulid("slot_id"),
        ulid("result_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        ulid("user_id"),
        ulid("base_mask_id", nullable=True),
        word("media_type"),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("blob_sha256", sa.String(64), nullable=False),
        json("volumes"),
        now("created_at"),
        key("review_masks", "id"),
        once("review_masks", "slot_id", "number"),
        refers("review_masks", "slot_id", "slots.id"),
        refers("review_masks", "result_id", "results.id"),
        refers("review_masks", "user_id", "users.id"),
        refers("review_masks", "base_mask_id", "review_masks.id"),
        refers("review_masks", "blob_sha256", "blobs.sha256"),
    )
    for column in ("result_id", "user_id", "blob_sha256"):
        op.create_index(f"ix_review_masks_{column}", "review_masks", [column])


def make_figures() -> None:
    """What is counted of each result."""
    op.create_table(
        "result_figures",
        ulid("result_id"),
        word("model_name"),
        word("model_version"),
        word("role"),
        sa.Column("day", sa.Date(), nullable=False),
        word("label", nullable=True),
        word("category", nullable=True),
        number("value"),
        number("confidence"),
        number("quality"),
        sa.Column("gradable", sa.Boolean(), nullable=False),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("reliable", sa.Boolean(), nullable=True),
        key("result_figures", "result_id"),
        refers("result_figures", "result_id", "results.id"),
    )
    op.create_index(
        "ix_result_figures_model", "result_figures", ["model_name", "model_version", "role", "day", "result_id"]
    )


def make_workers() -> None:
    """Who is there to work."""
    op.create_table(
        "workers",
        word("name"),
        word("host"),
        sa.Column("pid", sa.Integer(), nullable=False),
        json("queues"),
        word("device", nullable=True),
        word("version"),
        now("started_at"),
        now("seen_at"),
        time("left_at"),
        key("workers", "name"),
    )


def refuse_change() -> None:
    """UPDATE, DELETE and TRUNCATE of append-only rows fail, as revision 0001 has it for those before."""
    for table in APPEND_ONLY:
        if op.get_bind().dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table}"
                    f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            continue
        for name, verbs, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{name} BEFORE {verbs} ON {table}"
                f" FOR EACH {each} EXECUTE FUNCTION refuse_change()"
            )
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_refuses_{name}")


def add_reference(table: str, column: str, target: str) -> None:
    """A nullable id that refers to another row, in a table that is there."""
    # In plain SQL: SQLite takes the constraint with the column, and alembic only after it.
    name = f"fk_{table}_{column}_{target}"
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR(26) CONSTRAINT {name} REFERENCES {target} (id)")


def widen_people() -> None:
    """Readers who read first, keys of a site, words that go with an outline."""
    op.add_column("users", flag("blind_first"))
    add_reference("api_keys", "site_id", "sites")
    add_reference("reviews", "mask_id", "review_masks")


def narrow_people() -> None:
    """Takes back what `widen_people` did."""
    op.drop_column("reviews", "mask_id")
    op.drop_column("api_keys", "site_id")
    op.drop_column("users", "blind_first")


def widen_worklist() -> None:
    """Who disagrees, what cannot be graded, who read first, and an order that implies nothing of the machine."""
    op.add_column("worklist", flag("gradable", first=True))
    add_reference("worklist", "first_reader_id", "users")
    op.add_column("worklist", word("disagreement", nullable=True))
    op.add_column("worklist", sa.Column("age_rank", sa.Integer(), nullable=False, server_default="0"))
    op.execute(BY_AGE)
    op.execute("UPDATE worklist SET disagreement = 'reader' WHERE verdict IN ('edit', 'reject')")
    op.create_index("ix_worklist_disagreement", "worklist", ["site_id", "disagreement", *ORDER])
    op.create_index("ix_worklist_age", "worklist", ["site_id", "age_rank", "study_created_at", "id"])
    op.create_index(
        "ix_worklist_ungradable",
        "worklist",
        ["site_id", *ORDER],
        postgresql_where=sa.text("NOT gradable"),
        sqlite_where=sa.text("gradable = 0"),
    )


def narrow_worklist() -> None:
    """Takes back what `widen_worklist` did."""
    for name in ("ix_worklist_ungradable", "ix_worklist_age", "ix_worklist_disagreement"):
        op.drop_index(name, "worklist")
    for name in ("age_rank", "disagreement", "first_reader_id", "gradable"):
        op.drop_column("worklist", name)


def find_what_failed() -> None:
    """What failed by its reason, what was not delivered, and who did what in the audit, each found by an index."""
    bad = sa.text("state IN ('failed', 'quarantined')")
    columns = ["state", "pipeline", "error_code", "finished_at", "id"]
    op.create_index("ix_jobs_failures", "jobs", columns, postgresql_where=bad, sqlite_where=bad)
    op.create_index("ix_deliveries_state", "deliveries", ["state", "id"])
    op.create_index("ix_audit_actor", "audit", ["actor", "id"])
    op.create_index("ix_audit_action", "audit", ["action", "id"])


def widen_items() -> None:
    """Who looked at what a batch changed, and when."""
    add_reference("batch_items", "seen_by_id", "users")
    op.add_column("batch_items", time("seen_at"))


def narrow_items() -> None:
    """Takes back what `widen_items` did."""
    op.drop_column("batch_items", "seen_at")
    op.drop_column("batch_items", "seen_by_id")
