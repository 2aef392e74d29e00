/** How much is on the list and how urgent it is, in one line. */
import type { ReactElement } from "react";

import { useCounts } from "../api/worklist";
import { Badge } from "../design/parts";
import { t } from "../text/messages";
import { FILTERS, type WorklistFilters } from "./filters";

export function Glance({ filters }: { filters: WorklistFilters }): ReactElement {
  const counts = useCounts(filters).data;
  if (counts === undefined) return <p aria-live="polite">{t.loading}</p>;
  const urgencies = FILTERS.urgency.filter((urgency) => (counts.urgency[urgency] ?? 0) > 0);
  return (
    <p className="glance" aria-live="polite" aria-label={t.glance.label}>
      <span>{t.glance.loaded(t.views.total(counts.total, counts.capped))}</span>
      {urgencies.map((urgency) => (
        <Badge key={urgency} icon={urgency} tone={urgency}>
          {counts.urgency[urgency]?.toLocaleString()} {t.urgency[urgency].toLowerCase()}
        </Badge>
      ))}
      {counts.capped && urgencies.length > 0 ? <span>{t.glance.first}</span> : null}
    </p>
  );
}
