/** The views in groups, as the strip shows them and as the keys walk them. */
import type { ViewCount } from "../api/worklist";
import { t } from "../text/messages";
import { knownFilters, sameFilters, type WorklistFilters } from "./filters";

export type View = {
  key: string;
  name: string;
  filters: WorklistFilters;
  count: { total: number; capped: boolean } | null;
  own: boolean;
};
export type Group = { name: string | null; views: View[] };

const EVERYTHING: View = { key: "all", name: t.views.names["all"] ?? "", filters: {}, count: null, own: false };
const PIPELINE = "pipeline:";
const SITE = "site:";

/** A question nobody asks here, such as of a model that is not installed, has no place in the strip. */
const isAsked = (view: ViewCount): boolean => view.total > 0;

export function groupsOf(views: readonly ViewCount[], nameOfPipeline: (pipeline: string) => string): Group[] {
  const of = (wanted: (view: ViewCount) => boolean, name: (view: ViewCount) => string, own = false): View[] =>
    views.filter(wanted).map((view) => ({
      key: view.key,
      name: name(view),
      filters: knownFilters(view.filters),
      count: { total: view.total, capped: view.capped },
      own,
    }));
  const builtIn = of(
    (view) => view.key in t.views.names,
    (view) => t.views.names[view.key] ?? view.key,
  );
  const pipelines = of(
    (view) => view.key.startsWith(PIPELINE) && isAsked(view),
    (view) => nameOfPipeline(view.key.slice(PIPELINE.length)),
  );
  const sites = of(
    (view) => view.key.startsWith(SITE),
    (view) => view.name ?? view.key,
  );
  const own = of(
    (view) => !(view.key in t.views.names) && !view.key.includes(":"),
    (view) => view.name ?? view.key,
    true,
  );
  const groups: Group[] = [
    { name: null, views: [EVERYTHING, ...builtIn] },
    { name: t.views.pipelines, views: pipelines },
    { name: t.views.sites, views: sites },
    { name: t.views.own, views: own },
  ];
  return groups.filter((group) => group.views.length > 0);
}

/** The filters of the view after (or before) the chosen one; round at the ends, the first where none is chosen. */
export function walked(groups: readonly Group[], chosen: WorklistFilters, step: 1 | -1): WorklistFilters {
  const all = groups.flatMap((group) => group.views);
  const at = all.findIndex((view) => sameFilters(view.filters, chosen));
  return all[at < 0 ? 0 : (at + step + all.length) % all.length]?.filters ?? {};
}
