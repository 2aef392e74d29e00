/** The form of a new batch: which studies, with what, when; a preview says what it would take before it is started. */
import { useState, type FormEvent, type ReactElement } from "react";
import { Link, useLocation } from "wouter";

import { newKey } from "../api/once";
import { usePreview, useStartBatch } from "../api/overnight";
import { useModels } from "../api/queries";
import type { ModelSummary } from "../api/types";
import { LoadFailed } from "../design/LoadFailed";
import { Button, Notice } from "../design/parts";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import { batchAsked, plainAsked, type Asked } from "./asked";
import { What, When, Which } from "./NewBatchFields";
import { Foretold } from "./Foretold";
import "./batches.css";

export function NewBatch(): ReactElement {
  const models = useModels();
  if (models.isPending) return <p className="waiting">{t.loading}</p>;
  if (models.data === undefined) {
    return (
      <LoadFailed
        error={models.error}
        again={() => void models.refetch()}
        back={{ to: "/batches", name: t.overnight.back }}
      />
    );
  }
  return <Form models={models.data} />;
}

function Form({ models }: { models: readonly ModelSummary[] }): ReactElement {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [asked, setAsked] = useState<Asked>(() => plainAsked(models[0]?.pipeline ?? "", zone));
  const preview = usePreview();
  const start = useStartBatch();
  const [once, renew] = useState(newKey);
  const [, goTo] = useLocation();
  const change = (part: Partial<Asked>): void => {
    setAsked((now) => ({ ...now, ...part }));
    preview.reset();
    start.reset();
    renew(newKey());
  };
  // A preview needs no name; the API wants one all the same.
  const count = (): void => preview.mutate({ ...batchAsked(asked), name: asked.name.trim() || t.newBatch.title });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    start.mutate({ asked: batchAsked(asked), once }, { onSuccess: (batch) => goTo(`/batches/${batch.id}`) });
  };
  return (
    <section className="page">
      <div className="page-head">
        <div>
          <Link href="/batches">{t.overnight.back}</Link>
          <h1>{t.newBatch.title}</h1>
          <p>{t.newBatch.summary}</p>
        </div>
      </div>
      <form className="page-body new-batch" onSubmit={submit}>
        <What asked={asked} change={change} models={models} />
        <Which asked={asked} change={change} models={models} />
        <When asked={asked} change={change} />
        <div className="panel">
          {preview.data ? <Foretold told={preview.data} /> : null}
          {preview.isError ? (
            <Notice tone="urgent" title={t.newBatch.notPreviewed}>
              <p>{sentence(preview.error.message)}</p>
            </Notice>
          ) : null}
          {start.isError ? (
            <Notice tone="stat" title={t.newBatch.notStarted}>
              <p>{sentence(start.error.message)}</p>
            </Notice>
          ) : null}
          <div className="row">
            <Button disabled={preview.isPending} onClick={count}>
              {preview.isPending ? t.newBatch.previewing : t.newBatch.preview}
            </Button>
            <Button kind="primary" type="submit" disabled={start.isPending || asked.name.trim() === ""}>
              {start.isPending ? t.newBatch.starting : t.newBatch.start}
            </Button>
          </div>
        </div>
      </form>
    </section>
  );
}
