import { DOMWrapper, mount, type VueWrapper } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { onTestFinished } from "vitest";
import { defineComponent, h, shallowReactive, type Component } from "vue";
import { createMemoryHistory, createRouter, RouterView, type Router } from "vue-router";
import { queries } from "../../src/api/queries";
import { i18n } from "../../src/i18n";
import type { Permission } from "../../src/api/types";
import { useSession } from "../../src/stores/session";
import { login } from "../samples";

/** Starts a page for somebody who may do this. */
export function begin(...permissions: Permission[]): void {
  setActivePinia(createPinia());
  queries.clear();
  useSession().status = login("read", ...permissions);
}

type Props<C> = C extends new (...args: never[]) => { $props: infer P } ? P : never;

export interface Mounted<P> {
  page: VueWrapper;
  router: Router;
  /** Gives the component other properties. */
  give: (props: Partial<P>) => void;
}

/** Shows a component as a page of its own, as `begin` started it, among pages that show nothing, until the test ends. */
export async function mounted<C extends Component>(
  component: C,
  props: Props<C>,
  path = "/",
): Promise<Mounted<Props<C>>> {
  const given = shallowReactive({ ...(props as Record<string, unknown>) });
  const Page = defineComponent(() => () => h(component as Component, { ...given }));
  const Empty = defineComponent(() => () => null);
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: "/:tab?", component: Page },
      { path: "/apps", name: "apps", component: Empty },
      { path: "/apps/:app/:tab?", name: "app", component: Empty },
      { path: "/store", name: "store", component: Empty },
      { path: "/store/:app", name: "plan", component: Empty },
      { path: "/store/bundles/:bundle", name: "bundle", component: Empty },
      { path: "/operations", name: "operations", component: Empty },
      { path: "/system", name: "system", component: Empty },
      { path: "/system/trust", name: "trust", component: Empty },
      { path: "/security", name: "security", component: Empty },
      { path: "/welcome", name: "welcome", component: Empty },
      { path: "/backups", name: "backups", component: Empty },
      { path: "/backups/restore/:app?", name: "restore", component: Empty },
      { path: "/backups/kit", name: "kit", component: Empty },
      { path: "/help/:page?", name: "help", component: Empty },
    ],
  });
  await router.push(path);
  const whole = mount(RouterView, {
    attachTo: document.body,
    global: { plugins: [router, i18n] },
  });
  onTestFinished(() => whole.unmount());
  return {
    page: whole.findComponent(component as Component) as VueWrapper,
    router,
    give: (other) => void Object.assign(given, other),
  };
}

/** Returns what the page says by a key of its messages: tests hold whatever its words are. */
export function words(key: string, about: Record<string, unknown> = {}, count?: number): string {
  return count === undefined ? i18n.global.t(key, about) : i18n.global.t(key, about, count);
}

/** Returns the dialog that is open, which is not in the page's own place. */
export function openDialog(): DOMWrapper<Element> | undefined {
  const found = document.querySelector("[role=alertdialog], [role=dialog]");
  return found ? new DOMWrapper(found) : undefined;
}

/** Returns the button or the link with this text. */
export function button(page: Pick<VueWrapper, "findAll"> | DOMWrapper<Element>, text: string) {
  const found = page.findAll("button, a").filter((each) => each.text() === text);
  if (found.length > 1) throw new Error(`${found.length} buttons say ${text}`);
  return found[0];
}
