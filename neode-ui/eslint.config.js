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
/** Sizes of letters that are not in the scale: `text-[0.8rem]`, and those that Tailwind brings along. */
const LETTERS = "/(^|[\\s:!])text-(\\[(?!color:)|\\(length:|(xs|sm|base|lg|xl|[2-9]xl)(?![\\w-]))/";

/** Refuses texts in scripts and in templates, also where a class depends on something. */
const refused = (texts, message) => ({
  script: ["Literal[value", "TemplateElement[value.raw"].map((of) => ({ selector: `${of}=${texts}]`, message })),
  attribute: { selector: `VLiteral[value=${texts}]`, message },
});
const NO_LETTERS = refused(LETTERS, "Name a size of the scale in src/design/styles/tokens.css.");
const NO_COLOUR = refused(COLOUR, "Name a token of src/design instead of a colour.");
const restricted = (...rules) => ({
  "no-restricted-syntax": ["error", ...rules.flatMap((one) => one.script)],
  "vue/no-restricted-syntax": ["error", ...rules.flatMap((one) => [...one.script, one.attribute])],
});

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
  { files: ["src/**"], rules: restricted(NO_LETTERS) },
  {
    files: ["tests/**"],
    ignores: ["tests/until.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "vi", property: "waitFor", message: "It gives up after a second; use `until` of tests/until.ts." },
      ],
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
      ...restricted(NO_LETTERS, NO_COLOUR),
    },
  },
  { files: ["scripts/**", "*.config.*"], languageOptions: { globals: { ...globals.node } } },
  { files: ["public/sw.js"], languageOptions: { globals: { ...globals.serviceworker } } },
  prettier,
);
