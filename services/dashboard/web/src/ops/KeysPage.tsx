/** API keys: made here and shown once, revoked for good. */
import { useState, type ReactElement } from "react";

import { useAllUsers, useApiKeys, useRevokeKey, useSites, type ApiKey } from "../api/ops";
import { rowsOf } from "../api/queries";
import { Age } from "../design/Age";
import { Confirm } from "../design/Confirm";
import { Listed } from "../design/Listed";
import { Badge, Button } from "../design/parts";
import { t } from "../text/messages";
import { MakeKey } from "./MakeKey";
import { Sheet } from "../design/Sheet";

export default function KeysPage(): ReactElement {
  const list = useApiKeys();
  const words = t.ops.keys;
  return (
    <Sheet title={t.ops.parts.keys} summary={words.summary} load={list}>
      <MakeKey />
      <Listed words={words} more={list}>
        {rowsOf(list.data).map((row) => (
          <KeyRow key={row.id} row={row} />
        ))}
      </Listed>
    </Sheet>
  );
}

function KeyRow({ row }: { row: ApiKey }): ReactElement {
  const words = t.ops.keys;
  const sites = useSites().data ?? [];
  const works = row.revoked_at === null;
  return (
    <tr>
      <th scope="row">{row.name}</th>
      <td>{t.roles[row.role]}</td>
      <td>{sites.find((site) => site.id === row.site_id)?.name ?? words.defaultSite}</td>
      <td className="who">
        <Maker createdBy={row.created_by} />
      </td>
      <td>
        <Age since={row.created_at} />
      </td>
      <td>
        <Badge icon={works ? "signed" : "unrouted"} tone={works ? "routine" : "muted"}>
          {works ? words.works : words.revoked}
        </Badge>
      </td>
      <td>{works ? <Revoke row={row} /> : null}</td>
    </tr>
  );
}

function Maker({ createdBy }: { createdBy: string }): ReactElement {
  const users = useAllUsers();
  const user = users.data?.find((one) => `user:${one.id}` === createdBy);
  // An id that gives way to a name a moment later would make the table wider, and narrow again.
  if (users.isPending) return <>{t.none}</>;
  return user ? <>{user.name}</> : <code>{createdBy}</code>;
}

function Revoke({ row }: { row: ApiKey }): ReactElement {
  const [asked, ask] = useState(false);
  const revoke = useRevokeKey();
  const words = t.ops.keys;
  return (
    <>
      <Button small aria-label={words.revokeOf(row.name)} onClick={() => ask(true)}>
        {words.revoke}
      </Button>
      {asked ? (
        <Confirm
          title={words.sure(row.name)}
          yes={words.yes}
          busy={revoke.isPending}
          error={revoke.error}
          onClose={() => ask(false)}
          onYes={() => revoke.mutate(row.id, { onSuccess: () => ask(false) })}
        >
          <p>{words.sureWhy}</p>
        </Confirm>
      ) : null}
    </>
  );
}
