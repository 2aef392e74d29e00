/** What was refused at the door, and why. */
import type { ReactElement } from "react";

import { rowsOf, useRejections } from "../api/queries";
import { Age } from "../design/Age";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { More } from "../design/More";
import { Empty } from "../design/parts";
import { bytes, sentence } from "../text/format";
import { t } from "../text/messages";

export default function RejectionsPage(): ReactElement {
  const list = useRejections();
  const rows = rowsOf(list.data);
  if (list.isError && rows.length === 0) return <LoadFailed error={list.error} again={() => void list.refetch()} />;
  return (
    <section className="page">
      <div className="page-head">
        <div>
          <h1>{t.rejections.title}</h1>
          <p>{list.isPending ? t.loading : t.rejections.summary}</p>
        </div>
      </div>
      <div className="page-body">
        <Stale error={list.error} />
        {rows.length > 0 ? (
          <table className="table" aria-label={t.rejections.table}>
            <thead>
              <tr>
                {Object.values(t.rejections.columns).map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id}>
                  <td>
                    <code>{row.code}</code>
                  </td>
                  <td>{sentence(row.sentence)}</td>
                  <td>{row.source}</td>
                  <td>{bytes(row.bytes)}</td>
                  <td>{row.quarantined ? t.rejections.kept : t.rejections.notKept}</td>
                  <td>
                    <Age since={row.created_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        ) : null}
        {list.isSuccess && rows.length === 0 ? (
          <Empty inside title={t.rejections.emptyTitle}>
            <p>{t.rejections.empty}</p>
          </Empty>
        ) : null}
        <More list={list} />
      </div>
    </section>
  );
}
