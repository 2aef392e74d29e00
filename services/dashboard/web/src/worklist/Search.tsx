/** The search box: asks when the reader says so, since every search is written into the audit. */
import { useState, type FormEvent, type ReactElement, type Ref } from "react";

import { Button } from "../design/parts";
import { t } from "../text/messages";

type Props = { ref: Ref<HTMLInputElement>; asked: string; ask: (text: string) => void };

export function Search({ ref, asked, ask }: Props): ReactElement {
  const [text, setText] = useState(asked);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    ask(text.trim());
  };
  return (
    <form className="search" role="search" onSubmit={submit}>
      <input
        ref={ref}
        type="search"
        className="input"
        aria-label={t.search.label}
        placeholder={t.search.hint}
        maxLength={200}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <Button type="submit">{t.search.submit}</Button>
      {asked === "" ? null : (
        <Button
          kind="quiet"
          onClick={() => {
            setText("");
            ask("");
          }}
        >
          {t.search.clear}
        </Button>
      )}
    </form>
  );
}
