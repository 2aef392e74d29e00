/** Words of the picture pages: photographs beside earlier ones and beside references, and reconstructions. */
export const pictures = {
  eyeTools: {
    from: "Threshold",
    fromWhat: (share: string) => `Only what is at least ${share} of the strongest place is shown`,
    beside: "Visit beside",
    noVisit: "None",
    today: "This visit",
    sent: (date: string) => `sent ${date}`,
    visit: (date: string, grade: number | null) =>
      grade === null ? `${date}, no signed grade` : `${date}, signed grade ${grade}`,
    notThen: "This eye was not photographed at that visit.",
    compare: "Grades",
    line: "Over the visits",
    point: (date: string | null, grade: number) =>
      date === null ? `now ${grade} (machine)` : `${date}: ${grade} (signed)`,
    noLesions:
      "This model marks no lesions. The heat-map shows which places decided the grade, not what is to be seen there.",
  },
  references: {
    title: "Grades",
    choose: "Grade",
    /** The international clinical disease severity scale, in its own words. */
    definitions: [
      "No abnormalities.",
      "Microaneurysms only.",
      "More than just microaneurysms, but less than severe.",
      "Any of: more than 20 intraretinal haemorrhages in each of four quadrants; definite venous beading in two or more quadrants; prominent intraretinal microvascular abnormalities in one or more. No sign of proliferative disease.",
      "One or both of: new vessels; vitreous or preretinal haemorrhage.",
    ],
    source: "Wilkinson et al., Ophthalmology 2003; 110: 1677–82",
    drawn: "A drawing of the definition, not a photograph.",
    drawnOf: (grade: number) => `Drawing of a right eye with the signs of grade ${grade}`,
    photograph: (grade: number, number: number) => `Photograph ${number} of grade ${grade}, another patient`,
    signed: "Another patient; a reader of this site accepted this grade.",
    none: "No reader of this site has accepted a photograph of this grade yet. They appear here as readings are signed.",
  },
  compared: {
    title: "Compare",
    label: "Reconstruction beside what was measured",
    pair: "Left | right",
    pairs: {
      image: "Zero-filled | reconstruction",
      uncertainty: "Reconstruction | uncertainty",
      residual: "Reconstruction | against the data",
    },
    planes: {
      zero_filled: "Zero-filled",
      image: "Reconstruction",
      uncertainty: "Uncertainty",
      residual: "Against the data",
    },
    wipe: "Wipe",
    wipeWhat: (left: string, right: string, share: string) => `${left} on ${share} of the width, then ${right}`,
    flags: "Marked areas",
    marked: (areas: number) => `${areas} marked ${areas === 1 ? "area" : "areas"} here`,
    unmarked: "No marked area here",
    slices: (spans: string) => `Marked areas in ${/[–,]/.test(spans) ? "slices" : "slice"} ${spans}`,
    legend: {
      uncertainty: "How unsure the values are, as a share of the brightest tissue",
      residual: "What the measured data say otherwise, as a share of the brightest tissue",
    },
    loading: "The volumes are being opened…",
    failed: "The volumes cannot be compared here",
    failedWhat: "The stored files are unchanged. The pictures side by side are under “Show”.",
    model: "Model",
    nothingInferred: "All lines were measured. The method had nothing to fill in.",
  },
} as const;
