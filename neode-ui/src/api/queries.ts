import { notifyManager, QueryClient, useQuery, type Query } from "@tanstack/vue-query";
import { computed, toValue, type MaybeRefOrGetter, type Ref } from "vue";
import { call } from "./rpc";
import type { Methods } from "./types";

/** What the node answered lately, shared by all parts of the page; forgotten when somebody logs out. */
export const queries = new QueryClient({
  defaultOptions: { queries: { retry: false, networkMode: "always" } },
});
// Vue gathers what changes; a timer would show answers later, and much later in a tab behind others.
notifyManager.setScheduler((work) => work());

/** What an event of an app may have changed. */
const CHANGED_BY_EVENTS: ReadonlySet<unknown> = new Set<keyof Methods>([
  "container-status",
  "data-contested",
  "health-history",
  "operation-list",
]);

/** Milliseconds. */
const KEPT = 300_000;

interface Options {
  /** Milliseconds after which it is asked again while the page is in sight; left out for what does not change by itself. */
  every?: number;
  /** Whether it is asked by itself. */
  when?: MaybeRefOrGetter<boolean>;
}

/** Asks a method of the node, and keeps its answer up to date for as long as somebody looks. */
export function useNode<M extends keyof Methods>(
  method: M,
  params: MaybeRefOrGetter<Methods[M]["params"]>,
  { every, when = true }: Options = {},
) {
  const key = computed(() => [method, toValue(params)] as const);
  const query = useQuery(
    {
      queryKey: key,
      queryFn: ({ queryKey }): Promise<Methods[M]["result"]> =>
        (call as (...given: typeof queryKey) => Promise<Methods[M]["result"]>)(...queryKey),
      refetchInterval: every ?? false,
      // Only a figure may be shown a little old to whoever comes back.
      gcTime: every ? KEPT : 0,
      enabled: computed(() => toValue(when)),
      shallow: true,
    },
    queries,
  );
  /** Why there is no newer answer, until one comes; what was found before stays. */
  const failure = computed<unknown>((before) =>
    query.isLoading.value && query.errorUpdateCount.value ? before : (query.error.value ?? undefined),
  );
  const here = () => queries.getQueryCache().find({ queryKey: key.value });
  /** Asks again; throws nothing. */
  const look = (): Promise<void> => afresh(here(), () => query.refetch({ cancelRefetch: false }));
  /** Drops what was found, and what is under way. */
  const forget = (): void => here()?.reset();
  const found: Readonly<Ref<Methods[M]["result"] | undefined>> = query.data;
  return { found, failure, look, forget };
}

/** Asks once more after what is under way, which may tell of the past. */
async function afresh(query: Query | undefined, ask: () => Promise<unknown>): Promise<void> {
  const late = query?.state.fetchStatus === "fetching";
  await ask();
  if (late) await ask();
}

/** Asks again for what an event of an app, or of all apps, may have changed, and for what failed; in a tab behind others later. */
export function renew(app: string | null): void {
  const isMeant = ({ queryKey: [method, params], state }: Query): boolean => {
    const of = (params as { app?: string } | undefined)?.app;
    return state.status === "error" || (CHANGED_BY_EVENTS.has(method) && (!app || !of || of === app));
  };
  for (const one of queries.getQueryCache().findAll({ type: "active", predicate: isMeant })) {
    if (document.hidden) one.invalidate();
    else void afresh(one, () => one.fetch(undefined, { cancelRefetch: false }).catch(() => {}));
  }
}

/** Asks again for everything in view, once the node is back: what is under way may never be answered. */
export async function askAgain(): Promise<void> {
  await queries.cancelQueries();
  await queries.refetchQueries({ type: "active" });
}

/** Drops every answer, and what is under way: whoever logs in next sees none of it. */
export function forgetAnswers(): void {
  for (const one of queries.getQueryCache().getAll()) one.reset();
}
