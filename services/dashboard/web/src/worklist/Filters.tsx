/** The filter bar of the worklist. */
import type { ReactElement, Ref } from "react";

import { Button, Field } from "../design/parts";
import { t } from "../text/messages";
import { FILTERS, withFilter, type FilterName, type WorklistFilters } from "./filters";

const WORDS: Record<FilterName, Record<string, string>> = {
  review_state: t.reviewState,
  urgency: t.urgency,
  job_state: t.jobState,
};
const LABELS: Record<FilterName, string> = {
  review_state: t.worklist.filters.review,
  urgency: t.worklist.filters.urgency,
  job_state: t.worklist.filters.state,
};

type Props = { ref: Ref<HTMLDivElement>; chosen: WorklistFilters; choose: (filters: WorklistFilters) => void };

export function Filters({ ref, chosen, choose }: Props): ReactElement {
  return (
    <div ref={ref} className="filters" role="group" aria-label={t.worklist.filters.label}>
      {(Object.keys(FILTERS) as FilterName[]).map((name) => (
        <Field key={name} label={LABELS[name]}>
          <select
            className="input"
            value={chosen[name] ?? ""}
            onChange={(event) => choose(withFilter(chosen, name, event.target.value))}
          >
            <option value="">{t.worklist.filters.any}</option>
            {FILTERS[name].map((value) => (
              <option key={value} value={value}>
                {WORDS[name][value]}
              </option>
            ))}
          </select>
        </Field>
      ))}
      {Object.keys(chosen).length > 0 ? (
        <Button kind="quiet" onClick={() => choose({})}>
          {t.worklist.clear}
        </Button>
      ) : null}
    </div>
  );
}
