/** What is shown of each kind of result: the pictures on the left, the reading on the right. */
import type { ComponentType } from "react";

import type { Result, StudyDetail } from "../api/types";
import { Eyes } from "./Eyes";
import { EyesReading } from "./EyesReading";
import { FindingsReading } from "./FindingsReading";
import { Images } from "./Images";
import type { Kind } from "./kinds";
import type { Question } from "./questions";
import { Reconstruction } from "./Reconstruction";
import { ReconstructionReading } from "./ReconstructionReading";
import { Volumes } from "./Volumes";
import { VolumesReading } from "./VolumesReading";

export type PicturesProps = {
  study: StudyDetail;
  result: Result | null;
  /** The set of images that another part of the page asks for. */
  wanted: string | null;
  want: (set: string) => void;
};
export type ReadingProps = {
  study: StudyDetail;
  result: Result;
  /** All questions of the study, and the way to another one. */
  questions: readonly Question[];
  choose: (slotId: string) => void;
  want: (set: string) => void;
};
type ResultView = { Pictures: ComponentType<PicturesProps>; Reading: ComponentType<ReadingProps> };

export const VIEWS: Readonly<Record<Kind, ResultView>> = {
  eyes: { Pictures: Eyes, Reading: EyesReading },
  volumes: { Pictures: Volumes, Reading: VolumesReading },
  reconstruction: { Pictures: Reconstruction, Reading: ReconstructionReading },
  findings: { Pictures: Images, Reading: FindingsReading },
};
