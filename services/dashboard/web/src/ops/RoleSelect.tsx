/** One of the roles. */
import type { ReactElement } from "react";

import type { Role } from "../api/types";
import { t } from "../text/messages";

const ROLES = Object.keys(t.roles) as Role[];

type Props = { label?: string; role: Role; disabled?: boolean; onChange: (role: Role) => void };

export function RoleSelect({ label, role, disabled = false, onChange }: Props): ReactElement {
  return (
    <select
      className="input"
      aria-label={label}
      value={role}
      disabled={disabled}
      onChange={(event) => onChange(event.target.value as Role)}
    >
      {ROLES.map((one) => (
        <option key={one} value={one} title={t.ops.users.roleWhy[one]}>
          {t.roles[one]}
        </option>
      ))}
    </select>
  );
}
