/** What a policy would remove now; who has seen it may let the policy act. */
import { useId, type ReactElement } from "react";
import { Link } from "wouter";

import { useApprove, usePreview, type Policy, type Preview } from "../api/ops";
import { NotDone } from "../design/Confirm";
import { Button, Dialog } from "../design/parts";
import { bytes, dateTime } from "../text/format";
import { t } from "../text/messages";

export function PolicyPreview({ policy, onClose }: { policy: Policy; onClose: () => void }): ReactElement {
  const preview = usePreview(policy.id);
  const approve = useApprove();
  const heading = useId();
  const words = t.ops.retention;
  const seen = preview.data;
  return (
    <Dialog labelledBy={heading} onClose={onClose}>
      <h1 id={heading}>{words.looked(policy.name)}</h1>
      {seen === undefined ? <p>{preview.isPending ? t.loading : null}</p> : <Seen seen={seen} />}
      <NotDone error={preview.error ?? approve.error} />
      <div className="row dialog-end">
        <Button data-first onClick={onClose}>
          {words.close}
        </Button>
        {seen !== undefined && policy.approved_at === null ? (
          <Button
            kind="primary"
            disabled={approve.isPending}
            onClick={() => approve.mutate({ id: policy.id, studies: seen.studies }, { onSuccess: onClose })}
          >
            {words.approve}
          </Button>
        ) : null}
      </div>
    </Dialog>
  );
}

function Seen({ seen }: { seen: Preview }): ReactElement {
  const words = t.ops.retention;
  return (
    <>
      <p>{words.would(seen.studies, seen.images, bytes(seen.bytes))}</p>
      {seen.oldest !== null && seen.newest !== null ? (
        <p>{words.span(dateTime(seen.oldest), dateTime(seen.newest))}</p>
      ) : null}
      {seen.study_ids.length > 0 ? (
        <details>
          <summary>{words.examples}</summary>
          <ul>
            {seen.study_ids.map((id) => (
              <li key={id}>
                <Link href={`/studies/${id}`}>
                  <code>{id}</code>
                </Link>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </>
  );
}
