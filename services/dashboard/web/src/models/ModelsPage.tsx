/** The models: which there are, which version reads, how it is watched, and the card that says on what evidence. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import { useMe, useModel, useModels } from "../api/queries";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { Empty } from "../design/parts";
import { t } from "../text/messages";
import { Card } from "./Card";
import { Compared } from "./Compared";
import { History } from "./History";
import { Measured } from "./Measured";
import { OverTime } from "./OverTime";
import { Versions } from "./Versions";
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
        <nav className="row" aria-label={t.modelPage.nav}>
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
        <Model key={shown} name={shown} />
      </div>
    </section>
  );
}

function Model({ name }: { name: string }): ReactElement {
  const model = useModel(name);
  const me = useMe();
  if (model.isPending) return <p className="waiting">{t.loading}</p>;
  if (model.data === undefined) {
    return (
      <LoadFailed
        error={model.error}
        again={() => void model.refetch()}
        back={{ to: "/models", name: t.modelPage.back }}
      />
    );
  }
  return (
    <>
      <Stale error={model.error} />
      <Versions model={model.data} decides={me.data?.role === "admin"} />
      <OverTime model={model.data} />
      <Compared model={model.data} />
      <Measured versions={model.data.versions} />
      <History events={model.data.events} />
      <section className="panel">
        <h2>{t.models.card}</h2>
        <Card markdown={model.data.card} />
      </section>
    </>
  );
}
