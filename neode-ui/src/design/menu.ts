import type { Component } from "vue";
import type { RouteLocationRaw } from "vue-router";

/** One line of a menu: it runs something, goes to a page of the node (`to`), or opens another one (`href`). */
export interface MenuItem {
  text: string;
  icon?: Component;
  run?: () => void;
  to?: RouteLocationRaw;
  href?: string;
  disabled?: boolean;
  /** Something may be lost by it. */
  bad?: boolean;
}
