/** A name that programs use: it may go on in the next line behind an underscore, and nowhere else. */
import { Fragment, type ReactElement } from "react";

export function ProgramName({ name }: { name: string }): ReactElement {
  return (
    <>
      {name.split(/(?<=_)/).map((part, place) => (
        <Fragment key={place}>
          {part}
          <wbr />
        </Fragment>
      ))}
    </>
  );
}
