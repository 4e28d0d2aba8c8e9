import { defineStore } from "pinia";
import { ref } from "vue";

/** What is open over the page, whichever it is: the search over everything, and what needs attention. */
export const useShell = defineStore("shell", () => ({ search: ref(false), notices: ref(false) }));
