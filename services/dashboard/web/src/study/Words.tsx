/** What readers said of a result, and the form for one's own word. */
import type { ReactElement } from "react";

import { useReasons } from "../api/queries";
import { useUndo } from "../api/reviews";
import type { Me, Result, Review, Slot, StudyDetail } from "../api/types";
import { Notice } from "../design/parts";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import { History } from "./History";
import { offerWord } from "./offers";
import type { GoOn } from "./Outcome";
import { sayNothing } from "./signed";
import { placeOf } from "./unsaved";
import type { Written } from "./useWord";
import { draftOf } from "./verdict";
import { VerdictForm } from "./VerdictForm";

type WordProps = { result: Result; reviews: readonly Review[]; me: Me };

export function Words({ study, result, reviews, me }: WordProps & { study: StudyDetail }): ReactElement {
  const reasons = useReasons();
  const undo = useUndo();
  const takeBack = (review: Review): void =>
    undo.mutate(
      { review, studyId: study.id },
      {
        onSuccess: () => {
          offerWord(placeOf(me.user_id, result.slot_id), draftOf(review, result));
          sayNothing();
        },
      },
    );
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

type FormProps = WordProps & {
  slot: Slot | null;
  seenResults: ReadonlySet<string>;
  goOn: GoOn | null;
  signed: (written: Written) => void;
};

export function Word(form: FormProps): ReactElement {
  const reasons = useReasons();
  if (form.me.role === "technician") return <p className="panel tone-muted">{t.review.onlyClinicians}</p>;
  return <VerdictForm {...form} reasons={reasons.data ?? []} />;
}
