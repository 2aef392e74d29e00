/** The filter bar of the worklist. */
import type { ReactElement, Ref } from "react";

import { Button, Field } from "../design/parts";
import { t } from "../text/messages";
import { FILTERS, withFilter, type FilterName, type WorklistFilters } from "./filters";

const WORDS: Record<FilterName, Record<string, string>> = {
  review_state: t.reviewState,
  urgency: t.urgency,
  job_state: t.jobState,
  pipeline: t.pipelines,
  change: t.change.kinds,
};
const LABELS: Record<FilterName, string> = {
  review_state: t.worklist.filters.review,
  urgency: t.worklist.filters.urgency,
  job_state: t.worklist.filters.state,
  pipeline: t.worklist.filters.pipeline,
  change: t.worklist.filters.change,
};

const NAMES = Object.keys(LABELS) as FilterName[];

type Props = {
  ref: Ref<HTMLDivElement>;
  chosen: WorklistFilters;
  pipelines: readonly string[];
  choose: (filters: WorklistFilters) => void;
};

export function Filters({ ref, chosen, pipelines, choose }: Props): ReactElement {
  return (
    <div ref={ref} className="filters" role="group" aria-label={t.worklist.filters.label}>
      {NAMES.map((name) => (
        <Field key={name} label={LABELS[name]}>
          <select
            className="input"
            value={chosen[name] ?? ""}
            onChange={(event) => choose(withFilter(chosen, name, event.target.value))}
          >
            <option value="">{t.worklist.filters.any}</option>
            {(name === "pipeline" ? pipelines : FILTERS[name]).map((value) => (
              <option key={value} value={value}>
                {WORDS[name][value] ?? value}
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
