/** Every word readers wrote on this reading, newest first; none is ever changed or removed. */
import type { ReactElement } from "react";

import type { Reason, Result, Review } from "../api/types";
import { Badge, Button } from "../design/parts";
import { dateTime } from "../text/format";
import { t } from "../text/messages";
import { editedText } from "./answer";

type Props = {
  result: Result;
  reviews: readonly Review[];
  reasons: readonly Reason[];
  userId: string | null;
  undo: ((review: Review) => void) | null;
};

export function History({ result, reviews, reasons, userId, undo }: Props): ReactElement {
  return (
    <section className="panel" aria-labelledby="history-title">
      <h2 id="history-title">{t.history.title}</h2>
      {reviews.length === 0 ? <p className="tone-muted">{t.history.empty}</p> : null}
      <ol className="history">
        {[...reviews].reverse().map((review) => (
          <li key={review.id}>
            <Entry
              review={review}
              result={result}
              reason={reasons.find((one) => one.code === review.reason)?.sentence ?? review.reason}
            />
            {undo !== null && review.undo_until !== null && review.user.id === userId ? (
              <Button small onClick={() => undo(review)}>
                {t.history.undo}
              </Button>
            ) : null}
          </li>
        ))}
      </ol>
    </section>
  );
}

type EntryProps = { review: Review; result: Result; reason: string | null };

function Entry({ review, result, reason }: EntryProps): ReactElement {
  const draft = review.action === "draft";
  return (
    <>
      <div className="row row-apart">
        <Badge
          icon={draft ? "draft" : review.action === "undo" ? "unrouted" : "signed"}
          tone={draft ? "accent" : "routine"}
        >
          {t.history.actions[review.action]}
          {review.verdict ? ` · ${t.verdict[review.verdict]}` : ""}
        </Badge>
        {review.standing ? <span className="counts">{t.history.counts}</span> : null}
      </div>
      <div className="tone-muted small">
        {review.user.name}, <time dateTime={review.created_at}>{dateTime(review.created_at)}</time>
      </div>
      {review.findings.length > 0 ? (
        <ul className="edited">
          {review.findings.map((one) => (
            <li key={`${one.label}/${one.laterality}`}>{editedText(one, result)}</li>
          ))}
        </ul>
      ) : null}
      {reason ? <p>{reason}</p> : null}
      {review.comment ? <blockquote>{review.comment}</blockquote> : null}
    </>
  );
}
