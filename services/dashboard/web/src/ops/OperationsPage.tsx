/** Operations: how the system does and who may use it, a page each beside one list of names. */
import { lazy, type ComponentType, type LazyExoticComponent, type ReactElement } from "react";
import { Link } from "wouter";

import type { Me } from "../api/types";
import { NotFound } from "../design/NotFound";
import { Empty } from "../design/parts";
import { t } from "../text/messages";
import "./ops.css";

type Part = keyof typeof t.ops.parts;
type PartPage = LazyExoticComponent<ComponentType<{ me: Me }>>;

const PAGES: Partial<Record<Part, PartPage>> = {
  overview: lazy(() => import("./OverviewPage")),
  jobs: lazy(() => import("../jobs/JobsPage")),
  failures: lazy(() => import("./FailuresPage")),
  queues: lazy(() => import("./QueuesPage")),
  disk: lazy(() => import("./DiskPage")),
  deliveries: lazy(() => import("./DeliveriesPage")),
  rejections: lazy(() => import("../rejections/RejectionsPage")),
  retention: lazy(() => import("./RetentionPage")),
  users: lazy(() => import("./UsersPage")),
  keys: lazy(() => import("./KeysPage")),
  rules: lazy(() => import("../rules/RulesPage")),
  audit: lazy(() => import("./AuditPage")),
};
const GROUPS: readonly (readonly [keyof typeof t.ops.groups, readonly Part[]])[] = [
  ["work", ["overview", "jobs", "failures", "queues"]],
  ["data", ["disk", "deliveries", "rejections", "retention"]],
  ["people", ["users", "keys", "rules", "audit"]],
];
/** What everybody sees who may log in; the rest is for administrators. */
const OPEN: ReadonlySet<Part> = new Set(["jobs", "rejections"]);

const OperationsPage: (props: { part: string | null; me: Me }) => ReactElement = ({ part, me }) => {
  const admin = me.role === "admin";
  const shown = part ?? (admin ? "overview" : "jobs");
  return (
    <div className="operations">
      <nav aria-label={t.nav.operations} className="operations-parts">
        {GROUPS.map(([group, parts]) => {
          const seen = parts.filter((one) => one in PAGES && (admin || OPEN.has(one)));
          return seen.length === 0 ? null : <Group key={group} name={t.ops.groups[group]} parts={seen} shown={shown} />;
        })}
      </nav>
      <Shown part={shown} me={me} />
    </div>
  );
};
export default OperationsPage;

function Group({ name, parts, shown }: { name: string; parts: readonly Part[]; shown: string }): ReactElement {
  return (
    <div className="operations-group">
      <h2>{name}</h2>
      {parts.map((part) => (
        <Link key={part} href={`/operations/${part}`} aria-current={shown === part ? "page" : undefined}>
          {t.ops.parts[part]}
        </Link>
      ))}
    </div>
  );
}

function Shown({ part, me }: { part: string; me: Me }): ReactElement {
  const Page = PAGES[part as Part];
  if (Page === undefined) return <NotFound />;
  if (me.role !== "admin" && !OPEN.has(part as Part)) {
    return (
      <Empty title={t.ops.notYours}>
        <p>{t.ops.notYoursWhy}</p>
      </Empty>
    );
  }
  return <Page me={me} />;
}
