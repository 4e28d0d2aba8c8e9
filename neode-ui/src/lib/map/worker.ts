import { drawn, type Wanted } from "./drawn";

self.onmessage = ({ data }: MessageEvent<{ number: number; wanted: Wanted }>) =>
  self.postMessage({ number: data.number, drawn: drawn(data.wanted) });
