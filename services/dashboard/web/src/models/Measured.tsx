/** The figures that a model's own evaluation states, version beside version. */
import type { ReactElement } from "react";

import type { ModelVersion } from "../api/types";
import { t } from "../text/messages";
import { figureText } from "../text/shares";

/** More versions side by side than anybody compares by eye. */
const MOST_VERSIONS = 4;

export function Measured({ versions }: { versions: readonly ModelVersion[] }): ReactElement {
  const shown = versions.slice(0, MOST_VERSIONS);
  const names = [...new Set(shown.flatMap((version) => Object.keys(version.figures)))].filter((name) =>
    shown.some((version) => figureText(version.figures[name]) !== null),
  );
  return (
    <section className="panel">
      <h2>{t.modelPage.figures}</h2>
      {names.length === 0 ? (
        <p>{t.modelPage.noFigures}</p>
      ) : (
        <>
          <p className="tone-muted">{t.modelPage.figuresWhat}</p>
          <div className="wide figures">
            <table className="table" aria-label={t.modelPage.figures}>
              <thead>
                <tr>
                  <th scope="col">{t.modelPage.figure}</th>
                  {shown.map((version) => (
                    <th key={version.id} scope="col">
                      {version.version}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {names.map((name) => (
                  <tr key={name}>
                    <th scope="row">{t.modelPage.figureNames[name] ?? <code>{name}</code>}</th>
                    {shown.map((version) => (
                      <td key={version.id}>{figureText(version.figures[name]) ?? t.none}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}
