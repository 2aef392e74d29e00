/** Operations: what runs, what failed and what was refused, a page each behind one strip of names. */
import { lazy, type ReactElement } from "react";
import { Link } from "wouter";

import type { Me } from "../api/types";
import { t } from "../text/messages";
import "./ops.css";

const JobsPage = lazy(() => import("../jobs/JobsPage"));
const RejectionsPage = lazy(() => import("../rejections/RejectionsPage"));

const OperationsPage: (props: { part: string | null; me: Me }) => ReactElement = ({ part }) => {
  const shown = part ?? "jobs";
  return (
    <div className="operations">
      <nav aria-label={t.nav.operations}>
        <Link href="/operations/jobs" aria-current={shown === "jobs" ? "page" : undefined}>
          {t.jobs.title}
        </Link>
        <Link href="/operations/rejections" aria-current={shown === "rejections" ? "page" : undefined}>
          {t.rejections.title}
        </Link>
      </nav>
      {shown === "rejections" ? <RejectionsPage /> : <JobsPage />}
    </div>
  );
};
export default OperationsPage;
