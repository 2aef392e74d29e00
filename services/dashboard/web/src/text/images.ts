/** Words of volumes and reconstructions: their pictures, measurements and what they rest on. */

const WEIGHTINGS: Record<string, string> = { unknown: "weighting not stated" };

export const images = {
  images: {
    viewer: "Images",
    none: "This study holds no image that can be shown.",
    set: "Show",
    titles: { preview: "Outlines", panel: "Reconstruction" },
    what: { preview: null, panel: null },
    alt: {
      preview: "Slices through the measured structures with the model's outlines",
      panel: "Zero-filled image, reconstruction, uncertainty and what speaks against the data, side by side",
    },
    image: (modality: string) => `${modality} image`,
    /** Files that are no DICOM, by what stands for their SOP class (pipelines/core/codes.py). */
    foreign: {
      "2.25.111782977864869558711442454673446289192": "NIfTI volume",
      "2.25.143263371810091117864506379262564251613": "raw MRI data",
    } as Record<string, string>,
    series: (number: number, kind: string, derived: boolean) =>
      `Series ${number}: ${kind}${derived ? ", reconstructed" : ""}`,
    place: "Slice",
    previous: "Previous slice",
    next: "Next slice",
    number: (place: number, count: number) => `${place} of ${count}`,
    slice: (slice: number) => `slice ${slice}`,
    flagged: (areas: number) => `${areas} marked ${areas === 1 ? "area" : "areas"}`,
  },
  sides: { R: "Right", L: "Left", B: "Both sides", none: "Side not known" },
  volumes: {
    table: "Volumes by side",
    structure: "Structure",
    units:
      "Volumes in ml; in small print where the true volume lies in 95 of 100 cases, by this model's measured error.",
    noInterval: "Volumes in ml.",
    asymmetry: "Asymmetry",
    larger: { L: "left larger", R: "right larger", none: "equal" },
    between: (low: string, high: string) => `between ${low} and ${high}`,
    quality: "Predicted agreement with an outline by hand",
    qualityWhat: "Dice overlap that the model expects, from 0 to 1",
    limit: (limit: string) => `limit ${limit}`,
    below: (limit: string) => `below the limit ${limit}`,
    readable: "May be used",
    unreadable: "Not to be used",
    reconstructed: "Measured on a reconstructed series",
    reconstructedWhat:
      "Parts of these images were inferred, not measured by the scanner. See the reconstruction's own reading first.",
    reconstructedLook: "Look at the reconstruction",
    series: "Series read",
    chosen: (number: number | null, weighting: string | null) =>
      `${number === null ? "without a number" : `number ${number}`}, ${WEIGHTINGS[weighting ?? ""] ?? weighting ?? "weighting not stated"}`,
    notRead: (number: number | null) => `Series ${number ?? "without a number"} not read`,
    notes: "Geometry",
    plausible: "Usual in adults",
    plausibleTotal: (span: string) => `${span} ml a side`,
    computed: "Total and asymmetry follow from the parts.",
    edit: (unit: string) => `in ${unit}`,
  },
  reconstruction: {
    inferred: "Inferred, not measured",
    measured: "Nothing was inferred",
    methods: {
      unrolled: "Learned reconstruction (unrolled 3D U-Net with data consistency)",
      sense: "Parallel imaging (SENSE)",
      compressed_sensing: "Compressed sensing (L1 wavelet, ESPIRiT maps)",
      zero_filled: "Zero-filled",
    } as Record<string, string>,
    what: {
      unrolled:
        "A learned model filled in what the scanner did not measure. The measured lines stay as they were. Small detail may be inferred: look at the uncertainty and the marked areas before you rely on it.",
      sense:
        "What was not measured is calculated from the differences between the coils. Noise is stronger where the coils see alike.",
      compressed_sensing:
        "What was not measured is filled in so that the image has few wavelets. Faint texture may be lost or invented.",
      zero_filled: "What was not measured is set to zero. Nothing is invented, but the image is blurred or folded.",
    } as Record<string, string>,
    whatUnknown: "What the scanner did not measure was filled in. Small detail may be inferred.",
    method: "Method",
    acceleration: "Acceleration",
    share: (factor: string, percent: string) => `${factor}×: about ${percent} of the lines were measured`,
    full: "None: all lines were measured",
    supported: "Share of the tissue that the measured data confirm",
    residual: "Difference on the measured lines",
    residualWhat: "relative; 0: just as measured",
    flagged: "Marked areas",
    flaggedWhat: (areas: number) =>
      areas === 0 ? "None: no structure without support in the data was found" : `${areas}, outlined in the pictures`,
    coils: "Coils",
    reference: "Against the fully sampled data in the file",
    ssim: "SSIM",
    psnr: "PSNR",
    nmse: "NMSE",
    noHeatMap: "No heat-map",
    noHeatMapWhat:
      "A reconstruction has no class whose evidence could be shown on a heat-map; the pictures side by side stand in its place.",
    series: "The reconstructed series",
    seriesWaits: "It joins the study in a moment.",
    look: "Look at its images",
    readOn: (pipeline: string) => `Read further: ${pipeline}`,
    notes: "Notes on the data",
  },
  downloads: {
    title: "Files",
    kinds: {
      volume: "Volume (NIfTI)",
      segmentation: "Outlines (NIfTI)",
      uncertainty: "Uncertainty (NIfTI)",
      explanation: "Heat-map (NIfTI)",
      seg: "Outlines (DICOM SEG)",
      sr: "Structured report (DICOM SR)",
      derived_series: "DICOM images",
    } as Record<string, string>,
    /** Files that say more by their name than by their kind. */
    names: {
      "reconstruction.nii.gz": "Reconstruction (NIfTI)",
      "zero_filled.nii.gz": "Zero-filled (NIfTI)",
      "residual.nii.gz": "Against the data (NIfTI)",
      "unsupported.nii.gz": "Marked areas (NIfTI)",
    } as Record<string, string>,
    many: (count: number, kind: string) => `${count} ${kind}, kept in the study as a series`,
  },
} as const;
