import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import vue from "eslint-plugin-vue";
import { defineConfig } from "eslint/config";
import globals from "globals";
import ts from "typescript-eslint";

/** A size in pixels, as in `w-[12px]`, and the colours that Tailwind brings along. */
const PIXELS = "/\\[[^\\]]*\\dpx/";
const PALETTE = "/(^|[:!])[a-z]+-(black|white|[a-z]+-(50|[1-9]00|950))(\\/|$)/";
/** Sides of the screen, where those of the direction of writing are meant: `ms-`, `pe-`, `start-`, `text-start`. */
const SIDES = "/(^|[:!-])(ml|mr|pl|pr|left|right)-(?!1\\/2)|(^|[:!])text-(left|right)$/";
const COLOUR = "/#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})(?![\\w-])|\\b(rgb|hsl|hwb|lab|lch|oklab|oklch)a?\\(/i";
const NO_COLOUR = "Name a token of src/design instead of a colour.";
const COLOURS = ["Literal[value", "TemplateElement[value.raw"].map((of) => ({
  selector: `${of}=${COLOUR}]`,
  message: NO_COLOUR,
}));

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
  {
    // Controls, colours and sizes are those of src/design.
    files: ["src/**"],
    ignores: ["src/design/**"],
    rules: {
      "vue/no-restricted-html-elements": [
        "error",
        ...["button", "details", "dialog", "input", "select", "textarea"].map((element) => ({
          element,
          message: `Use a component of src/design instead of <${element}>.`,
        })),
      ],
      "vue/no-restricted-class": ["error", "button", "field", PIXELS, PALETTE, SIDES],
      "no-restricted-syntax": ["error", ...COLOURS],
      "vue/no-restricted-syntax": ["error", ...COLOURS, { selector: `VLiteral[value=${COLOUR}]`, message: NO_COLOUR }],
    },
  },
  { files: ["scripts/**", "*.config.*"], languageOptions: { globals: { ...globals.node } } },
  { files: ["public/sw.js"], languageOptions: { globals: { ...globals.serviceworker } } },
  prettier,
);
