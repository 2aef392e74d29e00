/** The frame around every page: who is logged in, where one can go, what the keys do, and the live connection. */
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState, type ReactElement } from "react";
import { Route, Switch, useLocation } from "wouter";

import { listen } from "../api/events";
import { useMe } from "../api/queries";
import type { Me } from "../api/types";
import { Empty, Notice } from "../design/parts";
import { LoginDialog, LoginPage } from "../session/Login";
import { t } from "../text/messages";
import { WorklistPage } from "../worklist/WorklistPage";
import { Alarms } from "./Alarms";
import { TopBar } from "./TopBar";
import "./app.css";

const StudyPage = lazy(() => import("../study/StudyPage"));
const JobsPage = lazy(() => import("../jobs/JobsPage"));
const RejectionsPage = lazy(() => import("../rejections/RejectionsPage"));
const ModelsPage = lazy(() => import("../models/ModelsPage"));

export function App(): ReactElement {
  const me = useMe();
  if (me.isPending) return <p className="waiting">{t.loading}</p>;
  if (me.isError) {
    return (
      <main className="empty">
        <Notice tone="stat" title={t.errors.loadTitle}>
          <p>{me.error.message}</p>
        </Notice>
      </main>
    );
  }
  return <Rooms me={me.data} />;
}

/** The pages; where the session ended while one was open, the login comes over it and the page stays as it is. */
function Rooms({ me }: { me: Me | null }): ReactElement {
  const client = useQueryClient();
  const [place, goTo] = useLocation();
  const [shown, remember] = useState(me);
  if (me !== null && me !== shown) remember(me);
  const loggedIn = me !== null;
  useEffect(() => (loggedIn ? listen(client) : undefined), [client, loggedIn]);
  useEffect(() => {
    if (loggedIn && place === "/login") goTo("/", { replace: true });
  }, [loggedIn, place, goTo]);

  if (shown === null) return <LoginPage />;
  return (
    <div className="frame">
      <a className="skip" href="#content">
        {t.skip}
      </a>
      <div>
        <TopBar me={shown} />
        {shown.role === "admin" ? <Alarms /> : null}
      </div>
      <main id="content" className="content" tabIndex={-1}>
        <Suspense fallback={<p className="waiting">{t.loading}</p>}>
          <Switch>
            <Route path="/">
              <WorklistPage />
            </Route>
            <Route path="/studies/:id">{({ id }) => <StudyPage key={id} id={id} me={shown} />}</Route>
            <Route path="/jobs" component={JobsPage} />
            <Route path="/rejections" component={RejectionsPage} />
            <Route path="/models/:name?">{({ name }) => <ModelsPage name={name ?? null} />}</Route>
            <Route>
              <Empty title={t.errors.notFound} />
            </Route>
          </Switch>
        </Suspense>
      </main>
      {loggedIn ? null : <LoginDialog />}
    </div>
  );
}
