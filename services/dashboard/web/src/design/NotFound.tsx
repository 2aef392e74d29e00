/** What stands at an address that leads nowhere, and the way on. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import { t } from "../text/messages";
import { Empty } from "./parts";

export function NotFound(): ReactElement {
  return (
    <Empty title={t.errors.notFound}>
      <p>{t.errors.notFoundWhat}</p>
      <Link href="/" className="button">
        {t.back}
      </Link>
    </Empty>
  );
}
