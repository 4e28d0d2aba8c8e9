import { createPinia } from "pinia";
import { createApp } from "vue";
import { queries } from "./api/queries";
import App from "./App.vue";
import { i18n } from "./i18n";
import "./lib/theme";
import { router } from "./router";
import "./style.css";

queries.mount();
createApp(App).use(createPinia()).use(router).use(i18n).mount("#app");

// Where the browser allows it: by HTTPS that it trusts, or on the node itself.
if (import.meta.env.PROD && "serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
