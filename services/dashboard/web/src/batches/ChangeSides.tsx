/** The answer there was and the new one, side by side, each with its explanation and pictures. */
import type { ReactElement } from "react";

import type { Change, ChangeSide } from "../api/overnight";
import { useStudy } from "../api/queries";
import type { StudyDetail } from "../api/types";
import { Badge, Facts } from "../design/parts";
import { labelText, sideText } from "../study/findings";
import { kindOf } from "../study/kinds";
import { saidText } from "../study/said";
import { ASYMMETRY } from "../study/volumes";
import { dateTime, percent, personName } from "../text/format";
import { t } from "../text/messages";
import { picturesOf } from "./pictures";

export function ChangeSides({ change }: { change: Change }): ReactElement {
  const study = useStudy(change.study_id);
  const patient = study.data?.patient;
  return (
    <>
      <p>
        <strong>{patient ? patient.patient_id || t.worklist.unknownPatient : t.loading}</strong>{" "}
        {patient?.name ? personName(patient.name) : null} <span className="tone-muted">{signedText(change)}</span>
      </p>
      <div className="sides">
        <section aria-label={t.changes.old}>
          <h3>{t.changes.old}</h3>
          {change.old ? <Side side={change.old} study={study.data} /> : <p>{t.changes.first}</p>}
        </section>
        <section aria-label={t.changes.new}>
          <h3>{t.changes.new}</h3>
          <Side side={change.new} study={study.data} />
        </section>
      </div>
    </>
  );
}

function signedText({ review }: Change): string {
  const words = t.changes.signed;
  if (review === null) return words.none;
  const { agrees_with_old: old, agrees_with_reader: fresh } = review;
  if (old === null && fresh === null) return words.rejected;
  if (old === true) return fresh === true ? words.both : words.old;
  return fresh === true ? words.new : words.neither;
}

type SideProps = { side: ChangeSide; study: StudyDetail | undefined };

function Side({ side, study }: SideProps): ReactElement {
  const kind = kindOf(study?.results.find((one) => one.id === side.result_id)?.pipeline ?? "");
  return (
    <>
      <Facts
        rows={[
          [t.changes.model, `${side.model.name} ${side.model.version}, ${dateTime(side.created_at)}`],
          [
            t.changes.urgency,
            <Badge key="urgency" icon={side.urgency} tone={side.urgency}>
              {t.urgency[side.urgency]}
            </Badge>,
          ],
          ...(side.abstained
            ? [[t.changes.abstained, t.abstainReasons[side.abstain_reason ?? ""] ?? t.reading.noReason] as const]
            : []),
          [t.changes.explanation, <Reliable key="reliable" side={side} />],
        ]}
      />
      <table className="table" aria-label={t.findings.table}>
        <tbody>
          {side.findings.map((one) => (
            <tr key={`${one.label} ${one.laterality}`}>
              <th scope="row">
                {labelText(one)}
                {one.label === ASYMMETRY ? null : (
                  <div className="tone-muted">{sideText(kind, one.laterality ?? null)}</div>
                )}
              </th>
              <td>{valueText(one)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="side-pictures">
        {picturesOf(side).map((picture) => (
          <figure key={picture.url}>
            <img src={picture.url} alt={t.changes.picture(picture.side)} loading="lazy" />
            <figcaption className="tone-muted">{picture.side}</figcaption>
          </figure>
        ))}
      </div>
    </>
  );
}

function Reliable({ side }: { side: ChangeSide }): ReactElement {
  if (side.explanation === null) return <>{t.changes.noMap}</>;
  return side.explanation.reliable ? (
    <Badge icon="signed" tone="routine">
      {t.changes.reliable}
    </Badge>
  ) : (
    <Badge icon="unrouted" tone="urgent">
      {t.changes.unreliable}
    </Badge>
  );
}

function valueText({ label, value, unit, probabilities }: ChangeSide["findings"][number]): string {
  const said = saidText(label, value, unit ?? null);
  const chance = probabilities?.[String(value)];
  return chance === undefined ? said : `${said} (${percent(chance)})`;
}
