/** The frame of a page of one kind of data: its name, what it is for, and its data or why they did not come. */
import type { ReactElement, ReactNode } from "react";

import { LoadFailed, Stale } from "./LoadFailed";
import { t } from "../text/messages";

export type Loading = { isPending: boolean; error: Error | null; data: unknown; refetch: () => Promise<unknown> };
type Props = {
  title: string;
  summary: string;
  load: Loading;
  end?: ReactNode;
  /** Stays while other data come, so that nobody loses the control in hand. */
  top?: ReactNode;
  children: ReactNode;
};

export function Sheet({ title, summary, load, end, top, children }: Props): ReactElement {
  if (load.data === undefined && load.error !== null) {
    return <LoadFailed error={load.error} again={() => void load.refetch()} />;
  }
  return (
    <section className="page">
      <div className="page-head">
        <div>
          <h1>{title}</h1>
          <p>{load.isPending ? t.loading : summary}</p>
        </div>
        {end}
      </div>
      <div className="page-body" role="region" aria-label={title} tabIndex={0}>
        <Stale error={load.error} />
        {top}
        {load.data === undefined ? null : children}
      </div>
    </section>
  );
}
