/** What failed, by its reason: all of one reason run again; quarantined jobs apart, and only after a question. */
import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import { useFailures, useRetryAll, type Failure } from "../api/ops";
import { Age } from "../design/Age";
import { Confirm, NotDone } from "../design/Confirm";
import { Button, Empty, Notice } from "../design/parts";
import { Table } from "../design/Table";
import { nameOfPipeline } from "../study/questions";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import { Sheet } from "../design/Sheet";

export default function FailuresPage(): ReactElement {
  const failures = useFailures();
  const retry = useRetryAll();
  const groups = failures.data?.items ?? [];
  const words = t.ops.failures;
  return (
    <Sheet title={t.ops.parts.failures} summary={words.summary} load={failures}>
      {retry.data ? <Notice tone="routine" title={words.done(retry.data.retried, retry.data.left)} /> : null}
      <NotDone error={retry.error} />
      {groups.length === 0 ? (
        <Empty inside title={words.emptyTitle}>
          <p>{words.empty}</p>
        </Empty>
      ) : null}
      <Groups
        title={words.failed}
        why={words.failedWhy}
        groups={groups.filter((group) => group.state === "failed")}
        busy={retry.isPending}
        retry={(group) => retry.mutate(group)}
      />
      <Groups
        title={words.quarantined}
        why={words.quarantinedWhy}
        groups={groups.filter((group) => group.state === "quarantined")}
        busy={retry.isPending}
        retry={(group) => retry.mutate(group)}
      />
    </Sheet>
  );
}

type GroupsProps = {
  title: string;
  why: string;
  groups: readonly Failure[];
  busy: boolean;
  retry: (group: Failure) => void;
};

function Groups({ title, why, groups, busy, retry }: GroupsProps): ReactElement {
  const [asked, ask] = useState<Failure | null>(null);
  if (groups.length === 0) return <></>;
  return (
    <section className="panel">
      <h2>{title}</h2>
      <p className="tone-muted">{why}</p>
      <Table label={title} columns={t.ops.failures.columns}>
        {groups.map((group) => (
          <GroupRow
            key={`${group.pipeline} ${group.error_code}`}
            group={group}
            busy={busy}
            retry={group.state === "quarantined" ? ask : retry}
          />
        ))}
      </Table>
      {asked === null ? null : (
        <Confirm
          title={t.ops.failures.sure}
          yes={t.ops.failures.yes}
          busy={busy}
          error={null}
          onClose={() => ask(null)}
          onYes={() => {
            retry(asked);
            ask(null);
          }}
        >
          <p>{t.ops.failures.sureWhy(asked.jobs)}</p>
        </Confirm>
      )}
    </section>
  );
}

type GroupProps = { group: Failure; busy: boolean; retry: (group: Failure) => void };

function GroupRow({ group, busy, retry }: GroupProps): ReactElement {
  const words = t.ops.failures;
  const kept = group.state === "quarantined";
  const [newest] = group.examples;
  return (
    <tr>
      <td>{nameOfPipeline(group.pipeline)}</td>
      <td>
        <code>{group.error_code}</code>
        <div>{sentence(newest?.error_detail ?? "")}</div>
      </td>
      <td>{group.jobs}</td>
      <td>{group.newest_at === null ? t.none : <Age since={group.newest_at} />}</td>
      <td>
        {newest === undefined ? (
          t.none
        ) : (
          <Link href={`/studies/${newest.study_id}`} className="button button-small">
            {t.jobs.openStudy}
          </Link>
        )}
      </td>
      <td>
        <Button
          small
          disabled={busy}
          aria-label={(kept ? words.releaseOf : words.retryOf)(group.error_code, nameOfPipeline(group.pipeline))}
          onClick={() => retry(group)}
        >
          {kept ? words.release : words.retry}
        </Button>
      </td>
    </tr>
  );
}
