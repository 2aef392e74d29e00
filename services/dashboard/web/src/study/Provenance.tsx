/** How the result came about: model, heat-map method, timings, receipt. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import type { Result } from "../api/types";
import { dateTime, seconds } from "../text/format";
import { t } from "../text/messages";
import { hasHeatMap } from "./ReadingFrame";

const RECEIPT_FACTS = ["digest", "engine", "engine_version", "precision", "device", "processor"] as const;

export function Provenance({ result }: { result: Result }): ReactElement {
  const total = Object.values(result.seconds).reduce((sum, value) => sum + value, 0);
  const receipt = RECEIPT_FACTS.flatMap((name) => {
    const value = result.receipt[name];
    return typeof value === "string" && value !== "" ? [[name, value] as const] : [];
  });
  return (
    <details className="panel provenance" open>
      <summary>
        <h2>{t.provenance.title}</h2>
      </summary>
      <dl className="facts">
        <div className="facts-row">
          <dt>{t.provenance.model}</dt>
          <dd>
            <Link href={`/models/${encodeURIComponent(result.model.name)}`}>
              {result.model.name} {result.model.version}
            </Link>
          </dd>
        </div>
        <div className="facts-row">
          <dt>{t.provenance.read}</dt>
          <dd>{dateTime(result.created_at)}</dd>
        </div>
        {result.explanation ? (
          <div className="facts-row">
            <dt>{t.provenance.explanation}</dt>
            <dd>
              {hasHeatMap(result)
                ? t.provenance.explained(result.explanation.method, result.explanation.target)
                : t.provenance.noExplanation}
            </dd>
          </div>
        ) : null}
        <div className="facts-row">
          <dt>{t.provenance.total}</dt>
          <dd>{seconds(total)}</dd>
        </div>
        {Object.entries(result.seconds).map(([step, value]) => (
          <div key={step} className="facts-row">
            <dt className="step">{t.steps[step] ?? step}</dt>
            <dd>{seconds(value)}</dd>
          </div>
        ))}
        {receipt.map(([name, value]) => (
          <div key={name} className="facts-row">
            <dt>{t.provenance.receipt[name]}</dt>
            <dd className="mono">{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
