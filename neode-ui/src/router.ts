import { nextTick } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import { checkFreshness } from "./api/freshness";
import { useSession } from "./stores/session";
import HomeView from "./views/HomeView.vue";

declare module "vue-router" {
  interface RouteMeta {
    /** Key of the page's name in the messages. */
    title: string;
    /** Whether it is shown without a login. */
    open?: boolean;
    /** Whether it is shown alone, without the menu. */
    plain?: boolean;
  }
}

/** Not so in the build for nodes, which is made without that branch. */
const DEVELOPING = import.meta.env.DEV || import.meta.env.MODE === "design";
const SHOWN_TO_DEVELOPERS = { title: "", open: true, plain: true };

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (to, _from, saved) => saved ?? (to.hash ? undefined : { top: 0 }),
  routes: [
    { path: "/", name: "home", component: HomeView, meta: { title: "nav.home" } },
    { path: "/apps", name: "apps", component: () => import("./views/ContainerApps.vue"), meta: { title: "nav.apps" } },
    {
      path: "/apps/:app/:tab?",
      name: "app",
      component: () => import("./views/ContainerAppDetails.vue"),
      meta: { title: "nav.apps" },
    },
    { path: "/store", name: "store", component: () => import("./views/StoreView.vue"), meta: { title: "nav.store" } },
    {
      path: "/store/:app",
      name: "plan",
      component: () => import("./views/PlanView.vue"),
      meta: { title: "nav.store" },
    },
    {
      path: "/store/bundles/:bundle",
      name: "bundle",
      component: () => import("./views/BundleView.vue"),
      meta: { title: "nav.store" },
    },
    {
      path: "/operations",
      name: "operations",
      component: () => import("./views/OperationsView.vue"),
      meta: { title: "nav.operations" },
    },
    {
      path: "/backups",
      name: "backups",
      component: () => import("./views/BackupsView.vue"),
      meta: { title: "nav.backups" },
    },
    {
      path: "/backups/restore/:app?",
      name: "restore",
      component: () => import("./views/RestoreView.vue"),
      meta: { title: "restore.title" },
    },
    {
      path: "/backups/kit",
      name: "kit",
      component: () => import("./views/KitView.vue"),
      meta: { title: "kit.title", plain: true },
    },
    {
      path: "/security",
      name: "security",
      component: () => import("./views/SecurityView.vue"),
      meta: { title: "nav.security" },
    },
    {
      path: "/system",
      name: "system",
      component: () => import("./views/SystemView.vue"),
      meta: { title: "nav.system" },
    },
    {
      path: "/system/trust",
      name: "trust",
      component: () => import("./views/TrustView.vue"),
      meta: { title: "trust.title" },
    },
    {
      path: "/help/:page?",
      name: "help",
      component: () => import("./views/HelpView.vue"),
      meta: { title: "help.title" },
    },
    {
      path: "/welcome",
      name: "welcome",
      component: () => import("./views/WelcomeView.vue"),
      meta: { title: "welcome.title", plain: true },
    },
    {
      path: "/enter",
      name: "enter",
      component: () => import("./views/EnterView.vue"),
      meta: { title: "enter.title", plain: true },
    },
    {
      path: "/login",
      name: "login",
      component: () => import("./views/LoginView.vue"),
      meta: { title: "login.title", open: true },
    },
    ...(DEVELOPING
      ? [{ path: "/design", component: () => import("./design/page/DesignView.vue"), meta: SHOWN_TO_DEVELOPERS }]
      : []),
    { path: "/:rest(.*)*", redirect: "/" },
  ],
});

router.beforeEach(async (to) => {
  const session = useSession();
  await session.know();
  if (!to.meta.open && !session.inside) return { name: "login", query: { to: to.fullPath } };
  if (to.name === "login" && session.inside) return { name: "home" };
  return true;
});

// A part of the page that cannot be fetched: the node may serve a newer one by now.
router.onError(() => void checkFreshness());

// Who listens or uses the keyboard begins at the top of each page, like everybody else; a tab of a page is none.
router.afterEach(async (to, from) => {
  if (!from.name || to.path === from.path) return;
  await nextTick();
  const another = to.name !== from.name || to.params.app !== from.params.app;
  if (another || document.activeElement === document.body)
    document.getElementById("content")?.focus({ preventScroll: true });
});
