/** What a batch would take, as the preview counted it. */
import type { ReactElement } from "react";

import type { Preview } from "../api/overnight";
import { Facts } from "../design/parts";
import { dateTime, figure, percent } from "../text/format";
import { t } from "../text/messages";

export function Foretold({ told }: { told: Preview }): ReactElement {
  const words = t.newBatch.told;
  const expected =
    told.expected_at === null
      ? t.overnight.unknown
      : t.overnight.expected(dateTime(told.expected_at), told.expected_nights);
  return (
    <section aria-labelledby="foretold" role="status">
      <h2 id="foretold">{t.newBatch.previewTitle}</h2>
      {told.to_read === 0 ? <p>{told.already_read > 0 ? t.newBatch.compared : t.newBatch.nothing}</p> : null}
      <Facts
        rows={[
          [words.studies, String(told.studies)],
          [words.toRead, String(told.to_read)],
          [words.already, String(told.already_read)],
          [words.upToDate, String(told.up_to_date)],
          [words.hours, told.hours === null ? t.overnight.unknown : figure(told.hours, null)],
          [words.expected, expected],
        ]}
      />
      {told.counted_share !== null && told.counted_share < 1 ? (
        <p>{t.newBatch.share(percent(told.counted_share))}</p>
      ) : null}
    </section>
  );
}
