/** The models: which there are, which version reads, and the card that says on what evidence. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import { useModel, useModels } from "../api/queries";
import type { ModelVersion } from "../api/types";
import { LoadFailed } from "../design/LoadFailed";
import { Badge, Empty, type Tone } from "../design/parts";
import type { IconName } from "../design/icons";
import { dateTime } from "../text/format";
import { t } from "../text/messages";
import { Card } from "./Card";
import "./models.css";

export default function ModelsPage({ name }: { name: string | null }): ReactElement {
  const models = useModels();
  if (models.isPending) return <p className="waiting">{t.loading}</p>;
  if (models.data === undefined) return <LoadFailed error={models.error} again={() => void models.refetch()} />;
  const shown = name ?? models.data[0]?.name;
  if (shown === undefined) {
    return (
      <Empty title={t.models.empty}>
        <p>{t.models.emptyWhat}</p>
      </Empty>
    );
  }
  return (
    <section className="page">
      <div className="page-head">
        <div>
          <h1>{t.models.title}</h1>
          <p>{t.models.summary}</p>
        </div>
        <nav className="row" aria-label={t.models.title}>
          {models.data.map((model) => (
            <Link
              key={model.name}
              href={`/models/${encodeURIComponent(model.name)}`}
              className="button"
              aria-current={model.name === shown ? "page" : undefined}
            >
              {model.name} {model.active}
            </Link>
          ))}
        </nav>
      </div>
      <div className="page-body">
        <Model name={shown} />
      </div>
    </section>
  );
}

function Model({ name }: { name: string }): ReactElement {
  const model = useModel(name);
  if (model.isPending) return <p className="waiting">{t.loading}</p>;
  if (model.data === undefined) return <LoadFailed error={model.error} again={() => void model.refetch()} />;
  return (
    <>
      <section className="panel">
        <h2>{t.models.versions}</h2>
        <table className="table" aria-label={t.models.versions}>
          <thead>
            <tr>
              {Object.values(t.models.columns).map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {model.data.versions.map((version) => (
              <Version key={version.id} version={version} />
            ))}
          </tbody>
        </table>
      </section>
      <section className="panel">
        <h2>{t.models.card}</h2>
        <Card markdown={model.data.card} />
      </section>
    </>
  );
}

const STATE_MARKS: Record<ModelVersion["state"], [IconName, Tone]> = {
  registered: ["routine", "muted"],
  shadow: ["polling", "check"],
  active: ["live", "routine"],
  retired: ["unrouted", "muted"],
};

function Version({ version }: { version: ModelVersion }): ReactElement {
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
      <td className="mono digest">{version.sha256}</td>
    </tr>
  );
}
