/** The readings overnight: which ran, how far they are, and who changes. */
import type { ReactElement } from "react";

import type { Me } from "../api/types";
import { Empty } from "../design/parts";
import { t } from "../text/messages";

type Props = { id: string | null; me: Me };

const BatchesPage: (props: Props) => ReactElement = () => <Empty title={t.nav.batches} />;
export default BatchesPage;
