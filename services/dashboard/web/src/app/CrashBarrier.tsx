/** Catches an error of a page, says what it means for the data, and loads the page again on demand. */
import { Component, type ReactNode } from "react";

import { Button, Notice } from "../design/parts";
import { t } from "../text/messages";

/** `place` is the page that stands in the frame; without it the barrier is around everything. */
type Props = { children: ReactNode; place?: string };

export class CrashBarrier extends Component<Props, { crashed: boolean }> {
  override state = { crashed: false };

  /** What crashed stays behind: another page is tried anew. */
  override componentDidUpdate(before: Props): void {
    if (this.state.crashed && before.place !== this.props.place) this.setState({ crashed: false });
  }

  static getDerivedStateFromError(): { crashed: boolean } {
    return { crashed: true };
  }

  override render(): ReactNode {
    if (!this.state.crashed) return this.props.children;
    const said = (
      <>
        <Notice tone="stat" title={t.errors.crashTitle}>
          <p>{t.errors.crash}</p>
        </Notice>
        <Button kind="primary" onClick={() => window.location.reload()}>
          {t.errors.reload}
        </Button>
      </>
    );
    // The frame has a <main> already; without it this is all there is.
    return this.props.place !== undefined ? <div className="empty">{said}</div> : <main className="empty">{said}</main>;
  }
}
