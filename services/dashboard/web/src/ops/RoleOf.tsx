/** A person's role; another one is asked for once more, since an arrow key alone chooses it. */
import { useState, type ReactElement } from "react";

import { useChangeUser, type User } from "../api/ops";
import type { Role } from "../api/types";
import { Confirm } from "../design/Confirm";
import { t } from "../text/messages";
import { RoleSelect } from "./RoleSelect";

export function RoleOf({ user, own }: { user: User; own: boolean }): ReactElement {
  const [asked, ask] = useState<Role | null>(null);
  const change = useChangeUser();
  const words = t.ops.users;
  const close = (): void => {
    change.reset();
    ask(null);
  };
  return (
    <>
      <RoleSelect label={words.roleOf(user.name)} role={user.role} disabled={own} onChange={ask} />
      {asked === null ? null : (
        <Confirm
          title={words.sureRole(user.name, t.roles[asked])}
          yes={words.yesRole}
          busy={change.isPending}
          error={change.error}
          onClose={close}
          onYes={() => change.mutate({ id: user.id, role: asked }, { onSuccess: close })}
        >
          <p>{words.roleWhy[asked]}.</p>
        </Confirm>
      )}
    </>
  );
}
