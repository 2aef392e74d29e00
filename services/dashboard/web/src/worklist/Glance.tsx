/** How much there is to read and how urgent it is, in one line; where a state was chosen, how much is in that state. */
import type { ReactElement } from "react";

import { useCounts } from "../api/worklist";
import { Badge } from "../design/parts";
import { whole } from "../text/format";
import { t } from "../text/messages";
import { countedFilters, FILTERS, type WorklistFilters } from "./filters";

export function Glance({ filters }: { filters: WorklistFilters }): ReactElement {
  const counted = countedFilters(filters);
  const counts = useCounts(counted).data;
  if (counts === undefined) return <p aria-live="polite">{t.loading}</p>;
  const urgencies = FILTERS.urgency.filter((urgency) => (counts.urgency[urgency] ?? 0) > 0);
  return (
    <p className="glance" aria-live="polite" aria-label={t.glance.label}>
      <span>{(counted.review_state === "open" ? t.glance.toRead : t.glance.readings)(t.views.total(counts.total, counts.capped))}</span>
      {urgencies.map((urgency) => (
        <Badge key={urgency} icon={urgency} tone={urgency}>
          {whole(counts.urgency[urgency] ?? 0)} {t.urgency[urgency].toLowerCase()}
        </Badge>
      ))}
      {counts.capped && urgencies.length > 0 ? <span>{t.glance.first}</span> : null}
    </p>
  );
}
