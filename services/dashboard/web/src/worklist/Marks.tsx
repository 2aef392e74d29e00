/** What is done to the marked readings, and what was done last. */
import type { ReactElement } from "react";

import { Button, Key } from "../design/parts";
import { t } from "../text/messages";
import type { List } from "./useList";

type Props = { list: List; told: string; assign: () => void };

export function Marks({ list, told, assign }: Props): ReactElement {
  const count = list.marked.length;
  return (
    <div className="marks" role="status">
      {count > 0 ? (
        <div className="row">
          <strong>{t.marks.count(count)}</strong>
          <Button small kind="primary" onClick={assign}>
            {t.marks.assign} <Key>A</Key>
          </Button>
          <Button small kind="quiet" onClick={list.unmark}>
            {t.marks.clear}
          </Button>
        </div>
      ) : (
        told
      )}
    </div>
  );
}
