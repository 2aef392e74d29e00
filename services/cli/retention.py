"""`overread retention`: what is removed after how long, and what a legal hold keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import Exit, JsonFlag, fail, print_json
from services.cli.local import CONSOLE, DataOption, opened_store, read_settings
from services.store.states import RetentionState

if TYPE_CHECKING:
    from services.store.tables import RetentionPolicy

app = typer.Typer(no_args_is_help=True, help="What is removed after how long; legal holds.")

Policy = Annotated[str, typer.Argument(help="The policy's name or id.")]
StudyId = Annotated[str, typer.Argument(help="The study's id in Overread.")]


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="A name for the policy.")],
    state: Annotated[
        list[RetentionState], typer.Option("--state", help="Repeatable: signed (every reading is), unrouted.")
    ],
    older_than_days: Annotated[
        int, typer.Option("--older-than-days", help="Days since the last image, and since the last review.")
    ],
    pipeline: Annotated[str | None, typer.Option("--pipeline", help="Only studies it was asked about.")] = None,
    json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Write a policy down; it removes nothing before `preview` and `approve`."""
    from services.work import retention

    with opened_store(data) as store:
        wanted = retention.Wanted(name, frozenset(state), older_than_days, pipeline)
        made = _told(retention.add(store, wanted, CONSOLE))
    if json:
        print_json(made)
    else:
        print(f"{name} is written down; `overread retention preview {made['id']}` shows what it means")


@app.command("list")
def listing(json: JsonFlag = False, data: DataOption = None) -> None:
    """List all policies."""
    from services.store import retention
    from services.store.session import unit_of_work

    with opened_store(data) as store, unit_of_work(store.database, writing=False) as session:
        rows = [_told(row) for row in retention.policies(session)]
    if json:
        print_json(rows)
        return
    for row in rows:
        states = "+".join(row["states"]) if isinstance(row["states"], list) else ""
        acts = "acts" if row["approved_by"] else "not approved"
        print(f"{row['id']} {row['name']:30} {states:16} {row['older_than_days']:6} days  {acts}")


@app.command("remove")
def remove(policy: Policy, data: DataOption = None) -> None:
    """End a policy; what it removed stays removed."""
    from services.work import retention

    with opened_store(data) as store:
        retention.remove(store, policy, CONSOLE)
    print("the policy acts no more")


@app.command("preview")
def preview(policy: Policy, json: JsonFlag = False, data: DataOption = None) -> None:
    """Say what a policy would remove now; nothing is changed."""
    from services.work import retention

    with opened_store(data) as store:
        row, seen = retention.look(store, policy)
    if json:
        print_json(
            {
                "policy": row.id,
                "studies": seen.studies,
                "images": seen.images,
                "bytes": seen.bytes,
                "study_ids": list(seen.study_ids),
            }
        )
        return
    print(f"{row.name}: {seen.studies} studies with {seen.images} images, at most {seen.bytes} bytes")
    for study_id in seen.study_ids:
        print(f"  {study_id}")
    if row.approved_at is None:
        print(f"`overread retention approve {row.id} --studies {seen.studies}` lets it act")


@app.command("approve")
def approve(
    policy: Policy,
    studies: Annotated[int, typer.Option("--studies", help="How many studies its preview counted.")],
    data: DataOption = None,
) -> None:
    """Let a policy act from now on; refused where its preview counts another number by now."""
    from services.work import retention

    with opened_store(data) as store:
        retention.approve(store, policy, studies, CONSOLE)
    print("the policy acts: the scheduler carries it out")


@app.command("run")
def run(json: JsonFlag = False, data: DataOption = None) -> None:
    """Carry approved policies out now, instead of waiting for the scheduler."""
    from services.work.retention import Keeper

    with opened_store(data) as store:
        keeper = Keeper(store, read_settings(data))
        studies = files = 0
        while True:
            removed = keeper.round()
            studies, files = studies + removed.studies, files + removed.files
            if keeper.is_through:
                break
    if json:
        print_json({"studies": studies, "files": files})
    else:
        print(f"removed {studies} studies, {files} files")


@app.command("hold")
def hold(
    study: StudyId,
    reason: Annotated[str, typer.Option("--reason", help="Why it must stay; shown to administrators.")],
    data: DataOption = None,
) -> None:
    """Put a legal hold on a study: no policy touches it."""
    from services.work import retention

    if not reason.strip():
        fail("a legal hold has a reason", Exit.USAGE)
    with opened_store(data) as store:
        retention.hold(store, study, reason, CONSOLE)
    print("no policy touches the study")


@app.command("release")
def release(study: StudyId, data: DataOption = None) -> None:
    """Lift a study's legal hold."""
    from services.work import retention

    with opened_store(data) as store:
        retention.release(store, study, CONSOLE)
    print("the hold is lifted; policies may remove the study again")


def _told(row: RetentionPolicy) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "states": row.states,
        "older_than_days": row.older_than_days,
        "pipeline": row.pipeline,
        "approved_by": row.approved_by,
    }
