import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { createApp } from "vue";
import { queries } from "./api/queries";
import App from "./App.vue";
import { i18n } from "./i18n";
import "./lib/theme";
import { router } from "./router";
import "./style.css";

createApp(App).use(createPinia()).use(VueQueryPlugin, { queryClient: queries }).use(router).use(i18n).mount("#app");
