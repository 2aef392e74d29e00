/** Where the machine's work stands while there is no result, or where it failed: what happened and what can be done. */
import type { ReactElement } from "react";

import { useJobAction } from "../api/queries";
import type { Job, Me, StudyDetail } from "../api/types";
import { Button, Notice } from "../design/parts";
import { percent, sentence } from "../text/format";
import { t } from "../text/messages";

export function Machine({ study, hasResult, me }: { study: StudyDetail; hasResult: boolean; me: Me }): ReactElement {
  const newest = study.jobs.filter((job) => job.role === "live")[0];
  if (study.unrouted_reason !== null) {
    return (
      <Notice tone="urgent" title={t.worklist.unrouted}>
        <p>{sentence(study.unrouted_reason)}</p>
        <p>{t.machine.unroutedWhat}</p>
      </Notice>
    );
  }
  if (newest === undefined) {
    return hasResult ? (
      <></>
    ) : (
      <Notice tone="muted" title={t.worklist.receiving}>
        <p>{t.worklist.receivingWhy}</p>
      </Notice>
    );
  }
  if (newest.state === "succeeded") return <></>;
  return <JobNotice job={newest} me={me} />;
}

function JobNotice({ job, me }: { job: Job; me: Me }): ReactElement {
  const retry = useJobAction("retry");
  if (job.state === "queued" || job.state === "running") {
    return (
      <Notice tone="muted" title={t.jobState[job.state]}>
        <p>{job.place_in_queue === null ? t.machine.step(job.step, percent(job.progress)) : t.machine.place(job.place_in_queue)}</p>
      </Notice>
    );
  }
  return (
    <Notice tone="stat" title={t.machine.ended[job.state === "succeeded" ? "failed" : job.state]}>
      <p>
        {sentence(job.error_detail ?? t.machine.noDetail)} {job.error_code ? <code>{job.error_code}</code> : null}
      </p>
      <p>{t.machine.safe}</p>
      {t.machine.mayRetry.includes(me.role) ? (
        <Button small disabled={retry.isPending} onClick={() => retry.mutate(job.id)}>
          {t.machine.retry}
        </Button>
      ) : null}
      {retry.isError ? <p>{sentence(retry.error.message)}</p> : null}
    </Notice>
  );
}
