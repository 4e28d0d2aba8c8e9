/** Returns the language as it is spoken where the browser is at home: in Britain, the day comes before the month. */
function regional(language: string): string {
  return navigator.languages.find((each) => each.slice(0, 2) === language) ?? language;
}

/** Makes a formatter once for each language: that takes longer than to use it a thousand times. */
function perLocale<T>(make: (locale: string) => T): (locale: string) => T {
  const made = new Map<string, T>();
  return (locale) => {
    const known = made.get(locale) ?? make(regional(locale));
    made.set(locale, known);
    return known;
  };
}

const whole = perLocale((locale) => new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }));
const tenths = perLocale((locale) => new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }));
/** By language and digits after the point, such as `de 1`. */
const shares = perLocale((key) => {
  const [locale = "en", digits = "0"] = key.split(" ");
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: Number(digits) });
});
const relative = perLocale((locale) => new Intl.RelativeTimeFormat(locale, { numeric: "auto" }));
const timed = perLocale((locale) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" }));
const weekday = perLocale((locale) => new Intl.DateTimeFormat(locale, { weekday: "long" }));
const day = perLocale((locale) => new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" }));
const dayLong = perLocale(
  (locale) => new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" }),
);
const dayWithYear = perLocale(
  (locale) => new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
);
const toMinute = perLocale((locale) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }));
const dated = perLocale((locale) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }));

/** By language and unit, such as `de minute`. */
const brief = perLocale((key) => {
  const [locale = "en", unit] = key.split(" ");
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" });
});

/** Returns a number of bytes for people, in binary units. */
export function bytes(count: number, locale: string): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const shown = value < 10 && unit > 0 ? tenths(locale) : whole(locale);
  return `${shown.format(value)} ${units[unit]}`;
}

/** Returns a number of per cent as a language writes it: `3.1%`, or `3,1 %`. */
export function percent(value: number, locale: string, digits = 0): string {
  return shares(`${locale} ${digits}`).format(value / 100);
}

/** Returns how long ago a moment was, or how far away it is, in words. */
export function ago(moment: string | null, locale: string, now = Date.now()): string {
  if (!moment) return "";
  const seconds = (new Date(moment).getTime() - now) / 1000;
  const words = relative(locale);
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

/** Returns how long ago a moment was, as briefly as can be: `4 min`. */
export function age(moment: string, locale: string, now = Date.now()): string {
  const minutes = Math.max(0, (now - new Date(moment).getTime()) / 60_000);
  const [value, unit] =
    minutes < 120 ? [minutes, "minute"] : minutes < 2880 ? [minutes / 60, "hour"] : [minutes / 1440, "day"];
  return brief(`${locale} ${unit}`).format(Math.round(value as number));
}

/** Returns a date and a time to the minute. */
export function minute(text: string, locale: string): string {
  return toMinute(locale).format(new Date(text));
}

/** Returns a moment, in the owner's own time zone. */
export function moment(text: string | null, locale: string): string {
  if (!text) return "";
  return dated(locale).format(new Date(text));
}

/** Returns a day (its midnight, in milliseconds since 1970) as one would say it: today, yesterday, or with its date. */
export function dayWords(midnight: number, locale: string, now = Date.now()): string {
  // Rounded: a day of a change to summer time has 23 hours.
  const days = Math.round((midnight - new Date(now).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0 || days === -1) return relative(locale).format(days, "day");
  const thisYear = new Date(midnight).getFullYear() === new Date(now).getFullYear();
  return (thisYear ? dayLong : dayWithYear)(locale).format(midnight);
}

/** Returns since when something is so, as one would say it: a time today, a weekday of the last six days, or a date. */
export function since(text: string, locale: string, now = Date.now()): { kind: "time" | "day"; when: string } {
  const at = new Date(text);
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (at.getTime() >= midnight) return { kind: "time", when: timed(locale).format(at) };
  return { kind: "day", when: (at.getTime() >= midnight - 6 * 86_400_000 ? weekday : day)(locale).format(at) };
}

/** Returns the time of day of a moment (milliseconds since 1970), in hours and minutes. */
export function clock(at: number, locale: string): string {
  return timed(locale).format(at);
}

/** Returns a time span in words, rounded to its largest unit. */
export function span(seconds: number, locale: string): string {
  const [value, unit] =
    seconds < 90
      ? [seconds, "second"]
      : seconds < 5400
        ? [seconds / 60, "minute"]
        : seconds < 172_800
          ? [seconds / 3600, "hour"]
          : [seconds / 86_400, "day"];
  const words = new Intl.NumberFormat(locale, { style: "unit", unit: unit as string, unitDisplay: "long" });
  return words.format(Math.max(1, Math.round(value as number)));
}

const CONTROL =
  /\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Returns a text of an app's without what would move a cursor, or turn the direction of what follows. */
export function plain(text: string): string {
  return text.replace(CONTROL, "");
}
