import { defineStore } from "pinia";
import { ref } from "vue";

/** Whether the search over everything is open. */
export const useSearch = defineStore("search", () => ({ open: ref(false) }));
