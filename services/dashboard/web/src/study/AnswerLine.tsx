/** What the reader decides on, in one line of the form: the machine's answer, how sure it is, and how soon to look. */
import type { ReactElement } from "react";

import type { Result } from "../api/types";
import { Badge } from "../design/parts";
import { t } from "../text/messages";
import { answerParts } from "./answer";

/** The form is only there for who may see the answer: in its place a blind reader has one without it. */
export function AnswerLine({ result }: { result: Result }): ReactElement {
  return (
    <p className="answer-line">
      <span className="tone-muted small">{result.proposed ? t.answer.newer : t.answer.machine}</span>
      {answerParts(result).map((part) => (
        <strong key={part}>{part}</strong>
      ))}
      {result.abstained ? (
        <Badge icon="check" tone="check">
          {t.abstained}
        </Badge>
      ) : null}
      <Badge icon={result.urgency} tone={result.urgency}>
        {t.urgency[result.urgency]}
      </Badge>
    </p>
  );
}
