/** Viewers that are files of their own: whoever knows that one will be needed loads it ahead. */
import { onDemand } from "../design/onDemand";

export const VolumeViewer = onDemand(() => import("../volume/VolumeViewer"));
