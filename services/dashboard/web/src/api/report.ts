/** What the report's page asks the API for. */
import { useQuery } from "@tanstack/react-query";

import { query } from "./address";
import { get } from "./client";
import { keys, usePolling } from "./queries";
import type { Saved } from "./saving";
import type { components } from "./schema.gen";

export type Report = components["schemas"]["ReportView"];
export type ReportLine = components["schemas"]["LineView"];
export type ReportSection = components["schemas"]["SectionView"];

/** The reader's own zone: the screen, the PDF and the SR write their times in it. */
function zone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function path(studyId: string, ending: "" | ".pdf" | ".dcm"): string {
  return `/studies/${encodeURIComponent(studyId)}/report${ending}${query({ zone: zone() })}`;
}

/** A review or result of the study makes it stale with the study itself. */
export function useReport(studyId: string) {
  const refetchInterval = usePolling();
  const queryFn = () => get<Report>(path(studyId, ""));
  return useQuery({ queryKey: [...keys.study(studyId), "report"], queryFn, refetchInterval });
}

export function reportFile(studyId: string, ending: ".pdf" | ".dcm"): Saved {
  return { path: path(studyId, ending), name: `overread-report-${studyId}${ending}` };
}
