/** A button that opens a small panel of further controls; Escape and a click elsewhere close it. */
import { useEffect, useId, useRef, useState, type ReactElement, type ReactNode } from "react";

import { Button } from "./parts";

type Props = { label: string; name: ReactNode; children: (close: () => void) => ReactNode };

export function Menu({ label, name, children }: Props): ReactElement {
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const panel = useId();
  const close = (): void => setOpen(false);
  useEffect(() => {
    if (!open) return;
    const elsewhere = (event: Event): void => {
      if (event.target instanceof Node && !place.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", elsewhere);
    document.addEventListener("focusin", elsewhere);
    return () => {
      document.removeEventListener("pointerdown", elsewhere);
      document.removeEventListener("focusin", elsewhere);
    };
  }, [open]);
  return (
    <div
      ref={place}
      className="menu"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.preventDefault();
        close();
        place.current?.querySelector("button")?.focus();
      }}
    >
      <Button small aria-label={label} aria-expanded={open} aria-controls={panel} onClick={() => setOpen(!open)}>
        {name}
      </Button>
      <div id={panel} className="menu-panel" hidden={!open}>
        {open ? children(close) : null}
      </div>
    </div>
  );
}
