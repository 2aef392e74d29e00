/** What readers said of a result, and the form for one's own word. */
import type { ReactElement } from "react";

import { useReasons, useReview } from "../api/queries";
import type { Me, Result, Review, StudyDetail } from "../api/types";
import { Notice } from "../design/parts";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import { History } from "./History";
import type { GoOn } from "./Outcome";
import { VerdictForm } from "./VerdictForm";

type WordProps = { result: Result; reviews: readonly Review[]; me: Me };

export function Words({ study, result, reviews, me }: WordProps & { study: StudyDetail }): ReactElement {
  const reasons = useReasons();
  const undo = useReview(study.id, result.id);
  const takeBack = (): void =>
    undo.mutate({
      action: "undo",
      verdict: null,
      reason: null,
      findings: [],
      comment: null,
      base_review_id: reviews.at(-1)?.id ?? null,
      mask_id: null,
    });
  return (
    <>
      <History
        result={result}
        reviews={reviews}
        reasons={reasons.data ?? []}
        userId={me.user_id}
        undo={me.role === "technician" || undo.isPending ? null : takeBack}
      />
      {undo.isError ? (
        <Notice tone="stat" title={t.history.notUndone}>
          <p>{sentence(undo.error.message)}</p>
        </Notice>
      ) : null}
    </>
  );
}

export function Word({ result, reviews, me, goOn }: WordProps & { goOn: GoOn | null }): ReactElement {
  const reasons = useReasons();
  if (me.role === "technician") return <p className="panel tone-muted">{t.review.onlyClinicians}</p>;
  return <VerdictForm me={me} result={result} reviews={reviews} reasons={reasons.data ?? []} goOn={goOn} />;
}
