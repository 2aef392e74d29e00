/** The small parts every page is made of. */
import { useLayoutEffect, useRef, type ComponentProps, type ReactElement, type ReactNode } from "react";

import { Icon, type IconName } from "./icons";

export type Tone = "stat" | "urgent" | "check" | "routine" | "muted" | "accent";

type ButtonProps = ComponentProps<"button"> & { kind?: "plain" | "primary" | "quiet"; small?: boolean };

export function Button({ kind = "plain", small = false, className = "", ...rest }: ButtonProps): ReactElement {
  const classes = ["button", `button-${kind}`, small ? "button-small" : "", className].filter(Boolean).join(" ");
  return <button type="button" className={classes} {...rest} />;
}

export function Badge({ icon, tone, children }: { icon: IconName; tone: Tone; children: ReactNode }): ReactElement {
  return (
    <span className={`badge tone-${tone}`}>
      <Icon name={icon} />
      {children}
    </span>
  );
}

const NOTICE_ICONS: Record<Exclude<Tone, "accent">, IconName> = {
  stat: "failed",
  urgent: "stat",
  check: "check",
  routine: "signed",
  muted: "info",
};

type NoticeProps = { tone: Exclude<Tone, "accent">; title: string; children?: ReactNode };

export function Notice({ tone, title, children }: NoticeProps): ReactElement {
  return (
    <div className={`notice notice-${tone}`} role={tone === "stat" ? "alert" : "status"}>
      <span className={`tone-${tone}`}>
        <Icon name={NOTICE_ICONS[tone]} size={16} />
      </span>
      <div>
        <h3>{title}</h3>
        {children}
      </div>
    </div>
  );
}

export function Key({ children }: { children: ReactNode }): ReactElement {
  return <kbd className="key">{children}</kbd>;
}

export function Field({ label, children }: { label: string; children: ReactNode }): ReactElement {
  return (
    <label className="field">
      <span>{label}</span>
      {children}
    </label>
  );
}

export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }): ReactElement {
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name} className="facts-row">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type EmptyProps = {
  title: string;
  /** Where the page around it has a name of its own. */
  inside?: boolean;
  children?: ReactNode;
};

export function Empty({ title, inside = false, children }: EmptyProps): ReactElement {
  return (
    <div className="empty">
      {inside ? <h2>{title}</h2> : <h1>{title}</h1>}
      {children}
    </div>
  );
}

type DialogProps = { labelledBy: string; onClose: (() => void) | null; children: ReactNode };

/** A modal dialog: the browser keeps the focus inside and gives it back; without onClose it cannot be dismissed. */
export function Dialog({ labelledBy, onClose, children }: DialogProps): ReactElement {
  const ref = useRef<HTMLDialogElement>(null);
  // Of the layout, since the browser gives the focus back only while the dialog is still in the page as it closes.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className="dialog"
      aria-labelledby={labelledBy}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      {children}
    </dialog>
  );
}
