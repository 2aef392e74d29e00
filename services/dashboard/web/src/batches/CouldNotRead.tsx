/** What of a batch could not be read, each with its reason and the way to read it again. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import { isReadAgain, useBatchFailures, type BatchFailure } from "../api/overnight";
import { rowsOf, useJobAction } from "../api/queries";
import { LoadFailed } from "../design/LoadFailed";
import { More } from "../design/More";
import { Button } from "../design/parts";
import { Table } from "../design/Table";
import { dateTime, sentence } from "../text/format";
import { t } from "../text/messages";

export function CouldNotRead({ id }: { id: string }): ReactElement {
  const list = useBatchFailures(id);
  const words = t.overnight.failures;
  return (
    <section className="panel" aria-labelledby="could-not-read">
      <h2 id="could-not-read">{words.title}</h2>
      {list.isError ? <LoadFailed error={list.error} again={() => void list.refetch()} /> : null}
      <Table label={words.table} columns={words.columns}>
        {rowsOf(list.data).map((failure) => (
          <FailureRow key={failure.id} failure={failure} />
        ))}
      </Table>
      <More list={list} />
    </section>
  );
}

function FailureRow({ failure }: { failure: BatchFailure }): ReactElement {
  const retry = useJobAction("retry");
  const isAgain = isReadAgain(failure);
  const again = (): void => {
    if (!retry.isPending && !isAgain) retry.mutate(failure.job_id);
  };
  return (
    <tr>
      <td>
        {reasonOf(failure, isAgain)}{" "}
        {failure.code === null ? null : <code>{failure.code}</code>}
      </td>
      <td>{failure.finished_at === null ? t.none : dateTime(failure.finished_at)}</td>
      <td>
        <div className="row">
          <Link href={`/studies/${failure.study_id}`} className="button button-small">
            {t.changes.open}
          </Link>
          <Button small aria-disabled={retry.isPending || isAgain} onClick={again}>
            {t.machine.retry}
          </Button>
          <span role="status">{isAgain ? t.overnight.failures.again : null}</span>
          {retry.error ? <span role="alert">{sentence(retry.error.message)}</span> : null}
        </div>
      </td>
    </tr>
  );
}

/** A job that runs again says what failed in its history alone. */
function reasonOf({ detail }: BatchFailure, isAgain: boolean): string {
  if (detail !== null) return sentence(detail);
  return isAgain ? t.none : t.overnight.failures.noReason;
}
