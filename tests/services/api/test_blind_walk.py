"""An attack on blind reading: every GET route of the application as a withheld reader, looking for planted words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx
import pytest

from pipelines.core.codes import DIABETIC_RETINOPATHY
from pipelines.core.types import Artifact, Explanation, Finding, ImageReading, ModelRef, Quality, Reading, Urgency
from services.api.pages import unpack
from services.store import models, outbox
from services.store.age import AGE_OPEN
from services.store.search import index_study
from services.store.session import unit_of_work
from services.store.states import JobRole, ModelState, Role
from services.store.tables import Instance, ModelVersion, Series, User, WorklistRow
from services.store.worklist import SECOND_READ_URGENCY, URGENCY_RANKS
from tests.services.api.conftest import Read, Reader, Web
from tests.services.api.test_blind import blind_client
from tests.services.conftest import Desk
from tests.services.overnight import Night
from tests.services.readings import reading

#: What the machine, a shadow, a night and another reader say of the planted study, and nothing else says.
PLANTED = re.compile(
    r"planted|DR grade|0\.987654|0\.876543"
    r"|\"(urgency|headline|verdict|change|change_headline|disagreement)\": ?\"(?!any)"
    r"|\"change_weight\": ?\d|\"(abstained|proposed)\": ?true|\"gradable\": ?false(?!.*filters)"
)
#: Means over all readings, of which a test has few; only who reads blind first is refused them.
FIGURES_OF_ALL = "/api/v1/models/fundus_dr_grading/drift"
ROUTES_WITHOUT_STUDIES = {"/openapi.json", "/docs", "/api/v1/events"}


@dataclass(frozen=True)
class Scene:
    """A study that was read live and overnight, by a shadow, and signed once; a second reader is awaited."""

    read: Read
    ids: dict[str, str]


def planted(grade: int, abstained: bool = False) -> Reading:
    """An answer whose every part is found again in a text."""
    quality = Quality(gradable=False, score=0.876543, reasons=("planted_reason",))
    explanation = Explanation("grad-cam", "planted_layer", "planted_target", {"planted_trust": 0.5}, False)
    return reading(
        findings=(Finding(DIABETIC_RETINOPATHY, "dr_grade", grade, probabilities={"4": 0.987654}),),
        images=(ImageReading("1.2.3", None, quality, abstained, None, explanation, ("planted-overlay.png",)),),
        quality=quality,
        abstained=abstained,
        abstain_reason="planted_reason" if abstained else None,
        urgency=Urgency.STAT,
        explanation=explanation,
        artifacts=(Artifact("planted-overlay.png", "overlay", "image/png", b"planted pixels"),),
    )


def shadow_of(desk: Desk) -> str:
    """A second version of the desk's model, reading silently."""
    with unit_of_work(desk.store.database) as session:
        active = session.get_one(ModelVersion, desk._model(session))
        row = ModelVersion(
            name=active.name,
            version="2.0.0",
            sha256="5" * 64,
            weights_sha256="6" * 64,
            pipeline=active.pipeline,
            bundle_sha256=active.bundle_sha256,
            thresholds={},
            facts={},
            card="",
        )
        session.add(row)
        session.flush()
        models.add_event(session, row.id, ModelState.SHADOW, "system", "test")
        return row.id


@pytest.fixture
def scene(web: Web, reader: Reader) -> Scene:
    """The study with all that others say of it, none of it settled."""
    desk = reader.desk
    web.client(Role.ADMIN, "ruler").post("/api/v1/reading-rules", json={"name": "all twice", "share": 1.0})
    shadow_of(desk)
    night = Night(desk)
    night.begin()
    read = reader.read("one", planted(2))
    desk.queue(study="one", role=JobRole.SHADOW)
    shadow = reader.answer_next(replace(planted(4), model=ModelRef("fundus_dr_grading", "2.0.0", "5" * 64)))
    night.item("one")
    newer = reader.answer_next(planted(4))
    word = {"action": "sign", "verdict": "reject", "reason": "other", "comment": "planted comment"}
    first = web.client(Role.CLINICIAN, "carol")
    assert first.post(f"/api/v1/results/{read.result_id}/reviews", json=word).status_code == 201
    with unit_of_work(web.store.database) as session:
        outbox.emit(session, "alarm", None, {})
    outbox.number_rows(web.store)
    with unit_of_work(web.store.database, writing=False) as session:
        series = session.query(Series).filter_by(study_id=read.study_id).first()
        assert series is not None
        instance = session.query(Instance).filter_by(series_id=series.id).first()
        assert instance is not None
        ids = {
            "study_id": read.study_id,
            "result_id": read.result_id,
            "slot_id": read.slot_id,
            "job_id": read.job_id,
            "batch_id": night.id,
            "series_id": series.id,
            "instance_id": instance.id,
            "shadow": shadow.result_id,
            "newer": newer.result_id,
        }
    return Scene(read, ids)


