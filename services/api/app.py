"""The ASGI application: `services.api.app:app`; settings are read and everything is opened when it starts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from typing import Final

from fastapi import APIRouter, FastAPI

from pipelines.imaging.decoder import Decoder
from services import log
from services.api import (
    agreement,
    alarms,
    assignments,
    audit,
    batch_failures,
    batches,
    changes,
    comparison,
    counts,
    deliveries,
    drift,
    errors,
    events,
    health,
    instances,
    jobs,
    keys,
    masks,
    models,
    operations,
    queues,
    reading_rules,
    reference,
    references,
    rejections,
    report,
    results,
    retention,
    reviews,
    saved_views,
    series,
    session,
    sites,
    slots,
    studies,
    summary,
    users,
    workers,
    worklist,
)
from services.api.feed import Feed
from services.api.gate import API_PREFIX, Gate
from services.api.metrics import Metrics
from services.api.openapi import operation_id
from services.api.report_line import ReportLine
from services.api.throttle import LoginThrottle
from services.broker import open_bell
from services.dashboard import static
from services.intake import rest
from services.settings import Settings
from services.store.stores import open_store
from services.work.render import Pictures
from services.work.report_process import ReportProcess
from services.work.volumes import Volumes

#: Of the contract, as the path's v1 says; the program's own version is in the container's label.
API_VERSION: Final = "1.0.0"
#: Bytes of a JSON body; uploads have their own limit (OVERREAD_MAX_BODY_BYTES).
MAX_JSON_BYTES: Final = 1024**2
#: The worklist comes before the study, or /studies/search would be taken for a study's id.
API_ROUTERS: Final[tuple[APIRouter, ...]] = (
    worklist.router,
    counts.router,
    saved_views.router,
    assignments.router,
    studies.router,
    results.router,
    reviews.router,
    slots.router,
    agreement.router,
    reading_rules.router,
    instances.router,
    series.router,
    references.router,
    jobs.router,
    queues.router,
    workers.router,
    operations.router,
    deliveries.router,
    batches.router,
    models.router,
    comparison.router,
    drift.router,
    changes.router,
    batch_failures.router,
    summary.router,
    report.router,
    session.router,
    users.router,
    sites.router,
    keys.router,
    audit.router,
    rejections.router,
    alarms.router,
    retention.router,
    retention.holds,
    events.router,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """An application with all routes; without `settings` they are read from the environment at its start."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        chosen = settings or Settings()
        log.configure()
        # The server's own access log writes paths and addresses; the gate writes route templates instead.
        logging.getLogger("uvicorn.access").disabled = True
        with (
            closing(open_store(chosen)) as store,
            Decoder(chosen.decoder_memory_bytes, chosen.decoder_timeout_seconds) as decoder,
            ReportProcess(chosen.report_memory_bytes, chosen.report_timeout_seconds) as report_process,
            ReportLine(report_process) as reports,
            ThreadPoolExecutor(max_workers=1) as passwords,
        ):
            app.state.settings = chosen
            app.state.store = store
            app.state.bell = open_bell(chosen)
            app.state.metrics = metrics
            app.state.throttle = LoginThrottle(chosen.login_attempts, chosen.login_wait_seconds)
            app.state.passwords = passwords
            app.state.feed = Feed(store)
            app.state.decoder = decoder
            app.state.pictures = Pictures(decoder, chosen.rendered_dir, chosen.rendered_cache_bytes)
            app.state.volumes = Volumes(decoder, chosen.volumes_dir, chosen.volume_cache_bytes)
            app.state.reports = reports
            metrics.watch(store)
            decoder.start()
            yield

    app = FastAPI(
        title="Overread API",
        version=API_VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    app.add_middleware(Gate, metrics=metrics)
    errors.install(app)
    _route(app)
    return app


def _route(app: FastAPI) -> None:
    app.include_router(rest.router, prefix=API_PREFIX)
    for router in API_ROUTERS:
        app.include_router(router, prefix=API_PREFIX, max_body_size=MAX_JSON_BYTES)
    app.include_router(masks.router, prefix=API_PREFIX, max_body_size=masks.MAX_MASK_BYTES)
    app.include_router(health.router, max_body_size=MAX_JSON_BYTES)
    app.include_router(reference.router, max_body_size=MAX_JSON_BYTES)
    app.include_router(static.router)


app = create_app()
