import { describe, expect, it } from "vitest";
import { inOrder, segments } from "../src/lib/timeline";

describe("segments", () => {
  it("knows nothing where nothing has changed ever", () => {
    expect(segments([], 0, 100)).toEqual([{ share: 1, state: undefined }]);
  });

  it("begins with how it was before the span", () => {
    const changes = [
      { at: 0, state: "starting" as const },
      { at: 50, state: "healthy" as const },
    ];
    expect(segments(changes, 100, 200)).toEqual([{ share: 1, state: "healthy" }]);
  });

  it("does not know how it was before the first change", () => {
    expect(segments([{ at: 75, state: "healthy" }], 0, 100)).toEqual([
      { share: 0.75, state: undefined },
      { share: 0.25, state: "healthy" },
    ]);
  });

  it("cuts at the changes within the span, in whatever order they come", () => {
    const changes = [
      { at: 190, state: "healthy" as const },
      { at: 120, state: "failed" as const },
      { at: 20, state: "healthy" as const },
      { at: 170, state: "starting" as const },
    ];
    expect(segments(changes, 100, 200)).toEqual([
      { share: 0.2, state: "healthy" },
      { share: 0.5, state: "failed" },
      { share: 0.2, state: "starting" },
      { share: 0.1, state: "healthy" },
    ]);
    expect(changes.map((one) => one.at)).toEqual([190, 120, 20, 170]);
  });

  it("takes a change at its begin for how it began, and leaves out what comes at its end or later", () => {
    const changes = [
      { at: 100, state: "healthy" as const },
      { at: 200, state: "failed" as const },
      { at: 300, state: "stopped" as const },
    ];
    expect(segments(changes, 100, 200)).toEqual([{ share: 1, state: "healthy" }]);
  });

  it("leaves out what lasted no time", () => {
    const changes = [
      { at: 50, state: "stopping" as const },
      { at: 50, state: "stopped" as const },
    ];
    expect(segments(changes, 0, 100)).toEqual([
      { share: 0.5, state: undefined },
      { share: 0.5, state: "stopped" },
    ]);
    expect(segments(changes, 100, 100)).toEqual([]);
  });
});

describe("a clock that was set back", () => {
  it("does not put what was before it behind what came after it", () => {
    const hour = 3_600_000;
    // Newest first, as the node lists them: the two oldest were dated by a clock that was eight hours ahead.
    const listed = [
      { at: 10 * hour, state: "healthy" as const },
      { at: 17.5 * hour, state: "failed" as const },
      { at: 17 * hour, state: "healthy" as const },
    ];
    expect(inOrder(listed)).toEqual([
      { at: 10 * hour, state: "healthy" },
      { at: 10 * hour, state: "failed" },
      { at: 10 * hour, state: "healthy" },
    ]);
    expect(segments(inOrder(listed), 10 * hour, 12 * hour)).toEqual([{ share: 1, state: "healthy" }]);
  });
});
