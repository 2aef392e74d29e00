/** The frame around every page: who is logged in, where one can go, what the keys do, and the live connection. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, type ReactElement } from "react";
import { useLocation } from "wouter";

import { listen } from "../api/events";
import { useMe } from "../api/queries";
import { usePictureFailures } from "../api/sessionCheck";
import type { Me } from "../api/types";
import { Notice } from "../design/parts";
import { LoginDialog, LoginPage } from "../session/Login";
import { t } from "../text/messages";
import { Alarms } from "./Alarms";
import { CrashBarrier } from "./CrashBarrier";
import { Pages } from "./Pages";
import { TopBar } from "./TopBar";
import "./app.css";

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
  usePictureFailures(loggedIn);
  useEffect(() => (loggedIn ? listen(client) : undefined), [client, loggedIn]);
  useEffect(() => {
    if (loggedIn && place === "/login") goTo("/", { replace: true });
  }, [loggedIn, place, goTo]);

  if (shown === null) return <LoginPage />;
  // Another person's page begins anew: nobody goes on with what somebody else was writing.
  return (
    <div key={shown.id} className="frame">
      <a className="skip" href="#content">
        {t.skip}
      </a>
      <div>
        <TopBar me={shown} />
        {shown.role === "admin" ? <Alarms /> : null}
      </div>
      <main id="content" className="content" tabIndex={-1}>
        <CrashBarrier place={place}>
          <Pages me={shown} />
        </CrashBarrier>
      </main>
      {loggedIn ? null : <LoginDialog before={shown} />}
    </div>
  );
}
