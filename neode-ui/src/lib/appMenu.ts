import { ArrowUpCircle, FileText, Info, Play, RotateCw, SquareTerminal, Square, Store, Trash2 } from "@lucide/vue";
import { useI18n } from "vue-i18n";
import type { AppStatus, AppSummary, Operation } from "../api/types";
import { containers } from "../container-client";
import type { MenuItem } from "../design/menu";
import { useSession } from "../stores/session";

type Act = (work: () => Promise<Operation>) => unknown;
type MenuLines = Array<MenuItem | "separator">;

/** Returns what makes the menu of an app, of what its owner may do; `act` does it. */
export function useAppMenu(act: Act) {
  const { t } = useI18n();
  const session = useSession();

  function changes({ app, desired, operation }: AppSummary | AppStatus): MenuLines {
    if (!session.may("operate")) return [];
    const disabled = operation !== null;
    const start = { text: t("apps.start"), icon: Play, disabled, run: () => act(() => containers.start(app)) };
    const restart = {
      text: t("apps.restart"),
      icon: RotateCw,
      disabled,
      run: () => act(() => containers.restart(app)),
    };
    const stop = { text: t("apps.stop"), icon: Square, disabled, run: () => act(() => containers.stop(app)) };
    return desired === "stopped" ? [start] : [restart, stop];
  }

  /** The menu on the app's page. */
  function onPage(app: AppStatus): MenuLines {
    const to = (tab: string) => ({ name: "app", params: { app: app.app, tab } });
    const { update_to: version } = app;
    const update: MenuLines =
      version !== null && session.may("manage")
        ? [
            {
              text: t("app.update", { version }),
              icon: ArrowUpCircle,
              disabled: app.operation !== null,
              run: () => act(() => containers.update(app.app)),
            },
          ]
        : [];
    const terminal = session.may("execute")
      ? [{ text: t("app.terminal"), icon: SquareTerminal, to: to("terminal") }]
      : [];
    const remove: MenuLines = session.may("manage")
      ? ["separator", { text: t("app.removeDots"), icon: Trash2, to: to("danger"), bad: true }]
      : [];
    return [
      ...[...changes(app), ...update],
      ...(session.may("operate") ? (["separator"] as const) : []),
      ...terminal,
      { text: t("app.inStore"), icon: Store, to: { name: "plan", params: { app: app.app } } },
      ...remove,
    ];
  }

  /** The menu in a list of apps. */
  function inList(app: AppSummary): MenuLines {
    const to = (tab?: string) => ({ name: "app", params: { app: app.app, tab } });
    return [
      { text: t("apps.detailsShort"), icon: Info, to: to() },
      { text: t("app.logs"), icon: FileText, to: to("logs") },
      ...(session.may("operate") ? (["separator"] as const) : []),
      ...changes(app),
    ];
  }

  return { onPage, inList };
}
