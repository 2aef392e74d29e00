/** What is wrong with the system, for those who run it: over every page, and gone by itself when it is over. */
import type { ReactElement } from "react";

import { useAlarms } from "../api/queries";
import { Notice } from "../design/parts";

export function Alarms(): ReactElement {
  const alarms = useAlarms().data ?? [];
  if (alarms.length === 0) return <></>;
  return (
    <div className="alarms">
      {alarms.map((alarm) => (
        <Notice key={alarm.id} tone="stat" title={alarm.sentence}>
          <p>{alarm.detail}</p>
        </Notice>
      ))}
    </div>
  );
}
