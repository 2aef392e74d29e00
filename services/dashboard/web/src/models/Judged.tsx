/** What readers made of a model's answers, week by week and version by version. */
import type { ReactElement } from "react";

import { useAgreement, type Agreement } from "../api/models";
import { Chart, type Line } from "../design/Chart";
import { LoadFailed } from "../design/LoadFailed";
import { percent } from "../text/format";
import { t } from "../text/messages";

export function Judged({ name, weeks }: { name: string; weeks: number }): ReactElement {
  const asked = useAgreement(name, weeks);
  if (asked.isPending) return <p className="waiting">{t.loading}</p>;
  if (asked.data === undefined) return <LoadFailed error={asked.error} again={() => void asked.refetch()} />;
  const { by_week: told } = asked.data;
  const sum = (count: (week: (typeof told)[number]) => number): number =>
    told.reduce((all, week) => all + count(week), 0);
  return (
    <>
      <h3>{t.judged.title}</h3>
      <p className="tone-muted">{t.judged.what}</p>
      {told.length === 0 ? (
        <p>{t.judged.none}</p>
      ) : (
        <>
          <p>
            {t.judged.totals(
              sum((week) => week.accepted.n),
              sum((week) => week.edited),
              sum((week) => week.rejected),
              sum((week) => week.unanswered),
            )}
          </p>
          <Chart
            title={t.judged.chart}
            days={asked.data.weeks}
            lines={linesOf(asked.data)}
            format={percent}
            range={[0, 1]}
          />
        </>
      )}
    </>
  );
}

/** A line a version; weeks without a signature of it are gaps. */
function linesOf({ weeks, by_week: told }: Agreement): Line[] {
  const versions = [...new Set(told.map((week) => week.version))];
  return versions.map((version) => {
    const own = new Map(told.filter((week) => week.version === version).map((week) => [week.week, week.accepted]));
    const of = (part: "value" | "low" | "high"): (number | null)[] =>
      weeks.map((week) => own.get(week)?.[part] ?? null);
    return { name: t.judged.line(version), values: of("value"), low: of("low"), high: of("high") };
  });
}
