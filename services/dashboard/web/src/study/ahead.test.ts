import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test } from "vitest";

import type { Result, StudyDetail } from "../api/types";
import { leaveBehind, wanted } from "./ahead";

const MEBIBYTE = 1024 ** 2;
const artifact = (name: string, kind: string, bytes = 1) => ({ name, kind, bytes, media_type: "image/png" });
const study = (pipeline: string, artifacts: ReturnType<typeof artifact>[]): StudyDetail => {
  const result = {
    id: "r",
    slot_id: "s",
    pipeline,
    role: "live",
    current: true,
    proposed: false,
    job_id: "j",
    images: [],
    receipt: {},
    artifacts,
  } as unknown as Result;
  const instances = ["L", "R"].map((laterality) => ({
    id: `i-${laterality}`,
    sop_instance_uid: laterality,
    laterality,
    rows: 1000,
    columns: 1000,
    conflict: false,
  }));
  const series = [{ id: "e", modality: "OP", laterality: null, derived_from: null, description: null, instances }];
  return { jobs: [], results: [result], reviews: [], slots: [], series } as unknown as StudyDetail;
};

test("of photographs both eyes are fetched at the width of this page, and what lies over them", () => {
  const { pictures, files } = wanted(study("retinopathy", [artifact("L.png", "heatmap"), artifact("L.npy", "map")]), 512);
  expect(pictures).toEqual([
    "/api/v1/instances/i-R/rendered?width=512",
    "/api/v1/instances/i-L/rendered?width=512",
    "/api/v1/results/r/artifacts/L.png",
  ]);
  expect(files).toEqual([{ resultId: "r", name: "L.npy" }]);
});

test("of volumes the picture that is shown first, and the volume with its outlines", () => {
  const made = [artifact("preview.png", "preview"), artifact("volume.nii.gz", "volume"), artifact("x.dcm", "sr")];
  const { pictures, files } = wanted(study("segmentation", made), 512);
  expect(pictures).toEqual(["/api/v1/results/r/artifacts/preview.png"]);
  expect(files.map((file) => file.name)).toEqual(["volume.nii.gz"]);
});

test("what is too large is left until somebody opens the study", () => {
  const made = [artifact("volume.nii.gz", "volume", 65 * MEBIBYTE)];
  expect(wanted(study("segmentation", made), 512).files).toEqual([]);
});

test("studies that are neither shown nor next are left behind, with their files, unless one is on its way", () => {
  const client = new QueryClient();
  const kept = [["study", "shown"], ["study", "next"], ["artifact", "next's", "map"], ["worklist"]];
  for (const key of [["study", "left"], ["study", "left", "priors"], ["artifact", "left's", "map"], ...kept]) {
    client.setQueryData(key, {});
  }
  const coming = ["artifact", "shown's", "volume"];
  void client.prefetchQuery({ queryKey: coming, queryFn: () => new Promise(() => undefined) });
  const shown = new QueryObserver(client, { queryKey: ["study", "shown"], queryFn: () => ({}), staleTime: Infinity });
  const stop = shown.subscribe(() => undefined);
  leaveBehind(client, "next", [{ resultId: "next's", name: "map" }]);
  stop();
  const held = client.getQueryCache().getAll();
  expect(held.map(({ queryKey }) => queryKey)).toEqual([...kept, coming]);
});
