/** Words around the report; its own words come from the server, which makes screen, PDF and SR of one value. */
export const report = {
  report: {
    open: "Report",
    openWhy: "One page for the patient's file",
    back: "Back to the study",
    pdf: "Save as PDF",
    sr: "Save as DICOM SR",
    print: "Print",
    page: "The page as it is filed",
    withheldTitle: "You read this study blind",
    withheld: "The report tells what the machine and other readers said. Say first what you see; nothing was changed.",
    draft: "This page is not final: it stays a draft until readers have decided every reading of the study.",
  },
} as const;
