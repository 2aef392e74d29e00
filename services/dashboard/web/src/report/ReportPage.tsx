/** One page for the patient's file: what the PDF and the SR say, in the same words and order. */
import { useEffect, type ReactElement } from "react";
import { Link, useLocation } from "wouter";

import { API } from "../api/address";
import { ApiError } from "../api/client";
import { reportFile, useReport, type Report, type ReportLine, type ReportSection } from "../api/report";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { Badge, Button, Key, Notice } from "../design/parts";
import { SaveFile } from "../design/SaveFile";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import "./report.css";

const IDENTITY = "--sheet-identity";
const WITHHELD = "withheld_until_read";

export default function ReportPage({ id }: { id: string }): ReactElement {
  const report = useReport(id);
  const [, goTo] = useLocation();
  useShortcuts([{ keys: KEYS.report.toStudy, run: () => goTo(`/studies/${id}`) }]);
  return (
    <div className="report-page">
      <nav className="report-bar" aria-label={t.report.open}>
        <Link href={`/studies/${id}`} className="button button-quiet button-small">
          ← {t.report.back} <Key>{t.keys.name("Escape")}</Key>
        </Link>
        {report.data === undefined ? null : <Ways id={id} />}
      </nav>
      <Body report={report} />
    </div>
  );
}

function Body({ report }: { report: ReturnType<typeof useReport> }): ReactElement {
  if (report.isPending) return <p className="waiting">{t.loading}</p>;
  // A page that is withheld since it was loaded is not left on the screen.
  if (report.error instanceof ApiError && report.error.code === WITHHELD) return <Withheld />;
  if (report.data === undefined) {
    return (
      <LoadFailed
        error={report.error}
        again={() => void report.refetch()}
        back={{ to: "/", name: t.back }}
      />
    );
  }
  return (
    <>
      <Stale error={report.error} />
      {isSigned(report.data) ? null : <p className="report-note">{t.report.draft}</p>}
      <Sheet report={report.data} />
    </>
  );
}

function Ways({ id }: { id: string }): ReactElement {
  return (
    <div className="row">
      <SaveFile small {...reportFile(id, ".pdf")}>
        {t.report.pdf}
      </SaveFile>
      <SaveFile small {...reportFile(id, ".dcm")}>
        {t.report.sr}
      </SaveFile>
      <Button small kind="primary" onClick={() => window.print()}>
        {t.report.print}
      </Button>
    </div>
  );
}

function Withheld(): ReactElement {
  return (
    <div className="empty">
      <Notice tone="muted" title={t.report.withheldTitle}>
        <p>{t.report.withheld}</p>
      </Notice>
    </div>
  );
}

const isSigned = (report: Report): boolean => report.signatures.length > 0;

/** Whose page it is, for report.css to print at the foot of each sheet of paper. */
function useIdentityOnPaper(identity: string): void {
  useEffect(() => {
    const { style } = document.documentElement;
    style.setProperty(IDENTITY, JSON.stringify(identity)); // a CSS string is quoted and escaped the same way
    return () => void style.removeProperty(IDENTITY);
  }, [identity]);
}

function Sheet({ report }: { report: Report }): ReactElement {
  const signed = isSigned(report);
  useIdentityOnPaper(report.identity);
  return (
    <article className="sheet" aria-label={t.report.page}>
      <header>
        <h1>{report.title}</h1>
        <p className="sheet-mark">
          <Badge icon={signed ? "signed" : "draft"} tone={signed ? "routine" : "stat"}>
            {report.mark}
          </Badge>
        </p>
      </header>
      {report.sections.map((section, number) => (
        <Section key={number} section={section} />
      ))}
    </article>
  );
}

function lineClass(line: ReportLine): string {
  if (line.chief) return "sheet-line sheet-chief";
  return line.caution ? "sheet-line sheet-caution" : "sheet-line";
}

function Section({ section }: { section: ReportSection }): ReactElement {
  return (
    <section>
      <h2>{section.heading}</h2>
      <dl>
        {section.lines.map((line, number) => (
          <div key={number} className={lineClass(line)}>
            <dt>{line.name}</dt>
            <dd>{line.text}</dd>
          </div>
        ))}
      </dl>
      {section.pictures.length === 0 ? null : (
        <div className="sheet-pictures">
          {section.pictures.map((picture) => (
            <figure key={picture.address}>
              <img src={`${API}${picture.address}`} alt="" />
              <figcaption>{picture.caption}</figcaption>
            </figure>
          ))}
        </div>
      )}
    </section>
  );
}
