/// <reference types="vitest/config" />
import tailwindcss from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import { guide } from "./scripts/guide.ts";
import { texts } from "./scripts/texts.ts";

const NODE = "http://127.0.0.1:8480";

export default defineConfig({
  plugins: [texts(), guide(), vue(), tailwindcss()],
  build: {
    target: "es2022",
    assetsDir: "assets",
    // Inlined data would need a wider content security policy.
    assetsInlineLimit: 0,
    sourcemap: false,
    modulePreload: { polyfill: false },
  },
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __INTLIFY_JIT_COMPILATION__: true,
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  test: {
    // All tests that need no browser share a process, and all others another one with one stand-in for the browser: to start
    // them for each file takes longer than its tests do.
    isolate: false,
    testTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "plain", include: ["tests/*.test.ts"] } },
      { extends: true, test: { name: "page", include: ["tests/page/*.test.ts"], environment: "happy-dom" } },
    ],
  },
  server: {
    fs: { allow: [".", "../docs/guide", "../src/archipelago/support/texts/translations"] },
    proxy: {
      "/rpc": NODE,
      "/icons": NODE,
      "/screenshots": NODE,
      "/ws": { target: NODE, ws: true },
      "/terminal": { target: NODE, ws: true },
    },
  },
});
