/** Makes a key, and shows its secret this once. */
import { useId, useState, type ReactElement } from "react";

import { useMakeKey, useSites, type ShownKey } from "../api/ops";
import type { Role } from "../api/types";
import { NotDone } from "../design/Confirm";
import { Button, Dialog, Field } from "../design/parts";
import { t } from "../text/messages";
import { RoleSelect } from "./RoleSelect";

export function MakeKey(): ReactElement {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("technician");
  const [site, setSite] = useState("");
  const [shown, show] = useState<ShownKey | null>(null);
  const sites = useSites().data ?? [];
  const make = useMakeKey();
  const words = t.ops.keys;
  return (
    <section className="panel">
      <h2>{words.add}</h2>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate(
            { name, role, site_id: site === "" ? null : site },
            {
              onSuccess: (made) => {
                setName("");
                show(made);
              },
            },
          );
        }}
      >
        <Field label={words.name}>
          <input
            className="input"
            autoComplete="off"
            required
            maxLength={64}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </Field>
        <Field label={words.role}>
          <RoleSelect role={role} onChange={setRole} />
        </Field>
        {sites.length > 1 ? (
          <Field label={words.site}>
            <select className="input" value={site} onChange={(event) => setSite(event.target.value)}>
              <option value="">{words.defaultSite}</option>
              {sites.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </select>
          </Field>
        ) : null}
        <Button type="submit" kind="primary" disabled={make.isPending}>
          {words.submit}
        </Button>
      </form>
      <p className="tone-muted">{t.ops.users.roleWhy[role]}.</p>
      <NotDone error={make.error} />
      {shown === null ? null : <Secret made={shown} onClose={() => show(null)} />}
    </section>
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
