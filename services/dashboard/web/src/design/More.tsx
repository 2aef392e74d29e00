/** The button under a list that asks for the next page. */
import type { ReactElement } from "react";

import { t } from "../text/messages";
import { Button } from "./parts";

type Paged = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> };

export function More({ list }: { list: Paged }): ReactElement {
  if (!list.hasNextPage) return <></>;
  return (
    <div className="more">
      <Button onClick={() => void list.fetchNextPage()} disabled={list.isFetchingNextPage}>
        {t.more}
      </Button>
    </div>
  );
}
