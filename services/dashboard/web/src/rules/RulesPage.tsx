/** The rules by which a second reader is asked, one line each, and the form for another. */
import { useState, type ReactElement } from "react";

import { useEndRule, useRules, type Rule } from "../api/rules";
import { Age } from "../design/Age";
import { Confirm } from "../design/Confirm";
import { Listed } from "../design/Listed";
import { Button } from "../design/parts";
import { Sheet } from "../design/Sheet";
import { t } from "../text/messages";
import { AddRule } from "./AddRule";
import { asksOf } from "./asks";

export default function RulesPage(): ReactElement {
  const rules = useRules();
  const words = t.rules;
  return (
    <Sheet title={words.title} summary={words.summary} load={rules}>
      <AddRule />
      <Listed words={words}>
        {(rules.data ?? []).map((rule) => (
          <RuleRow key={rule.id} rule={rule} />
        ))}
      </Listed>
    </Sheet>
  );
}

function RuleRow({ rule }: { rule: Rule }): ReactElement {
  return (
    <tr>
      <th scope="row">{rule.name}</th>
      <td>{asksOf(rule)}</td>
      <td>
        <Age since={rule.created_at} />
      </td>
      <td>
        <End rule={rule} />
      </td>
    </tr>
  );
}

function End({ rule }: { rule: Rule }): ReactElement {
  const [asked, ask] = useState(false);
  const end = useEndRule();
  const close = (): void => ask(false);
  return (
    <>
      <Button small aria-label={t.rules.end(rule.name)} onClick={() => ask(true)}>
        {t.rules.endShort}
      </Button>
      {asked ? (
        <Confirm
          title={t.rules.sure(rule.name)}
          yes={t.rules.endShort}
          busy={end.isPending}
          error={end.error}
          onClose={close}
          onYes={() => end.mutate(rule.id, { onSuccess: close })}
        >
          <p>{t.rules.sureWhy}</p>
        </Confirm>
      ) : null}
    </>
  );
}