def paths(client: httpx.Client, scene: Scene) -> Iterator[str]:
    """Every GET route with the scene's ids, each result of the slot in turn, and lists in several forms."""
    for template, item in client.get("/openapi.json").json()["paths"].items():
        if "get" not in item or template in ROUTES_WITHOUT_STUDIES:
            continue
        named = "planted-overlay.png" if "artifacts" in template else "fundus_dr_grading"
        for result in ("result_id", "shadow", "newer"):
            ids = {**scene.ids, "result_id": scene.ids[result], "name": named}
            yield template.format_map(defaultdict(lambda: scene.read.study_id, ids))
            if "{result_id}" not in template:
                break
    yield from (
        f"/api/v1/batches/{scene.ids['batch_id']}/summary?format=csv&fresh=true",
        f"/api/v1/batches/{scene.ids['batch_id']}/changes?kind=crossed",
        "/api/v1/references?pipeline=retinopathy",
        "/api/v1/audit?action=review.sign",
        "/api/v1/studies?review_state=open&limit=1",
        "/api/v1/studies?urgency=stat",
        "/api/v1/models/fundus_dr_grading/comparison?version=2.0.0",
    )


def told(client: httpx.Client, scene: Scene) -> dict[str, str]:
    """The first planted word that each route gives away, with the headers of its answer looked at as well."""
    found = {}
    for path in paths(client, scene):
        answer = client.get(path)
        text = f"{answer.headers}\n{answer.text}"
        hit = PLANTED.search(text)
        if hit is not None and answer.is_success:
            found[path] = text[max(hit.start() - 100, 0) : hit.end() + 60]
    return found


def blind_admin(web: Web) -> httpx.Client:
    """An administrator, who may ask most, and reads blind first."""
    client = web.client(Role.ADMIN, "ada")
    client.patch("/api/v1/me", json={"blind_first": True})
    return client


def test_withheld_readers_find_none_of_the_planted_words_on_any_route(web: Web, scene: Scene) -> None:
    seen = told(web.client(Role.TECHNICIAN), scene)
    assert {path.split("/")[3] for path in seen} >= {"studies", "results", "batches", "models"}, seen
    second = told(web.client(Role.ADMIN, "a second reader"), scene)
    assert set(second) <= {FIGURES_OF_ALL}
    assert told(blind_admin(web), scene) == {}


def test_the_stream_and_the_timeline_tell_a_blind_reader_of_no_review(web: Web, scene: Scene) -> None:
    assert "review" in heard(web.client(Role.TECHNICIAN))
    blind = blind_admin(web)
    assert heard(blind) >= {"job", "result"}
    assert "review" not in heard(blind)
    timeline = blind.get(f"/api/v1/studies/{scene.read.study_id}/events").json()["items"]
    assert "review" not in {event["topic"] for event in timeline}


def heard(client: httpx.Client) -> set[str]:
    """The topics of all events so far: the stream says that it is still there when it has told them."""
    topics = set()
    with client.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "0"}) as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                topics.add(line.removeprefix("event: "))
            if line == "event: alarm":  # the last one, see `scene`
                return topics
    return topics


def test_the_list_of_a_blind_reader_goes_by_age_and_looks_alike_whatever_was_found(web: Web, reader: Reader) -> None:
    first = reader.read("first", reading(urgency=Urgency.ROUTINE))
    second = reader.read("second", planted(4, abstained=True))
    blind = blind_client(web)
    rows = blind.get("/api/v1/studies").json()["items"]
    assert [row["id"] for row in rows] == [first.study_id, second.study_id]
    own = {"id", "row_id", "patient", "job_id", "created_at", "updated_at"}
    one, other = ({name: value for name, value in row.items() if name not in own} for row in rows)
    assert one == other
    seeing = web.client(Role.CLINICIAN).get("/api/v1/studies").json()["items"]
    assert [row["id"] for row in seeing] == [second.study_id, first.study_id]


def test_a_blind_reader_s_place_in_the_list_holds_no_urgency(web: Web, reader: Reader) -> None:
    reader.read("first", reading(urgency=Urgency.STAT))
    reader.read("second", reading(urgency=Urgency.ROUTINE))
    blind = blind_client(web)
    page = blind.get("/api/v1/studies", params={"limit": 1}).json()
    (rank, *_) = unpack(page["next_cursor"], int, str, str)
    assert rank == AGE_OPEN
    assert len(blind.get("/api/v1/studies", params={"cursor": page["next_cursor"]}).json()["items"]) == 1


TELLING = [
    {"urgency": "stat"},
    {"abstained": "true"},
    {"gradable": "false"},
    {"disagreement": "any"},
    {"change": "any"},
    {"review_state": "second_read"},
    {"review_state": "unread"},
]


