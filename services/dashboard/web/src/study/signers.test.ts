import { describe, expect, test } from "vitest";

import type { Result, Review, Slot } from "../api/types";
import { awaits, signatures, signingAction, words } from "./signers";

const result = { id: "result-1" } as Result;
const review = (user: string, action: Review["action"], part: Partial<Review> = {}): Review =>
  ({ user: { id: user, name: user }, action, result_id: "result-1", ...part }) as Review;
const slot = (state: Slot["review_state"]): Slot =>
  ({ review_state: state, second_read: { reason: "share", blinded: false, first_reader_id: "ann" } }) as Slot;
const ann = review("ann", "sign");
const bob = review("bob", "sign");

test("a signature that was taken back stands no more, and a draft never did", () => {
  expect(signatures([review("ann", "draft"), ann, bob, review("bob", "undo")])).toEqual([ann]);
});

test("each reader has one word, and an adjudication takes the place of those before it", () => {
  const amended = review("ann", "amend");
  expect(words([ann, amended, bob])).toEqual([amended, bob]);
  const decided = review("cid", "adjudicate");
  expect(words([ann, bob, decided])).toEqual([decided]);
});

describe("how a signature is written", () => {
  test("the first one is a signature", () => {
    expect(signingAction(result, [], "ann", null)).toBe("sign");
    expect(signingAction(result, [review("bob", "draft")], "ann", null)).toBe("sign");
  });

  test("one's own is amended, another reader's is decided on", () => {
    expect(signingAction(result, [ann], "ann", null)).toBe("amend");
    expect(signingAction(result, [ann], "bob", null)).toBe("adjudicate");
  });

  test("a newer result beside a signed one is signed afresh", () => {
    expect(signingAction({ ...result, id: "result-2" }, [ann], "ann", null)).toBe("sign");
  });

  test("the second reader signs, and the first amends meanwhile", () => {
    expect(signingAction(result, [ann], "bob", slot("second_read"))).toBe("sign");
    expect(signingAction(result, [ann], "ann", slot("second_read"))).toBe("amend");
  });

  test("between two a third decides, and neither of the two writes any more", () => {
    const both = [ann, bob];
    const actions = ["ann", "bob", "cid"].map((user) => signingAction(result, both, user, slot("adjudication")));
    expect(actions).toEqual([null, null, "adjudicate"]);
    const newer = ["ann", "cid"].map((user) => signingAction({ ...result, id: "2" }, both, user, slot("adjudication")));
    expect(newer).toEqual([null, "adjudicate"]);
  });

  test("what a third has decided on another result is not opened again by who signed this one", () => {
    const decided = [ann, bob, review("cid", "adjudicate", { result_id: "result-2" })];
    const actions = ["ann", "cid", "dot"].map((user) => signingAction(result, decided, user, slot("signed")));
    expect(actions).toEqual([null, "sign", "sign"]);
    const newer = ["ann", "cid"].map((user) => signingAction({ ...result, id: "3" }, decided, user, slot("signed")));
    expect(newer).toEqual([null, "sign"]);
  });

  test("what two have settled is the newest reader's to amend and a third one's to decide", () => {
    const actions = ["ann", "bob", "cid"].map((user) => signingAction(result, [ann, bob], user, slot("signed")));
    expect(actions).toEqual([null, "amend", "adjudicate"]);
  });
});

test("a reading waits for who has not signed it, until it is settled", () => {
  expect(awaits([ann], "ann", slot("second_read"))).toBe(false);
  expect(awaits([ann], "bob", slot("second_read"))).toBe(true);
  expect(awaits([ann, bob], "cid", slot("signed"))).toBe(false);
  expect(awaits([], "ann", null)).toBe(true);
});
