/** The names the pages use for the API's types; schema.gen.ts is written from its OpenAPI document and says the rest. */
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Role = Schemas["Role"];
export type WorklistRow = Schemas["WorklistItem"];
export type ChangeKind = Schemas["ChangeKind"];
export type StudyChange = Schemas["StudyChange"];
export type Patient = Schemas["PatientView"];
export type StudyDetail = Schemas["StudyView"];
export type Instance = Schemas["InstanceView"];
export type Job = Schemas["JobView"];
export type JobState = Schemas["JobState"];
export type Result = Schemas["ResultView"];
export type Finding = Schemas["FindingView"];
export type ImageReading = Schemas["ImageView"];
export type Quality = Schemas["QualityView"];
export type Urgency = Schemas["Urgency"];
export type Laterality = Schemas["Laterality"];
export type Slot = Schemas["SlotView"];
export type Review = Schemas["ReviewView"];
export type NewReview = Required<Schemas["ReviewRequest"]>;
export type EditedFinding = Schemas["EditedFindingView"];
export type ReviewAction = Schemas["ReviewAction"];
export type ReviewState = Schemas["ReviewState"];
export type Verdict = Schemas["Verdict"];
export type Reason = Schemas["ReasonView"];
export type Rejection = Schemas["RejectionView"];
export type ModelSummary = Schemas["ModelView"];
export type ModelDetail = Schemas["ModelDetail"];
export type ModelVersion = Schemas["VersionView"];
export type Alarm = Schemas["AlarmView"];
export type Login = Schemas["Login"];

/** Every list answers in this form. */
export type Page<Item> = { items: Item[]; next_cursor?: string | null };
