/** The machine's work: what waits, runs and failed, and why; what ended badly can be read again. */
import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import { rowsOf, useJobAction, useJobs } from "../api/queries";
import type { Job, JobState } from "../api/types";
import { Age } from "../design/Age";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { More } from "../design/More";
import { Badge, Button, Empty, Field, Notice } from "../design/parts";
import { percent, sentence } from "../text/format";
import { nameOfPipeline } from "../study/questions";
import { t } from "../text/messages";
import { jobIcon, jobTone } from "../worklist/rows";

const STATES = Object.keys(t.jobState) as JobState[];
const MAY_RETRY: ReadonlySet<JobState> = new Set(["failed", "quarantined", "cancelled"]);
const MAY_CANCEL: ReadonlySet<JobState> = new Set(["queued", "running"]);

export default function JobsPage(): ReactElement {
  const [state, setState] = useState("");
  const list = useJobs({ state });
  const rows = rowsOf(list.data);
  if (list.isError && rows.length === 0) return <LoadFailed error={list.error} again={() => void list.refetch()} />;
  return (
    <section className="page">
      <div className="page-head">
        <div>
          <h1>{t.jobs.title}</h1>
          <p>{list.isPending ? t.loading : t.jobs.summary}</p>
        </div>
        <Field label={t.jobs.filter}>
          <select className="input" value={state} onChange={(event) => setState(event.target.value)}>
            <option value="">{t.worklist.filters.any}</option>
            {STATES.map((one) => (
              <option key={one} value={one}>
                {t.jobState[one]}
              </option>
            ))}
          </select>
        </Field>
      </div>
      <div className="page-body">
        <Stale error={list.error} />
        {rows.length > 0 ? (
          <table className="table" aria-label={t.jobs.table}>
            <thead>
              <tr>
                {Object.values(t.jobs.columns).map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((job) => (
                <JobRow key={job.id} job={job} />
              ))}
            </tbody>
          </table>
        ) : null}
        {list.isSuccess && rows.length === 0 ? (
          <Empty inside title={t.jobs.emptyTitle}>
            <p>{t.jobs.empty}</p>
          </Empty>
        ) : null}
        <More list={list} />
      </div>
    </section>
  );
}

function JobRow({ job }: { job: Job }): ReactElement {
  return (
    <tr>
      <td>
        <Badge icon={jobIcon(job.state)} tone={jobTone(job.state)}>
          {t.jobState[job.state]}
        </Badge>
      </td>
      <td>{nameOfPipeline(job.pipeline)}</td>
      <td>
        {whatHappened(job)} {job.error_code ? <code>{job.error_code}</code> : null}
      </td>
      <td>
        <Age since={job.created_at} />
      </td>
      <td>
        <JobActions job={job} />
      </td>
    </tr>
  );
}

function whatHappened(job: Job): string {
  if (job.error_detail !== null) return sentence(job.error_detail);
  if (job.place_in_queue !== null) return t.machine.place(job.place_in_queue);
  if (job.state === "running") return t.machine.step(job.step, percent(job.progress));
  return t.none;
}

function JobActions({ job }: { job: Job }): ReactElement {
  const retry = useJobAction("retry");
  const cancel = useJobAction("cancel");
  const error = retry.error ?? cancel.error;
  return (
    <div className="row">
      <Link href={`/studies/${job.study_id}`} className="button button-small">
        {t.jobs.openStudy}
      </Link>
      {MAY_RETRY.has(job.state) ? (
        <Button small disabled={retry.isPending} onClick={() => retry.mutate(job.id)}>
          {t.machine.retry}
        </Button>
      ) : null}
      {MAY_CANCEL.has(job.state) ? (
        <Button small disabled={cancel.isPending} onClick={() => cancel.mutate(job.id)}>
          {t.jobs.cancel}
        </Button>
      ) : null}
      {error ? (
        <Notice tone="stat" title={t.jobs.notDone}>
          <p>{sentence(error.message)}</p>
        </Notice>
      ) : null}
    </div>
  );
}
