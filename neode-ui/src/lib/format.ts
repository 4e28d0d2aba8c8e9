/** Returns a number of bytes for people, in binary units. */
export function bytes(count: number, locale: string): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = value < 10 && unit > 0 ? 1 : 0;
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

/** Returns how long ago a moment was, or how far away it is, in words. */
export function ago(moment: string | null, locale: string, now = Date.now()): string {
  if (!moment) return "";
  const seconds = (new Date(moment).getTime() - now) / 1000;
  const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const steps: Array<[number, Intl.RelativeTimeFormatUnit]> = [
    [60, "second"],
    [3600, "minute"],
    [86400, "hour"],
    [Infinity, "day"],
  ];
  const sizes = [1, 60, 3600, 86400];
  const at = steps.findIndex(([limit]) => Math.abs(seconds) < limit);
  return words.format(Math.round(seconds / (sizes[at] ?? 1)), steps[at]?.[1] ?? "day");
}

/** Returns a moment, in the owner's own time zone. */
export function moment(text: string | null, locale: string): string {
  if (!text) return "";
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(text));
}

// eslint-disable-next-line no-control-regex
const CONTROL = /\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Returns a text of an app's without what would move a cursor, or turn the direction of what follows. */
export function plain(text: string): string {
  return text.replace(CONTROL, "");
}
