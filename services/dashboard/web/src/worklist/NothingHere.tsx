/** What an empty list says: why it is empty, and what to do next. */
import type { ReactElement } from "react";

import { Button, Empty } from "../design/parts";
import { t } from "../text/messages";
import type { List } from "./useList";

export function NothingHere({ list }: { list: List }): ReactElement {
  if (list.search !== "") {
    return (
      <Empty title={t.search.nothing}>
        <p>{t.search.nothingWhat}</p>
        <Button onClick={() => list.ask("")}>{t.search.clear}</Button>
      </Empty>
    );
  }
  if (Object.keys(list.filters).length > 0) {
    const mine = list.filters.assignee === "me";
    return (
      <Empty title={mine ? t.worklist.mineTitle : t.worklist.filteredTitle}>
        <p>{mine ? t.worklist.emptyMine : t.worklist.emptyFiltered}</p>
        <Button onClick={() => list.choose({})}>{t.worklist.clear}</Button>
      </Empty>
    );
  }
  return (
    <Empty title={t.worklist.emptyTitle}>
      <p>{t.worklist.empty}</p>
      <pre>{t.worklist.emptyCommand}</pre>
    </Empty>
  );
}
