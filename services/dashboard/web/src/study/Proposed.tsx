/** That a newer result waits beside the answer: what it says otherwise, what a signature does to it, and the way to it. */
import type { ReactElement } from "react";

import type { StudyChange } from "../api/types";
import { Button, Notice } from "../design/parts";
import { t } from "../text/messages";

type Props = {
  change: StudyChange | null;
  signed: boolean;
  /** It came after the page was opened, and was not opened on it. */
  unseen: boolean;
  wants: boolean;
  want: (wants: boolean) => void;
};

export function Proposed({ change, signed, unseen, wants, want }: Props): ReactElement {
  const back = signed ? t.study.showSigned : t.study.showPresent;
  return (
    <Notice tone="urgent" title={change === null ? t.study.proposed : t.change.told(change.kind, change.headline)}>
      <p>
        {signed ? t.study.proposedWhat : t.study.proposedUnsigned}{" "}
        {unseen ? t.study.proposedUnseen : t.study.proposedSettles}
      </p>
      <Button small aria-pressed={wants} onClick={() => want(!wants)}>
        {wants ? back : t.study.showProposed}
      </Button>
    </Notice>
  );
}
