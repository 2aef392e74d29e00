/** The versions of a model, and what an administrator may decide about each. */
import { useState, type ReactElement } from "react";

import type { Decision } from "../api/models";
import type { ModelDetail, ModelVersion } from "../api/types";
import { Badge, Button } from "../design/parts";
import { dateTime } from "../text/format";
import { t } from "../text/messages";
import { DecideDialog } from "./DecideDialog";
import { STATE_MARKS } from "./marks";

/** What may become of a version in each state. */
const ACTIONS: Record<ModelVersion["state"], readonly ("promote" | "shadow" | "retire")[]> = {
  registered: ["promote", "shadow", "retire"],
  shadow: ["promote", "retire"],
  active: ["retire"],
  retired: ["promote", "shadow"],
};

export function Versions({ model, decides }: { model: ModelDetail; decides: boolean }): ReactElement {
  const [decision, decide] = useState<Decision | null>(null);
  return (
    <section className="panel">
      <div className="row row-apart">
        <h2>{t.models.versions}</h2>
        {decides && model.before !== null ? (
          <Button small onClick={() => decide({ action: "rollback" })}>
            {t.modelPage.rollback}
          </Button>
        ) : null}
      </div>
      <div className="wide">
        <table className="table" aria-label={t.models.versions}>
          <thead>
            <tr>
              {Object.values(t.models.columns).map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
              {decides ? <th scope="col">{t.modelPage.actionColumn}</th> : null}
            </tr>
          </thead>
          <tbody>
            {model.versions.map((version) => (
              <Version key={version.id} version={version} decide={decides ? decide : null} />
            ))}
          </tbody>
        </table>
      </div>
      {decision === null ? null : <DecideDialog name={model.name} decision={decision} close={() => decide(null)} />}
    </section>
  );
}

type VersionProps = { version: ModelVersion; decide: ((decision: Decision) => void) | null };

function Version({ version, decide }: VersionProps): ReactElement {
  const [icon, tone] = STATE_MARKS[version.state];
  return (
    <tr>
      <td>{version.version}</td>
      <td>
        <Badge icon={icon} tone={tone}>
          {t.models.states[version.state]}
        </Badge>
      </td>
      <td>{dateTime(version.state_since)}</td>
      <td>{version.state_reason}</td>
      <td className="mono digest" title={version.sha256}>
        {version.sha256}
      </td>
      {decide === null ? null : (
        <td>
          <div className="row">
            {ACTIONS[version.state].map((action) => (
              <Button key={action} small onClick={() => decide({ action, version: version.version })}>
                {t.modelPage.actions[action]}
              </Button>
            ))}
          </div>
        </td>
      )}
    </tr>
  );
}
