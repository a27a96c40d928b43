import { defineConfig } from "vitest/config";

// Tests and dev read the packages' sources, not what was last built.
const conditions = ["tarpan-source", "node", "import", "module", "default"];
const common = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["tarpan-source", "node", "import"] } },
};
// Files share a process: nothing in the packages lives outside what a test makes, and a process and
// its imports for each file took a third of the time.
const limits = { testTimeout: 30_000, hookTimeout: 60_000, isolate: false };
const GROUPS = "test/interop/groups-*.test.ts";
const CLUSTERS = "test/cluster/**/*.test.ts";

export default defineConfig({
  test: {
    projects: [
      {
        ...common,
        test: {
          ...limits,
          name: "broker",
          include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [GROUPS, CLUSTERS],
          maxWorkers: 2,
        },
      },
      {
        ...common,
        // Clients that mostly wait: for sessions to end, for brokers to come back.
        test: {
          ...limits,
          name: "groups",
          include: [GROUPS],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...common,
        // Real clusters, six processes each, that mostly wait for elections. Nothing else beside them.
        test: {
          ...limits,
          name: "cluster",
          include: [CLUSTERS],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
