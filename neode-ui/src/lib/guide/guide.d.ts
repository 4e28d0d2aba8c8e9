declare module "virtual:guide" {
  import type { Heading } from "./headings";
  const pages: ReadonlyArray<{ page: string; title: string; headings: readonly Heading[] }>;
  export default pages;
}
