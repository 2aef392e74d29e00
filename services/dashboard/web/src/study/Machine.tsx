/** Where the machine's work stands while there is no result, or where it failed: what happened and what can be done. */
import type { ReactElement } from "react";

import { useJobAction } from "../api/queries";
import type { Job, Me } from "../api/types";
import { Button, Notice } from "../design/parts";
import { percent, sentence } from "../text/format";
import { t } from "../text/messages";
import type { Question } from "./questions";

type Props = { unrouted: string | null; question: Question | null; me: Me };

export function Machine({ unrouted, question, me }: Props): ReactElement {
  const newest = question?.job ?? null;
  if (unrouted !== null) {
    return (
      <Notice tone="urgent" title={t.worklist.unrouted}>
        <p>{sentence(unrouted)}</p>
        <p>{t.machine.unroutedWhat}</p>
      </Notice>
    );
  }
  if (newest === null) {
    return question !== null && question.results.length > 0 ? (
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
        <p>
          {job.place_in_queue === null
            ? t.machine.step(job.step, percent(job.progress))
            : t.machine.place(job.place_in_queue)}
        </p>
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
