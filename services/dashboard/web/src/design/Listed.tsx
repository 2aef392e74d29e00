/** A list as a table with the button for more of it, or, where it is empty, what to do next. */
import type { ComponentProps, ReactElement } from "react";

import { More } from "./More";
import { Empty } from "./parts";
import { Table } from "./Table";

type Props = {
  /** What the list is called, its columns, and what is said where it is empty. */
  words: { table: string; columns: Readonly<Record<string, string>>; emptyTitle: string; empty: string };
  /** Said in place of those words where there is more to say. */
  empty?: ReactElement;
  /** Where the list comes page by page. */
  more?: ComponentProps<typeof More>["list"];
  /** One row each. */
  children: readonly ReactElement[];
};

export function Listed({ words, empty, more, children }: Props): ReactElement {
  const nothing = empty ?? (
    <Empty inside title={words.emptyTitle}>
      <p>{words.empty}</p>
    </Empty>
  );
  return (
    <>
      {children.length > 0 ? (
        <Table label={words.table} columns={words.columns}>
          {children}
        </Table>
      ) : (
        nothing
      )}
      {more === undefined ? null : <More list={more} />}
    </>
  );
}
