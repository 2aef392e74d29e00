/** The readings of a study side by side; each has its own pictures, verdict and history. */
import type { ReactElement } from "react";

import { Badge, Button, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { t } from "../text/messages";
import { jobIcon, jobTone, type Mark } from "../worklist/rows";
import { nameOfQuestion, shownResult, type Question } from "./questions";

type Props = { questions: readonly Question[]; shown: Question; choose: (slotId: string) => void };

export function Questions({ questions, shown, choose }: Props): ReactElement {
  if (questions.length < 2) return <></>;
  return (
    <nav className="questions" aria-label={t.questions.label}>
      {questions.map((question) => (
        <Button
          key={question.slotId}
          aria-current={question === shown ? "true" : undefined}
          onClick={() => choose(question.slotId)}
        >
          {nameOfQuestion(question)} <State mark={markOf(question)} />
        </Button>
      ))}
      <Key>{KEYS.verdict.nextReading[0]}</Key>
    </nav>
  );
}

function State({ mark }: { mark: Mark }): ReactElement {
  return (
    <Badge icon={mark.icon} tone={mark.tone}>
      {mark.text}
    </Badge>
  );
}

function markOf(question: Question): Mark {
  const standing = question.reviews.find((review) => review.standing);
  const awaited = question.slot?.review_state;
  if (awaited === "second_read" || awaited === "adjudication")
    return { icon: "check", tone: "urgent", text: t.reviewState[awaited] };
  if (standing)
    return {
      icon: "signed",
      tone: "routine",
      text: standing.verdict ? t.verdict[standing.verdict] : t.reviewState.signed,
    };
  const result = shownResult(question.results, false);
  if (result?.abstained) return { icon: "check", tone: "check", text: t.abstained };
  if (result) return { icon: "unread", tone: "accent", text: t.reviewState.unread };
  const state = question.job?.state ?? "queued";
  return { icon: jobIcon(state), tone: jobTone(state), text: t.jobState[state] };
}
