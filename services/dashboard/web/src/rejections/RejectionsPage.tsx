/** What was refused at the door, and why. */
import type { ReactElement } from "react";

import { rowsOf, useRejections } from "../api/queries";
import { Age } from "../design/Age";
import { Listed } from "../design/Listed";
import { Sheet } from "../design/Sheet";
import { bytes, sentence } from "../text/format";
import { t } from "../text/messages";

export default function RejectionsPage(): ReactElement {
  const list = useRejections();
  const words = t.rejections;
  return (
    <Sheet title={words.title} summary={words.summary} load={list}>
      <Listed words={words} more={list}>
        {rowsOf(list.data).map((row) => (
          <tr key={row.id}>
            <td>
              <code>{row.code}</code>
            </td>
            <td>{sentence(row.sentence)}</td>
            <td>{row.source}</td>
            <td>{bytes(row.bytes)}</td>
            <td>{row.quarantined ? words.kept : words.notKept}</td>
            <td>
              <Age since={row.created_at} />
            </td>
          </tr>
        ))}
      </Listed>
    </Sheet>
  );
}
