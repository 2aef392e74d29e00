import { QueryClient } from "@tanstack/react-query";
import { expect, it } from "vitest";

import { listsVolumes } from "./opening";

it("knows from the worklist alone which study holds a volume", () => {
  const client = new QueryClient();
  expect(listsVolumes(client)).toBe(false);
  const items = [
    { id: "eye", pipeline: "retinopathy" },
    { id: "head", pipeline: "segmentation" },
    { id: "nothing", pipeline: null },
  ];
  client.setQueryData(["worklist", "rows", {}], { pages: [{ items }], pageParams: [null] });
  expect([listsVolumes(client), listsVolumes(client, "head"), listsVolumes(client, "eye")]).toEqual([true, true, false]);
});
