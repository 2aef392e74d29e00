/** What a batch has brought in a few figures, as its summary holds them; the page to print has the rest. */
import type { ReactElement } from "react";

import { useSummary } from "../api/overnight";
import { LoadFailed } from "../design/LoadFailed";
import { Facts } from "../design/parts";
import { shareText } from "../text/shares";
import { t } from "../text/messages";

export function Summed({ id }: { id: string }): ReactElement {
  const summary = useSummary(id);
  if (summary.isPending) return <p className="waiting">{t.loading}</p>;
  if (summary.data === undefined) return <LoadFailed error={summary.error} again={() => void summary.refetch()} />;
  const { kinds, agreement, crossings, clinicians } = summary.data;
  const counted = Object.entries(kinds)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${t.change.kinds[kind] ?? kind}: ${count}`);
  const words = t.overnight.summed;
  const { old, new: fresh } = clinicians;
  const signed = old.n + fresh.n === 0 ? words.unsigned : words.both(shareText(old), shareText(fresh));
  return (
    <section className="panel batch-facts" aria-labelledby="summed">
      <h2 id="summed">{words.title}</h2>
      <Facts
        rows={[
          [words.same, shareText(agreement)],
          [words.kinds, counted.join(", ") || t.none],
          [words.crossings, words.crossed(crossings["up"] ?? 0, crossings["down"] ?? 0)],
          [words.clinicians, signed],
        ]}
      />
    </section>
  );
}
