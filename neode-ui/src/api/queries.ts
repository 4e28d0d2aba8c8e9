import { QueryClient, useQuery } from "@tanstack/vue-query";
import { computed, toValue, type MaybeRefOrGetter } from "vue";
import { call } from "./rpc";
import type { Methods } from "./types";

/** What the node answered lately, shared by all parts of the page; forgotten when somebody logs out. */
export const queries = new QueryClient({
  defaultOptions: { queries: { staleTime: 2_000, retry: false, networkMode: "always", refetchOnWindowFocus: true } },
});

interface Options {
  /** Milliseconds after which it is asked again while the page is in sight; left out for what does not change by itself. */
  every?: number;
  /** Whether it is asked at all. */
  when?: MaybeRefOrGetter<boolean>;
}

/** Asks a method of the node, and keeps its answer up to date for as long as somebody looks. */
export function useNode<M extends keyof Methods>(
  method: M,
  params: MaybeRefOrGetter<Methods[M]["params"]>,
  { every, when = true }: Options = {},
) {
  return useQuery({
    queryKey: computed(() => [method, toValue(params)] as const),
    queryFn: (): Promise<Methods[M]["result"]> =>
      (call as (method: M, params: Methods[M]["params"]) => Promise<Methods[M]["result"]>)(method, toValue(params)),
    refetchInterval: every ?? false,
    enabled: computed(() => toValue(when)),
  });
}
