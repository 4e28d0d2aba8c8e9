import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import vue from "eslint-plugin-vue";
import { defineConfig } from "eslint/config";
import globals from "globals";
import ts from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist/", "node_modules/", "src/api/types.ts"] },
  js.configs.recommended,
  ts.configs.recommended,
  vue.configs["flat/recommended"],
  {
    files: ["**/*.vue"],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      eqeqeq: ["error", "smart"],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // Logs and names come from apps, so the page looks for control characters.
      "no-control-regex": "off",
      // The type checker finds these, and knows the types of the browser.
      "no-undef": "off",
      // `Problem` and `Logo` are clear, and are no elements of HTML.
      "vue/multi-word-component-names": "off",
      // A prop without a value is undefined; TypeScript knows.
      "vue/require-default-prop": "off",
    },
  },
  { files: ["scripts/**", "*.config.*"], languageOptions: { globals: { ...globals.node } } },
  { files: ["public/sw.js"], languageOptions: { globals: { ...globals.serviceworker } } },
  prettier,
);
