/** Who may log in, what each may do, and who is locked out. */
import type { ReactElement } from "react";

import { useChangeUser, useUsers, type User } from "../api/ops";
import { rowsOf } from "../api/queries";
import type { Me } from "../api/types";
import { Age } from "../design/Age";
import { NotDone } from "../design/Confirm";
import { More } from "../design/More";
import { Badge } from "../design/parts";
import { Table } from "../design/Table";
import { t } from "../text/messages";
import { AddUser } from "./AddUser";
import { RoleOf } from "./RoleOf";
import { Sheet } from "../design/Sheet";
import { UserActions } from "./UserActions";

export default function UsersPage({ me }: { me: Me }): ReactElement {
  const list = useUsers();
  const words = t.ops.users;
  return (
    <Sheet title={t.ops.parts.users} summary={words.summary} load={list}>
      <AddUser />
      <Table label={words.table} columns={words.columns}>
        {rowsOf(list.data).map((user) => (
          <UserRow key={user.id} user={user} own={user.name === me.name} />
        ))}
      </Table>
      <More list={list} />
    </Sheet>
  );
}

function UserRow({ user, own }: { user: User; own: boolean }): ReactElement {
  const change = useChangeUser();
  const words = t.ops.users;
  return (
    <tr>
      <th scope="row">
        {user.name} {own ? <span className="tone-muted">({words.you})</span> : null}
      </th>
      <td>
        <RoleOf user={user} own={own} />
      </td>
      <td>
        <label className="choice">
          <input
            type="checkbox"
            aria-label={words.blindOf(user.name)}
            checked={user.blind_first}
            disabled={change.isPending}
            onChange={(event) => change.mutate({ id: user.id, blind_first: event.target.checked })}
          />
        </label>
        <NotDone error={change.error} />
      </td>
      <td>
        <Badge
          icon={user.disabled_at === null ? "signed" : "unrouted"}
          tone={user.disabled_at === null ? "routine" : "muted"}
        >
          {user.disabled_at === null ? words.here : words.disabled}
        </Badge>
      </td>
      <td>
        <Age since={user.created_at} />
      </td>
      <td>
        <UserActions user={user} own={own} />
      </td>
    </tr>
  );
}
