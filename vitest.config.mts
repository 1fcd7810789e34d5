import { defineConfig } from 'vitest/config';

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
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/notebooks/**/*.test.ts', 'test/browser/**/*.test.ts'],
          pool: 'forks',
          // These start real sidecars, pin threads and count: two files at once would measure each other.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
