/** A model over time: what readers made of its answers, and how far it has drifted; the reader picks how far back. */
import { useState, type ReactElement } from "react";

import type { ModelDetail } from "../api/types";
import { Field } from "../design/parts";
import { t } from "../text/messages";
import { Drifted } from "./Drifted";
import { Judged } from "./Judged";

/** A quarter, half a year, a year. */
const PERIODS = [13, 26, 52] as const;

export function OverTime({ model }: { model: ModelDetail }): ReactElement {
  const [weeks, setWeeks] = useState<number>(PERIODS[1]);
  const [version, setVersion] = useState(model.active ?? model.versions[0]?.version ?? "");
  return (
    <>
      <section className="panel">
        <div className="row row-apart">
          <h2>{t.modelPage.over}</h2>
          <div className="row">
            <Field label={t.modelPage.period}>
              <select className="input" value={weeks} onChange={(event) => setWeeks(Number(event.target.value))}>
                {PERIODS.map((period) => (
                  <option key={period} value={period}>
                    {t.modelPage.weeks(period)}
                  </option>
                ))}
              </select>
            </Field>
            <Field label={t.modelPage.version}>
              <select className="input" value={version} onChange={(event) => setVersion(event.target.value)}>
                {model.versions.map((one) => (
                  <option key={one.id}>{one.version}</option>
                ))}
              </select>
            </Field>
          </div>
        </div>
        <Judged name={model.name} weeks={weeks} />
      </section>
      <section className="panel">
        <Drifted name={model.name} version={version} weeks={weeks} />
      </section>
    </>
  );
}
