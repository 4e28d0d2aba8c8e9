import { drawn, type Wanted } from "./drawn";
import type { Earlier } from "./layout";

self.onmessage = ({ data }: MessageEvent<{ number: number; wanted: Wanted; before?: Earlier }>) =>
  self.postMessage({ number: data.number, drawn: drawn(data.wanted, data.before) });
