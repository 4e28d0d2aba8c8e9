import tailwindcss from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [vue(), tailwindcss()],
  build: {
    target: "es2022",
    assetsDir: "assets",
    // Inlined data would need a wider content security policy.
    assetsInlineLimit: 0,
    sourcemap: false,
    modulePreload: { polyfill: false },
  },
  define: { __VUE_OPTIONS_API__: false, __VUE_PROD_DEVTOOLS__: false, __INTLIFY_JIT_COMPILATION__: true },
  server: { proxy: { "/rpc": "http://127.0.0.1:8480", "/ws": { target: "ws://127.0.0.1:8480", ws: true } } },
});
