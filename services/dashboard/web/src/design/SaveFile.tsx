/** A link that saves a file which takes its time to be written, and says why where it is not. */
import type { MouseEvent, ReactElement, ReactNode } from "react";

import { API } from "../api/address";
import { useSaving, type Saved } from "../api/saving";
import { sentence } from "../text/format";

type Props = Saved & { small?: boolean; children: ReactNode };

export function SaveFile({ path, name, small = false, children }: Props): ReactElement {
  const saving = useSaving();
  const save = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // as the browser does it, elsewhere
    event.preventDefault();
    if (!saving.isPending) saving.mutate({ path, name });
  };
  return (
    <>
      <a
        className={small ? "button button-small" : "button"}
        href={`${API}${path}`}
        download={name}
        aria-busy={saving.isPending}
        onClick={save}
      >
        {children}
      </a>
      {saving.isError ? (
        <span role="alert" className="save-refused tone-stat">
          {sentence(saving.error.message)}
        </span>
      ) : null}
    </>
  );
}
