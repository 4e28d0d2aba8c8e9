import { describe, expect, it } from "vitest";
import { nextTick, ref } from "vue";
import { useStrength } from "../src/lib/strength";
import { until } from "./until";

describe("useStrength", () => {
  it("knows common passwords, and that words without a connection are strong", async () => {
    const password = ref("");
    const strength = useStrength(password);
    const judged = async (typed: string) => {
      password.value = typed;
      await nextTick();
      await until(() => expect(strength.value).toBeDefined());
      return strength.value;
    };
    expect(await judged("password123")).toBeLessThanOrEqual(1);
    password.value = "";
    await nextTick();
    expect(strength.value).toBeUndefined();
    expect(await judged("orbit lantern mossy cardigan")).toBe(4);
    password.value = "";
    await nextTick();
    expect(await judged("a1".repeat(400))).toBeLessThanOrEqual(2);
  });
});
