/** The machine's work: what waits, runs and failed, and why; what ended badly can be read again. */
import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import { rowsOf, useJobAction, useJobs } from "../api/queries";
import type { Job, JobState } from "../api/types";
import { Age } from "../design/Age";
import { Select } from "../design/Choices";
import { Listed } from "../design/Listed";
import { Badge, Button, Empty, Field, Notice } from "../design/parts";
import { Sheet } from "../design/Sheet";
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
  const filter = (
    <Field label={t.jobs.filter}>
      <Select
        value={state}
        any={t.worklist.filters.any}
        choices={STATES.map((one) => [one, t.jobState[one]])}
        onChange={setState}
      />
    </Field>
  );
  return (
    <Sheet title={t.jobs.title} summary={t.jobs.summary} load={list} end={filter}>
      <Listed
        words={t.jobs}
        more={list}
        empty={
          <Empty inside title={state === "" ? t.jobs.emptyTitle : t.jobs.emptyFiltered}>
            {state === "" ? <p>{t.jobs.empty}</p> : null}
          </Empty>
        }
      >
        {rowsOf(list.data).map((job) => (
          <JobRow key={job.id} job={job} />
        ))}
      </Listed>
    </Sheet>
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
      <td className="one-line">{nameOfPipeline(job.pipeline)}</td>
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
