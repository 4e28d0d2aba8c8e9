declare module "virtual:texts/*" {
  interface Texts {
    [key: string]: string | Texts;
  }
  const texts: Texts;
  export default texts;
}
