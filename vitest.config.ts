import { defineConfig } from "vitest/config";

// Tests and dev read the packages' sources, not what was last built.
const conditions = ["tarpan-source", "node", "import", "module", "default"];
const common = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["tarpan-source", "node", "import"] } },
};
const limits = { testTimeout: 30_000, hookTimeout: 60_000 };
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
        // One real cluster at a time, and nothing beside it: it is six processes.
        test: {
          ...limits,
          name: "cluster",
          include: [CLUSTERS],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
