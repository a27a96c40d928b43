import { defineConfig } from "vitest/config";

// Tests and dev read the packages' sources, not what was last built.
const conditions = ["tarpan-source", "node", "import", "module", "default"];
const common = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["tarpan-source", "node", "import"] } },
};
// Files share a process: nothing in the packages lives outside what a test makes, and a process and
// its imports for each file took a third of the time.
const limits = {
  testTimeout: 30_000,
  hookTimeout: 60_000,
  isolate: false,
  setupFiles: "test/harness/setup.ts",
};
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
          exclude: [CLUSTERS],
          maxWorkers: 2,
        },
      },
      {
        ...common,
        // Real clusters, six processes each, that mostly wait for elections. Nothing else beside
        // them.
        test: {
          ...limits,
          name: "cluster",
          include: [CLUSTERS],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
