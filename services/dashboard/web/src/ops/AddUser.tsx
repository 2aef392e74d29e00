/** A person to be let in: name, role and a first password. */
import { useState, type ReactElement } from "react";

import { useAddUser } from "../api/ops";
import type { Role } from "../api/types";
import { AddForm, NameField } from "../design/AddForm";
import { Field } from "../design/parts";
import { t } from "../text/messages";
import { RoleSelect } from "./RoleSelect";

/** As the server has it (services/store/users.py); it refuses shorter ones with a sentence all the same. */
export const SHORTEST_PASSWORD = 10;

const USUAL_ROLE: Role = "clinician";

export function AddUser(): ReactElement {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>(USUAL_ROLE);
  const add = useAddUser();
  const words = t.ops.users;
  const clear = (): void => {
    setName("");
    setPassword("");
    setRole(USUAL_ROLE); // the next one is no administrator because the last one was
  };
  return (
    <AddForm
      title={words.add}
      submit={words.submit}
      hint={`${words.roleWhy[role]}.`}
      adding={add}
      onAdd={() => add.mutate({ name, password, role }, { onSuccess: clear })}
    >
      <NameField label={words.name} name={name} onChange={setName} />
      <Field label={words.role}>
        <RoleSelect role={role} onChange={setRole} />
      </Field>
      <Field label={words.first}>
        <input
          className="input"
          type="password"
          autoComplete="new-password"
          required
          minLength={SHORTEST_PASSWORD}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </Field>
    </AddForm>
  );
}
