/** The strip of views: those that everybody has, by question, by site, and the reader's own, each with its count. */
import { memo, useState, type ReactElement } from "react";

import { useForgetView, type ViewCount } from "../api/worklist";
import { Button } from "../design/parts";
import { nameOfPipeline } from "../study/questions";
import { t } from "../text/messages";
import { sameFilters, type WorklistFilters } from "./filters";
import { KeepView } from "./KeepView";
import { groupsOf, type View } from "./views";

type Props = { views: readonly ViewCount[]; chosen: WorklistFilters; choose: (filters: WorklistFilters) => void };

/** Drawn anew only where what it shows has changed: not with every row that the cursor passes. */
export const Views = memo(Strip);

function Strip({ views, chosen, choose }: Props): ReactElement {
  const [naming, name] = useState<View | "new" | null>(null);
  const forget = useForgetView();
  const groups = groupsOf(views, nameOfPipeline);
  const current = groups.flatMap((group) => group.views).find((view) => sameFilters(view.filters, chosen));
  return (
    <nav className="views" aria-label={t.views.label}>
      {groups.map((group) => (
        <section key={group.name ?? ""}>
          {group.name === null ? null : <h2>{group.name}</h2>}
          <ul>
            {group.views.map((view) => (
              <li key={view.key}>
                <button
                  type="button"
                  className="view"
                  aria-current={view === current ? "true" : undefined}
                  onClick={() => choose(view.filters)}
                >
                  <span>{view.name}</span>
                  {view.count === null ? null : (
                    <span className="view-count">{t.views.total(view.count.total, view.count.capped)}</span>
                  )}
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <div className="row">
        {current === undefined ? (
          <Button small onClick={() => name("new")}>
            {t.views.keep}
          </Button>
        ) : null}
        {current?.own === true ? (
          <>
            <Button small onClick={() => name(current)}>
              {t.views.rename}
            </Button>
            <Button small onClick={() => forget.mutate(current.key)} disabled={forget.isPending}>
              {t.views.forget}
            </Button>
          </>
        ) : null}
      </div>
      {naming === null ? null : (
        <KeepView view={naming === "new" ? null : naming} filters={chosen} onClose={() => name(null)} />
      )}
    </nav>
  );
}
