/** A plain table: a name for those who hear it, a head, rows. */
import type { ReactElement, ReactNode } from "react";

type Props = { label: string; columns: Readonly<Record<string, string>>; children: ReactNode };

export function Table({ label, columns, children }: Props): ReactElement {
  return (
    <table className="table" aria-label={label}>
      <thead>
        <tr>
          {Object.values(columns).map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
