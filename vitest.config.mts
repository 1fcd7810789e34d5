import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

/** Takes a cluster of this machine's own (`npm run test:cluster`), which is built in a quarter of an hour: only when asked for. */
const cluster: TestProjectConfiguration = {
  test: {
    name: 'cluster',
    include: ['test/cluster/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    sequence: { groupOrder: 3 },
    testTimeout: 300_000,
    // The first one builds the cluster.
    hookTimeout: 3_600_000,
  },
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          pool: 'forks',
          // Loading Plotly, jsdom and the compiler takes most of the time: once a worker, not once a file. No file may
          // therefore leave anything behind, which `npx vitest run --project unit --sequence.shuffle` shows.
          isolate: false,
          maxWorkers: '100%',
          // Loading those alone takes over ten seconds on a machine that is busy otherwise.
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'recorded',
          // Recordings and binaries are only read, nothing is measured: files run side by side.
          include: ['test/recorded/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/notebooks/**/*.test.ts', 'test/browser/**/*.test.ts'],
          pool: 'forks',
          // These start real sidecars, pin threads and count: two files at once would measure each other.
          fileParallelism: false,
          // Within a file only what draws from recorded data runs side by side.
          maxConcurrency: 2,
          sequence: { groupOrder: 2 },
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      ...(process.env.CLUSTER === '1' ? [cluster] : []),
    ],
  },
});
