/** One page for the patient's file. */
import type { ReactElement } from "react";

import { Empty } from "../design/parts";
import { t } from "../text/messages";

const ReportPage: (props: { id: string }) => ReactElement = () => <Empty title={t.errors.notFound} />;
export default ReportPage;
