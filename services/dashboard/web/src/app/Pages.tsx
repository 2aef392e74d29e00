/** Which page stands at which address; every page but the worklist is loaded when somebody goes there. */
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, type ReactElement } from "react";
import { Redirect, Route, Switch, useRoute } from "wouter";

import type { Me } from "../api/types";
import { NotFound } from "../design/NotFound";
import { onDemand } from "../design/onDemand";
import { listsVolumes, loadVolumeViewer, useOpening } from "../study/opening";
import { t } from "../text/messages";
import { WorklistPage } from "../worklist/WorklistPage";

const StudyPage = onDemand(() => import("../study/StudyPage"));
const ReportPage = lazy(() => import("../report/ReportPage"));
const BatchesPage = lazy(() => import("../batches/BatchesPage"));
const ModelsPage = lazy(() => import("../models/ModelsPage"));
const OperationsPage = lazy(() => import("../ops/OperationsPage"));
const AccountPage = lazy(() => import("../account/AccountPage"));

/** Of a page that was just opened; then it is calm enough to fetch the one that most readers go to next. */
const CALM_MS = 1000;

export function Pages({ me }: { me: Me }): ReactElement {
  const waiting = <p className="waiting">{t.loading}</p>;
  const client = useQueryClient();
  const [, study] = useRoute("/studies/:id");
  useOpening(study?.id ?? null);
  useEffect(() => {
    const timer = setTimeout(() => {
      // A file that does not come now is asked for again, and complained of, when somebody goes there.
      StudyPage.load().catch(() => undefined);
      if (listsVolumes(client)) loadVolumeViewer();
    }, CALM_MS);
    return () => clearTimeout(timer);
  }, [client]);
  return (
    <Suspense fallback={waiting}>
      <Switch>
        <Route path="/">
          <WorklistPage me={me} />
        </Route>
        <Route path="/studies/:id">{({ id }) => <StudyPage key={id} id={id} me={me} waiting={waiting} />}</Route>
        <Route path="/studies/:id/report">{({ id }) => <ReportPage key={id} id={id} />}</Route>
        <Route path="/batches/:id?">{({ id }) => <BatchesPage id={id ?? null} me={me} />}</Route>
        <Route path="/models/:name?">{({ name }) => <ModelsPage name={name ?? null} />}</Route>
        <Route path="/operations/:part?">{({ part }) => <OperationsPage part={part ?? null} me={me} />}</Route>
        <Route path="/account">
          <AccountPage me={me} />
        </Route>
        <Route path="/jobs">
          <Redirect to="/operations/jobs" replace />
        </Route>
        <Route path="/rejections">
          <Redirect to="/operations/rejections" replace />
        </Route>
        <Route>
          <NotFound />
        </Route>
      </Switch>
    </Suspense>
  );
}
