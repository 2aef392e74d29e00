/** The filter bar of the worklist. */
import { memo, type ReactElement, type Ref } from "react";

import type { Site } from "../api/worklist";
import { Select, type Choice } from "../design/Choices";
import { Button, Field } from "../design/parts";
import { t } from "../text/messages";
import { FILTERS, withFilter, type WorklistFilters } from "./filters";

/** What the machine or another reader says is not asked for by whoever reads before they see it. */
const TELLING: ReadonlySet<keyof WorklistFilters> = new Set(["urgency", "change", "disagreement"]);
const ASSIGNEES = ["me", "none"] as const;

type Filter = { name: keyof WorklistFilters; label: string; values: readonly Choice[] };
type Props = {
  ref: Ref<HTMLDivElement>;
  chosen: WorklistFilters;
  pipelines: readonly string[];
  sites: readonly Site[];
  withheld: boolean;
  choose: (filters: WorklistFilters) => void;
};

const told = (values: readonly string[], words: Record<string, string>): Choice[] =>
  values.map((value) => [value, words[value] ?? value]);

function filtersOf(pipelines: readonly string[], sites: readonly Site[]): Filter[] {
  const { filters } = t.worklist;
  return [
    { name: "review_state", label: filters.review, values: told(FILTERS.review_state, t.reviewState) },
    { name: "urgency", label: filters.urgency, values: told(FILTERS.urgency, t.urgency) },
    { name: "job_state", label: filters.state, values: told(FILTERS.job_state, t.jobState) },
    { name: "pipeline", label: filters.pipeline, values: told(pipelines, t.pipelines) },
    { name: "change", label: filters.change, values: told(FILTERS.change, t.change.kinds) },
    { name: "disagreement", label: filters.disagreement, values: told(FILTERS.disagreement, t.disagreement) },
    { name: "assignee", label: filters.assignee, values: told(ASSIGNEES, t.assignee) },
    ...(sites.length > 1
      ? [{ name: "site" as const, label: filters.site, values: sites.map(({ id, name }) => [id, name] as const) }]
      : []),
  ];
}

/** Drawn anew only where what it shows has changed: not with every row that the cursor passes. */
export const Filters = memo(FilterBar);

function FilterBar({ ref, chosen, pipelines, sites, withheld, choose }: Props): ReactElement {
  const shown = filtersOf(pipelines, sites).filter(({ name }) => !withheld || !TELLING.has(name));
  return (
    <div ref={ref} className="filters" role="group" aria-label={t.worklist.filters.label}>
      {shown.map(({ name, label, values }) => (
        <Field key={name} label={label}>
          <Select
            value={chosen[name] ?? ""}
            any={t.worklist.filters.any}
            choices={values}
            onChange={(value) => choose(withFilter(chosen, name, value))}
          />
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
