/** Words of the field: grades, states, sides, steps. */
const STEPS: Record<string, string> = {
  load: "Reading the files",
  preprocess: "Preparing",
  infer: "Inference",
  explain: "Explanation",
  postprocess: "Putting together",
};

const CHANGES: Record<string, string> = {
  any: "Changed in any way",
  none: "The same",
  changed: "Changed",
  crossed: "Crossed a line",
  answered: "Answered now",
  unanswered: "No answer any more",
  new: "First reading",
};

export const field = {
  urgency: {
    stat: "Stat",
    urgent: "Urgent",
    check: "Check",
    routine: "Routine",
    none: "Not rated",
    withheld: "Withheld",
    statWhy: "Harm threatens: read now",
    urgentWhy: "Read today",
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
  reviewState: {
    open: "Not signed",
    unread: "To read",
    drafted: "Draft",
    second_read: "Second reader",
    adjudication: "Adjudication",
    signed: "Signed",
  },
  verdict: { accept: "Accepted", edit: "Edited", reject: "Rejected" },
  pipelines: {
    retinopathy: "Diabetic retinopathy",
    segmentation: "Hippocampus volumes",
    reconstruction: "MRI reconstruction",
    reconstruction_zero_filled: "MRI reconstruction, zero-filled",
    reconstruction_sense: "MRI reconstruction, SENSE",
    reconstruction_compressed_sensing: "MRI reconstruction, compressed sensing",
  } as Record<string, string>,
  change: {
    kinds: CHANGES,
    told: (kind: string, headline: string | null) => {
      const name = CHANGES[kind] ?? kind;
      if (headline === null) return name;
      const words = headline.replace("->", "→");
      // Some headlines begin with the kind: "answered now: DR grade 4".
      return words.toLowerCase().startsWith(name.toLowerCase())
        ? `${name}${words.slice(name.length)}`
        : `${name}: ${words}`;
    },
  },
  abstained: "Model abstained",
  labels: {
    dr_grade: "Retinopathy grade",
    referable_dr: "Referable disease",
    dme_risk: "Macular oedema risk",
    anterior: "Anterior part",
    posterior: "Posterior part",
    hippocampus: "Hippocampus",
    asymmetry: "Asymmetry",
    acceleration: "Acceleration",
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
    low_predicted_quality:
      "It expects its outline to agree too little with one drawn by hand. Do not use these volumes.",
    implausible_volume: "A volume is outside what is plausible. Do not use these volumes.",
    several_parts: "An outline falls into several parts. Do not use these volumes.",
    touches_border: "An outline touches the edge of the image, so that part of the structure may be missing.",
    unsupported_structure: "Too much of the image is not supported by the measured data. Do not rely on it.",
    unverifiable: "Too little of the image can be checked against the measured data. Do not rely on it.",
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
      low_predicted_quality: "the outline is predicted to be poor",
      implausible_volume: "the volume is outside what is plausible",
      several_parts: "the outline falls into parts",
      touches_border: "the outline touches the edge of the image",
      unsupported_structure: "too much structure speaks against the measured data",
      unverifiable: "too little of the image can be checked against the measured data",
    } as Record<string, string>,
  },
} as const;
