/** A token of tokens.css, with its value for the light theme. */
export interface Token {
  name: string;
  value: string;
}

/** Returns the tokens of tokens.css, in its order, by what they are. */
export function tokensOf(source: string) {
  const [themed = "", rest = ""] = source.split(/^:root \{$/m);
  const [light = ""] = rest.split(/^:root\[/m);
  const all = read(themed);
  const startingWith = (prefix: string): Token[] => all.filter((one) => one.name.startsWith(prefix));
  return {
    fonts: startingWith("font-"),
    radii: startingWith("radius-"),
    shadows: startingWith("shadow-"),
    animations: startingWith("animate-"),
    /** Sizes of letters, without their line heights. */
    sizes: startingWith("text-").filter((one) => !one.name.includes("--")),
    /** What has a value of its own in each theme; the rest are shadows. */
    colours: read(light).filter((one) => !one.name.endsWith("-shadow")),
  };
}

function read(part: string): Token[] {
  return [...part.matchAll(/^ {2}--([\w-]+):\s*([^;]+);/gm)].map(([, name = "", value = ""]) => ({ name, value }));
}