def test_a_blind_reader_is_refused_every_filter_that_would_tell(web: Web) -> None:
    blind = blind_client(web)
    for path in ("/api/v1/studies", "/api/v1/studies/counts"):
        answers = [blind.get(path, params=filters) for filters in TELLING]
        assert {(one.status_code, one.json()["code"]) for one in answers} == {(422, "withheld_filter")}


def test_a_blind_reader_s_counts_and_views_tell_only_what_is_settled(web: Web, scene: Scene) -> None:
    blind = blind_client(web)
    counts = blind.get("/api/v1/studies/counts").json()
    assert (counts["review_state"], counts["urgency"]) == ({"unread": 1}, {})
    views = {view["key"] for view in blind.get("/api/v1/views/counts").json()["views"]}
    assert {"to_read", "mine"} <= views
    assert not views & {"ungradable", "abstained", "changed", "disagreements", "second_read", "adjudication"}


def test_figures_over_many_readings_are_refused_to_a_blind_reader(web: Web, scene: Scene) -> None:
    blind, night = blind_client(web), scene.ids["batch_id"]
    refused = [
        blind.get(f"/api/v1/{path}")
        for path in (
            f"batches/{night}/changes",
            f"batches/{night}/summary",
            "models/fundus_dr_grading/comparison",
            "models/fundus_dr_grading/drift",
            "models/fundus_dr_grading/agreement",
        )
    ]
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(403, "withheld_until_read")}


def test_a_blind_administrator_cannot_count_the_studies_of_a_grade(web: Web, scene: Scene) -> None:
    asked = {"name": "how many", "pipeline": "retinopathy", "query": {"finding": {"label": "dr_grade", "min": 4}}}
    answer = blind_admin(web).post("/api/v1/batches/preview", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "withheld_filter")


def test_a_line_that_waits_for_a_blinded_second_reader_has_its_place_whatever_was_found(web: Web, scene: Scene) -> None:
    (row,) = web.client(Role.CLINICIAN).get("/api/v1/studies").json()["items"]
    assert (row["review_state"], row["urgency"], row["verdict"], row["headline"]) == ("second_read", None, None, None)
    with unit_of_work(web.store.database, writing=False) as session:
        kept = session.query(WorklistRow).filter_by(slot_id=scene.read.slot_id).one()
        assert kept.urgency_rank == URGENCY_RANKS[SECOND_READ_URGENCY]


def test_the_second_reader_s_own_word_opens_the_slot_and_the_first_reader_never_lost_it(web: Web, scene: Scene) -> None:
    second = web.client(Role.CLINICIAN, "cora")
    path = f"/api/v1/results/{scene.read.result_id}"
    assert second.get(path).status_code == 403
    body = {"findings": [{"label": "dr_grade", "value": 1, "laterality": "L"}]}
    assert second.post(f"/api/v1/slots/{scene.read.slot_id}/blind-read", json=body).status_code == 201
    assert second.get(path).status_code == 200
    first = web._client({"Authorization": f"Bearer {key_of(web, 'carol')}"})
    assert first.get(path).status_code == 200


def key_of(web: Web, name: str) -> str:
    """A new key of the user of this name."""
    with unit_of_work(web.store.database, writing=False) as session:
        user_id = session.query(User).filter_by(name=name).one().id
    return web.key(Role.CLINICIAN, f"user:{user_id}")


def test_a_blind_reader_of_a_second_read_is_not_told_that_it_is_one(web: Web, scene: Scene) -> None:
    blind = blind_client(web)
    (slot,) = blind.get(f"/api/v1/studies/{scene.read.study_id}").json()["slots"]
    assert (slot["withheld"], slot["review_state"], slot["second_read"]) == (True, "unread", None)
    (seen,) = web.client(Role.CLINICIAN, "cora").get(f"/api/v1/studies/{scene.read.study_id}").json()["slots"]
    assert (seen["review_state"], seen["second_read"]) == (
        "second_read",
        {"blinded": True, "reason": None, "first_reader_id": None},
    )


def test_a_search_and_a_review_too_early_tell_a_blind_reader_nothing(web: Web, scene: Scene) -> None:
    with unit_of_work(web.store.database) as session:
        index_study(session, scene.read.study_id)
    blind = blind_client(web)
    found = blind.post("/api/v1/studies/search", json={"text": "one"})
    assert [row["id"] for row in found.json()["items"]] == [scene.read.study_id]
    early = blind.post(f"/api/v1/results/{scene.read.result_id}/reviews", json={"action": "draft"})
    assert (early.status_code, early.json()["code"]) == (409, "blind_read_first")
    assert not PLANTED.search(found.text + early.text)
