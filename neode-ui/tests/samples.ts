import type {
  AppResources,
  AppStatus,
  AppSummary,
  CatalogEntry,
  EndpointStatus,
  Entered,
  Event,
  LogLine,
  LoginStatus,
  Notice,
  Operation,
  OptionView,
  Permission,
  Plan,
  PlannedApp,
  Step,
  Sync,
  SystemInfo,
} from "../src/api/types";

const WHEN = "2026-01-01T00:00:00Z";

/** Makes ones of a kind that differ from an ordinary one in what a test is about. */
function like<T>(ordinary: T): (own?: Partial<T>) => T {
  return (own) => ({ ...ordinary, ...own });
}

export const summary = like<AppSummary>({
  app: "bitcoin-knots",
  name: "Bitcoin Knots",
  icon: null,
  version: "29.1",
  desired: "running",
  state: "healthy",
  reason: "",
  percent: null,
  chain: null,
  follows_chain: false,
  funds: false,
  trouble: "",
  endpoints: [],
  operation: null,
  category: "bitcoin",
  uses: [],
  traffic: null,
});

export const notice = like<Notice>({
  id: "finding:swap-0011",
  said: "0123456789abcdef",
  level: "warning",
  kind: "finding",
  cause: "host:swap",
  app: null,
  name: "",
  text: "no swap",
  detail: "",
  consequence: "",
  mend: "",
  suggests: null,
  operation: null,
  version: null,
  may_mute: true,
  hidden: null,
  hidden_until: null,
});

export const troubled = like<Notice>({
  ...notice(),
  id: "app:knots",
  level: "error",
  kind: "app",
  cause: "app:knots",
  app: "knots",
  name: "Knots",
  text: "Knots does not run as it should",
  detail: "exit code 1",
});

export const updatable = like<Notice>({
  ...notice(),
  id: "update:lnd",
  level: "note",
  kind: "update",
  cause: "updates",
  app: "lnd",
  name: "LND",
  version: "1.10",
});

export const status = like<AppStatus>({
  app: "bitcoin-knots",
  name: "Bitcoin Knots",
  icon: null,
  version: "29.1",
  summary: "",
  desired: "running",
  health: {
    state: "healthy",
    reason: "",
    since: WHEN,
    sync: null,
    restarts: 0,
    retry_at: null,
    needs_owner: false,
    failure: null,
  },
  chain: null,
  containers: [],
  endpoints: [],
  options: {},
  options_set: [],
  uses: [],
  used_by: [],
  update_to: null,
  release_notes: null,
  automatic: {
    app: "bitcoin-knots",
    on: false,
    from_hour: 4,
    to_hour: 7,
    obstacle: "",
    tried: "",
    failed: false,
    before: "",
    at: null,
    recent: false,
    messages: {},
  },
  operation: null,
  rating: { score: 8, lines: [] },
  not_enforced: [],
  lost_volumes: [],
  repairs: [],
  reports_lightning: false,
});

export const step = like<Step>({
  name: "start",
  state: "running",
  percent: null,
  detail: "",
  bytes_done: null,
  bytes_total: null,
});

export const operation = like<Operation>({
  id: "1",
  kind: "restart",
  app: "bitcoin-knots",
  apps: [],
  state: "running",
  percent: 0,
  steps: [],
  error: null,
  cancellable: false,
  created_at: WHEN,
  updated_at: WHEN,
  revision: 1,
});

export const system = like<SystemInfo>({
  version: "1",
  node_id: "node",
  revision: 0,
  architecture: "amd64",
  kernel: "Linux",
  memory: 8 * 1024 ** 3,
  memory_available: 4 * 1024 ** 3,
  cores: 4,
  load: 0,
  disk_total: 1000 * 1024 ** 3,
  disk_free: 500 * 1024 ** 3,
  disk_full_in: null,
  temperature: null,
  podman: "5",
  data_root: "/data",
  uptime: 60,
  power: ["restart", "stop"],
  not_enforced: [],
});

export const entry = like<CatalogEntry>({
  app: "electrumx",
  name: "ElectrumX",
  icon: null,
  version: "1.10",
  summary: "",
  description: "",
  category: "bitcoin",
  license: "MIT",
  website: null,
  architectures: ["amd64", "arm64"],
  memory: 0,
  disk: 0,
  requires: [],
  provides: [],
  installed: null,
  update_to: null,
  rating: null,
  screenshots: [],
  took: null,
  problem: null,
});

export const option = like<OptionView>({
  name: "prune",
  kind: "int",
  label: "Prune",
  help: null,
  advanced: false,
  default: 0,
  value: 0,
  set_by_owner: false,
  demanded_by: [],
  minimum: null,
  maximum: null,
  unit: null,
  pattern: null,
  max_length: null,
  choices: [],
});

export const endpoint = like<EndpointStatus>({
  name: "web",
  kind: "ui",
  protocol: "http",
  address: "http://127.0.0.1:8080/",
  local_addresses: [],
  site: null,
  local_site: null,
  behind_login: false,
  open: false,
  tor: "off",
  onion: null,
  kept_in: null,
  label: null,
  interface: null,
});

export const sync = like<Sync>({
  chain: "mainnet",
  height: 900_000,
  headers: 900_000,
  percent: 100,
  initial_block_download: false,
  seconds_left: null,
  blocks_per_hour: null,
  percent_per_hour: null,
  peers: null,
  tip_at: null,
  stale: false,
});

export const event = like<Event>({ revision: 1, at: WHEN, kind: "app", app: "bitcoin-knots", message: "", data: {} });

export const logLine = like<LogLine>({ container: "main", stream: "stdout", at: null, text: "", missing: 0 });

/** An app of a plan. */
export const planned = (app: string, action: PlannedApp["action"], because: string[] = []): PlannedApp => ({
  app,
  name: app,
  version: "1",
  action,
  because,
  options: {},
  option_origins: {},
  edges: [],
  way_back: null,
  release_notes: null,
});

export const plan = like<Plan>({
  apps: [],
  edges: [],
  ports: {},
  asks: {
    fetches: [],
    disk: 0,
    data: {},
    memory: 0,
    egress: {},
    endpoints: [],
    capabilities: {},
    devices: {},
    ratings: {},
    host: { memory: 0, disk: 0 },
    architectures: [],
  },
  alternatives: {},
  warnings: [],
  interrupts: [],
  obstacles: [],
  digest: "d1",
});

/** What an app does to no other app. */
export const harmless = {
  "change-preview": ({ app }: { app: string }) => ({ app, stops: [], restarts: [], interrupts: [] }),
};

/** Somebody who may do this. */
export function login(...permissions: Permission[]): LoginStatus {
  return { set_up: true, user: "owner", role: "owner", permissions, second_factor: false };
}

export function entered(...permissions: Permission[]): Entered {
  return { ...login(...permissions), session: "archs_sesame", device: "mark of owner", confirmation: "shown" };
}

export const resources = like<AppResources>({
  app: "a",
  name: "A",
  desired: "running",
  memory_limit: 1024 ** 3,
  cpu_limit: 1,
  pids_limit: 9,
  memory_promised: 0,
  cpu_weight: 100,
  io_weight: 100,
  disk_limit: null,
  disk_used: null,
  own: { memory: null, cpu: null, cpu_weight: null, io_weight: null, pids: null, disk: null },
  memory_used: null,
  cpu_used: null,
  written_in_a_day: null,
});
