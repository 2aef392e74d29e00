/** Catches an error of the page itself and says what it means for the data. */
import { Component, type ReactNode } from "react";

import { Notice } from "../design/parts";
import { t } from "../text/messages";

export class CrashBarrier extends Component<{ children: ReactNode }, { crashed: boolean }> {
  override state = { crashed: false };

  static getDerivedStateFromError(): { crashed: boolean } {
    return { crashed: true };
  }

  override render(): ReactNode {
    if (!this.state.crashed) return this.props.children;
    return (
      <main className="empty">
        <Notice tone="stat" title={t.errors.crashTitle}>
          <p>{t.errors.crash}</p>
        </Notice>
      </main>
    );
  }
}
