import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { describe as describePackages, isDebian, missingPackages } from '../../../environment/debian.mjs';
import { profileOf } from '../../../environment/run.mjs';
import { checkNode, lockfileInstalled, measuringImpossible } from '../../../environment/setup.mjs';
import { projectPath } from '../../../lib/host/paths.js';

describe('Debian packages', () => {
  const { packages } = JSON.parse(fs.readFileSync(projectPath('environment', 'debian-packages.json'), 'utf8'));
  const nothing = { command: () => false, file: () => false, pythonModule: () => false };

  test('each has a reason and says who needs it', () => {
    for (const line of describePackages(packages)) expect(line).toMatch(/^ {2}[a-z0-9.+-]+ +[a-zA-Z].{15,} \(.+\)$/);
  });

  test('on a bare machine all are missing, those of tests only for tests', () => {
    const names = (profile: string) => missingPackages(packages, profile, nothing).map((entry) => entry.package);
    expect(names('full')).toContain('valgrind');
    expect(names('full')).not.toContain('clang');
    expect(names('test')).toEqual([...names('full'), 'clang', 'lld', 'libspdlog-dev']);
  });

  test('a browser of another make serves', () => {
    const there = { ...nothing, command: (name: string) => name === 'google-chrome' };
    expect(missingPackages(packages, 'full', there).map((entry) => entry.package)).not.toContain('chromium');
  });

  test.each([
    ['ID=debian\nVERSION_ID="12"\n', true],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', true],
    ['ID=fedora\n', false],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', false],
    ['', false],
  ])('are for Debian and its children: %j', (osRelease, expected) => {
    expect(isDebian(osRelease)).toBe(expected);
  });
});

describe('npm packages', () => {
  const wanted = { packages: { '': {}, 'node_modules/tsx': { version: '4.23.15' }, 'node_modules/@esbuild/win32-x64': { version: '0.25.0', optional: true } } };

  test('are there when npm finished, other platforms\' binaries apart', () => {
    expect(lockfileInstalled(wanted, { packages: { 'node_modules/tsx': { version: '4.23.15' } } })).toBe(true);
  });

  test.each([[undefined], [{ packages: {} }], [{ packages: { 'node_modules/tsx': { version: '4.0.0' } } }]])('are not there with %j', (installed) => {
    expect(lockfileInstalled(wanted, installed)).toBe(false);
  });
});

describe('a machine', () => {
  test.each(['20.19.0', '20.20.2', '22.1.0', '24.0.0'])('with Node %s is fine', (version) => {
    expect(() => checkNode(version)).not.toThrow();
  });

  test.each(['18.20.0', '20.18.3'])('with Node %s is told what to install', (version) => {
    expect(() => checkNode(version)).toThrow(`Node ${version} is too old`);
  });

  test('that cannot measure is told what it can do', () => {
    expect(measuringImpossible('linux', 'x64')).toBeNull();
    expect(measuringImpossible('darwin', 'arm64')).toBe('measuring needs Linux on x86-64, this is darwin on arm64; `npm run figures` and `npm run lab` work on committed data');
  });
});

test('redrawing needs neither Debian packages nor Python', () => {
  expect(['figures', 'pack', 'import', 'reproduce', 'test', 'test:cluster'].map(profileOf)).toEqual(['figures', 'figures', 'figures', 'full', 'test', 'test']);
});
