/**
 * Writes the page's fonts into src/design/fonts/: only the characters and weights that it uses, about a third of what the
 * packages bring. Other scripts (Japanese) fall back to the fonts of the system.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import subsetFont from "subset-font";

const FROM = new URL("../node_modules/@fontsource-variable/", import.meta.url);
const TO = new URL("../src/design/fonts/", import.meta.url);

/** First and last code point of what is kept: Latin 1, Œ, dashes and quotes, €, ₿, arrows, and signs of comparison. */
const RANGES = [
  [0x20, 0x7e],
  [0xa0, 0xff],
  [0x152, 0x153],
  [0x2010, 0x2027],
  [0x202f, 0x203a],
  [0x20ac, 0x20ac],
  [0x20bf, 0x20bf],
  [0x2190, 0x2193],
  [0x2212, 0x2212],
  [0x2248, 0x2265],
];
const ASCII = [[0x20, 0x7e]];

/** What each file contains: its package, its characters, and the range of its weights. */
const FONTS = [
  { file: "inter.woff2", from: "inter/files/inter-latin-wght-normal.woff2", ranges: RANGES, wght: [400, 650] },
  { file: "sora.woff2", from: "sora/files/sora-latin-wght-normal.woff2", ranges: RANGES, wght: [600, 600] },
  {
    file: "jetbrains-mono.woff2",
    from: "jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
    ranges: ASCII,
    wght: [400, 600],
  },
];

const characters = (ranges) =>
  ranges.map(([first, last]) =>
    String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, at) => first + at)),
  );

await mkdir(TO, { recursive: true });
for (const { file, from, ranges, wght } of FONTS) {
  const [min, max] = wght;
  const made = await subsetFont(await readFile(new URL(from, FROM)), characters(ranges).join(""), {
    targetFormat: "woff2",
    variationAxes: { wght: min === max ? min : { min, max } },
  });
  await writeFile(new URL(file, TO), made);
  console.log(`${file}: ${made.length} bytes`);
}
