/** Words of the field: grades, states, sides, steps. */
const STEPS: Record<string, string> = {
  load: "Reading the files",
  preprocess: "Preparing",
  infer: "Inference",
  explain: "Heat-map",
  postprocess: "Putting together",
};

export const field = {
  urgency: {
    stat: "Stat",
    urgent: "Urgent",
    check: "Check",
    routine: "Routine",
    none: "Not rated",
    statWhy: "Sight-threatening: read now",
    urgentWhy: "Referable disease: read today",
    checkWhy: "The machine cannot say: a person has to look",
    routineWhy: "Nothing that cannot wait",
  },
  jobState: {
    queued: "Waiting",
    running: "Reading",
    succeeded: "Read by the model",
    failed: "Failed",
    quarantined: "Quarantined",
    cancelled: "Cancelled",
  },
  reviewState: { unread: "To read", drafted: "Draft", signed: "Signed" },
  verdict: { accept: "Accepted", edit: "Edited", reject: "Rejected" },
  pipelines: { retinopathy: "Diabetic retinopathy" } as Record<string, string>,
  abstained: "Model abstained",
  labels: {
    dr_grade: "Retinopathy grade",
    referable_dr: "Referable disease",
    dme_risk: "Macular oedema risk",
  } as Record<string, string>,
  grades: {
    dr_grade: [
      "No apparent retinopathy",
      "Mild non-proliferative",
      "Moderate non-proliferative",
      "Severe non-proliferative",
      "Proliferative",
    ],
    dme_risk: ["No hard exudates seen", "Exudates away from the macula", "Exudates near the macula"],
  },
  flags: { same_picture: "Also stored under another patient or eye" } as Record<string, string>,
  steps: STEPS,
  abstainReasons: {
    low_confidence: "It was not sure enough between the grades.",
    ungradable: "The photograph cannot be graded.",
  } as Record<string, string>,
  eyes: { R: "Right eye", L: "Left eye", B: "Both eyes", none: "Side not known", patient: "Patient" },
  eyesShort: { R: "OD", L: "OS", B: "OU", none: "?" },
  quality: {
    title: "Image quality",
    gradable: "Gradable",
    ungradable: "Ungradable",
    score: (share: string) => `(${share})`,
    reasons: {
      blur: "blurred",
      dark: "too dark",
      bright: "too bright",
      no_retina: "no retina in the picture",
    } as Record<string, string>,
  },
} as const;
