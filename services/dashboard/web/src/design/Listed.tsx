/** A list as a table with the button for more of it, or, where it is empty, what to do next. */
import type { ComponentProps, ReactElement } from "react";

import { More } from "./More";
import { Table } from "./Table";

type Props = Omit<ComponentProps<typeof Table>, "children"> & {
  empty: ReactElement;
  /** Where the list comes page by page. */
  more?: ComponentProps<typeof More>["list"];
  /** One row each. */
  children: readonly ReactElement[];
};

export function Listed({ empty, more, children, ...table }: Props): ReactElement {
  return (
    <>
      {children.length > 0 ? <Table {...table}>{children}</Table> : empty}
      {more === undefined ? null : <More list={more} />}
    </>
  );
}
