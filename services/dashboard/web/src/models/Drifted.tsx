/** How far a version's weeks lie from its first results: the index of each measure, and what lies behind it. */
import type { ReactElement } from "react";

import { useDrift, type Drift } from "../api/models";
import { Chart, type Line } from "../design/Chart";
import { LoadFailed } from "../design/LoadFailed";
import { Notice } from "../design/parts";
import { day, figure, percent } from "../text/format";
import { t } from "../text/messages";

type Props = { name: string; version: string; weeks: number };

export function Drifted({ name, version, weeks }: Props): ReactElement {
  const drift = useDrift(name, version, weeks);
  return (
    <>
      <h3>{t.drift.title}</h3>
      {drift.isPending ? <p>{t.loading}</p> : null}
      {drift.isError ? <LoadFailed error={drift.error} again={() => void drift.refetch()} /> : null}
      {drift.data ? <Told drift={drift.data} /> : null}
    </>
  );
}

function Told({ drift }: { drift: Drift }): ReactElement {
  const { reference } = drift;
  if (reference.since === null || reference.until === null) return <p>{t.drift.none}</p>;
  return (
    <>
      {reference.n < reference.least ? (
        <p>{t.drift.tooFew(reference.n, reference.least)}</p>
      ) : (
        <>
          <p className="tone-muted">{t.drift.what(reference.n, day(reference.since), day(reference.until))}</p>
          <Judgement drift={drift} />
        </>
      )}
      <div className="charts">
        {reference.n < reference.least ? null : <Indexes drift={drift} />}
        <Shares drift={drift} />
        <Means drift={drift} />
        <Mix drift={drift} />
      </div>
    </>
  );
}

function Judgement({ drift }: { drift: Drift }): ReactElement {
  const { reference, drifting, limit, weeks_to_alarm: weeks, least_in_a_week: least } = drift;
  const names = drifting.map((name) => t.drift.measures[name] ?? name).join(", ");
  return (
    <>
      {drifting.length > 0 ? (
        <Notice tone="urgent" title={t.drift.drifting(names)}>
          <p>{t.drift.driftingWhat}</p>
        </Notice>
      ) : (
        <Notice tone="routine" title={t.drift.steady} />
      )}
      {reference.n < reference.wanted ? <p>{t.drift.growing(reference.n, reference.wanted)}</p> : null}
      <p className="tone-muted">{t.drift.rule(figure(limit, null), weeks, least)}</p>
    </>
  );
}

const mondays = (drift: Drift): string[] => drift.weeks.map((week) => week.week);
const plain = (value: number): string => figure(value, null);

function Indexes({ drift }: { drift: Drift }): ReactElement {
  const lines = drift.measures.map(
    (measure): Line => ({
      name: t.drift.measures[measure.name] ?? measure.name,
      values: drift.weeks.map((week) => week.measures[measure.name]?.index ?? null),
    }),
  );
  const limit = { name: t.drift.limit, value: drift.limit };
  return (
    <Chart title={t.drift.index} days={mondays(drift)} lines={lines} format={plain} range={[0, 0]} limit={limit} />
  );
}

function Shares({ drift }: { drift: Drift }): ReactElement {
  const lines = (["abstained", "ungradable", "unreliable"] as const).map(
    (name): Line => ({
      name: t.drift.shareLines[name],
      values: drift.weeks.map((week) => week[name].value),
      low: drift.weeks.map((week) => week[name].low),
      high: drift.weeks.map((week) => week[name].high),
    }),
  );
  return <Chart title={t.drift.shares} days={mondays(drift)} lines={lines} format={percent} range={[0, 0.1]} />;
}

/** Quality and confidence share an axis; scores are in a unit of their own. */
function Means({ drift }: { drift: Drift }): ReactElement {
  const of = (name: "quality" | "confidence" | "value"): (number | null)[] =>
    drift.weeks.map((week) => week.means[name] ?? null);
  const known = (["quality", "confidence"] as const).filter((name) => of(name).some((value) => value !== null));
  const score = t.drift.value(t.labels[drift.label ?? ""] ?? drift.label ?? t.none);
  const scores = [{ name: t.drift.scoreLine, values: of("value") }];
  const counts = [{ name: t.drift.countLine, values: drift.weeks.map((week) => week.n) }];
  return (
    <>
      {known.length > 0 ? (
        <Chart
          title={t.drift.means}
          days={mondays(drift)}
          lines={known.map((name) => ({ name: t.drift.meanLines[name], values: of(name) }))}
          format={percent}
          range={[0, 1]}
        />
      ) : null}
      <Chart title={score} days={mondays(drift)} lines={scores} format={plain} range={[0, 0]} />
      <Chart title={t.drift.count} days={mondays(drift)} lines={counts} format={plain} range={[0, 1]} />
    </>
  );
}

/** The share of each class, and of no answer; nothing for models without classes. */
function Mix({ drift }: { drift: Drift }): ReactElement {
  const classes = drift.measures.find((measure) => measure.name === "category");
  if (classes === undefined) return <></>;
  const lines = classes.bins.map((bin, place): Line => {
    const values = drift.weeks.map((week) => {
      const counts = week.measures.category?.counts ?? [];
      const all = counts.reduce((sum, count) => sum + count, 0);
      return all === 0 ? null : (counts[place] ?? 0) / all;
    });
    return { name: t.drift.share(bin), values };
  });
  return <Chart title={t.drift.mix} days={mondays(drift)} lines={lines} format={percent} range={[0, 1]} />;
}
