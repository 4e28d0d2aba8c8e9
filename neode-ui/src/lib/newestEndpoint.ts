import { ref, watch } from "vue";
import type { AppStatus, EndpointStatus } from "../api/types";

/** What a switch of an endpoint has answered, until the app's status says it too, a moment later. */
export function useNewestEndpoint(status: () => AppStatus) {
  const turned = ref<EndpointStatus>();
  watch(status, () => (turned.value = undefined));

  return {
    changed: (endpoint: EndpointStatus): void => void (turned.value = endpoint),
    newest: (one: EndpointStatus): EndpointStatus => (turned.value?.name === one.name ? turned.value : one),
  };
}
