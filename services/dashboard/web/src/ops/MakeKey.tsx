/** Makes a key, and shows its secret this once. */
import { useId, useState, type ReactElement } from "react";

import { useMakeKey, useSites, type ShownKey } from "../api/ops";
import type { Role } from "../api/types";
import { AddForm, NameField } from "../design/AddForm";
import { Select } from "../design/Choices";
import { Button, Dialog, Field } from "../design/parts";
import { t } from "../text/messages";
import { RoleSelect } from "./RoleSelect";

const USUAL_ROLE: Role = "technician";

export function MakeKey(): ReactElement {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>(USUAL_ROLE);
  const [site, setSite] = useState("");
  const [shown, show] = useState<ShownKey | null>(null);
  const sites = useSites().data ?? [];
  const make = useMakeKey();
  const words = t.ops.keys;
  const made = (key: ShownKey): void => {
    setName("");
    setRole(USUAL_ROLE); // the next key may do no more because the last one did
    show(key);
  };
  return (
    <>
      <AddForm
        title={words.add}
        submit={words.submit}
        hint={`${t.ops.users.roleWhy[role]}.`}
        adding={make}
        onAdd={() => make.mutate({ name, role, site_id: site === "" ? null : site }, { onSuccess: made })}
      >
        <NameField label={words.name} name={name} onChange={setName} />
        <Field label={words.role}>
          <RoleSelect role={role} onChange={setRole} />
        </Field>
        {sites.length > 1 ? (
          <Field label={words.site}>
            <Select
              value={site}
              any={words.defaultSite}
              choices={sites.map((one) => [one.id, one.name])}
              onChange={setSite}
            />
          </Field>
        ) : null}
      </AddForm>
      {shown === null ? null : <Secret made={shown} onClose={() => show(null)} />}
    </>
  );
}

/** Pages of plain HTTP from another machine have no clipboard: there the selected text is copied by hand. */
const MAY_COPY = "clipboard" in navigator;

/** Closed by its own button alone: a slip of the hand would lose the secret. */
function Secret({ made, onClose }: { made: ShownKey; onClose: () => void }): ReactElement {
  const [copied, note] = useState(false);
  const heading = useId();
  const words = t.ops.keys;
  const secret = made.key ?? "";
  return (
    <Dialog labelledBy={heading} onClose={null}>
      <h1 id={heading}>{words.shown}</h1>
      <p>{words.shownWhy}</p>
      <div className="secret">
        <input
          className="input mono"
          readOnly
          data-first
          aria-label={words.secret}
          value={secret}
          onFocus={(event) => event.target.select()}
        />
        {MAY_COPY ? (
          <Button onClick={() => void navigator.clipboard.writeText(secret).then(() => note(true))}>
            {copied ? words.copied : words.copy}
          </Button>
        ) : null}
      </div>
      <div className="row dialog-end">
        <Button kind="primary" onClick={onClose}>
          {words.done}
        </Button>
      </div>
    </Dialog>
  );
}
