/** What may be removed after how long: written here, looked at, and only then approved. */
import { useState, type ReactElement } from "react";

import { useEndPolicy, usePolicies, type Policy } from "../api/ops";
import { Confirm } from "../design/Confirm";
import { Listed } from "../design/Listed";
import { Badge, Button } from "../design/parts";
import { nameOfPipeline } from "../study/questions";
import { dateTime } from "../text/format";
import { t } from "../text/messages";
import { AddPolicy } from "./AddPolicy";
import { PolicyPreview } from "./PolicyPreview";
import { Sheet } from "../design/Sheet";

export default function RetentionPage(): ReactElement {
  const policies = usePolicies();
  const words = t.ops.retention;
  return (
    <Sheet title={t.ops.parts.retention} summary={words.summary} load={policies}>
      <AddPolicy />
      <Listed words={words}>
        {(policies.data ?? []).map((policy) => (
          <PolicyRow key={policy.id} policy={policy} />
        ))}
      </Listed>
    </Sheet>
  );
}

function PolicyRow({ policy }: { policy: Policy }): ReactElement {
  const words = t.ops.retention;
  const means = policy.states.map((state) => words.states[state]).join(", ");
  const acts = policy.approved_at !== null;
  return (
    <tr>
      <th scope="row">{policy.name}</th>
      <td>
        {means}
        {policy.pipeline === null ? null : `, ${words.ofPipeline(nameOfPipeline(policy.pipeline))}`}
      </td>
      <td>{words.days(policy.older_than_days)}</td>
      <td>
        <Badge icon={acts ? "live" : "waiting"} tone={acts ? "routine" : "urgent"}>
          {policy.approved_at === null ? words.waits : words.acts(dateTime(policy.approved_at))}
        </Badge>
      </td>
      <td>
        <PolicyActions policy={policy} />
      </td>
    </tr>
  );
}

function PolicyActions({ policy }: { policy: Policy }): ReactElement {
  const [asked, ask] = useState<"look" | "end" | null>(null);
  const end = useEndPolicy();
  const words = t.ops.retention;
  const close = (): void => ask(null);
  return (
    <div className="row">
      <Button small aria-label={words.lookOf(policy.name)} onClick={() => ask("look")}>
        {words.look}
      </Button>
      <Button small aria-label={words.endOf(policy.name)} onClick={() => ask("end")}>
        {words.end}
      </Button>
      {asked === "look" ? <PolicyPreview policy={policy} onClose={close} /> : null}
      {asked === "end" ? (
        <Confirm
          title={words.sure(policy.name)}
          yes={words.yes}
          busy={end.isPending}
          error={end.error}
          onClose={close}
          onYes={() => end.mutate(policy.id, { onSuccess: close })}
        >
          <p>{words.sureWhy}</p>
        </Confirm>
      ) : null}
    </div>
  );
}
