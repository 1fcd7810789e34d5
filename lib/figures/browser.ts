/**
 * One page of an installed browser, offline, opened when first needed and kept until this process ends.
 *
 * Playwright starts the browser itself, over a pipe: it ends when this process does, however that ends.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { Availability } from '../host/availability.js';

const names = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'microsoft-edge', 'microsoft-edge-stable'];
const usualPlaces = [
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
];

/** It draws and nothing else: no updates, no reports, no first-run pages. */
const flags = [
  '--disable-background-networking', '--disable-component-update', '--disable-domain-reliability', '--disable-sync',
  '--disable-client-side-phishing-detection', '--no-first-run', '--no-default-browser-check', '--no-pings', '--mute-audio',
];

/** Path of an installed Chrome, Chromium or Edge; `CHROME` in the environment comes first. null when there is none. */
export function findBrowser(env: NodeJS.ProcessEnv = process.env): string | null {
  const inPath = (env.PATH ?? '').split(path.delimiter).flatMap((folder) => names.map((name) => path.join(folder, name)));
  const candidates = env.CHROME ? [env.CHROME] : [...inPath, ...usualPlaces];
  return candidates.find(isProgram) ?? null;
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Whether figures can be drawn as PNG and with exact text. */
export function browserAvailability(): Availability {
  const file = findBrowser();
  if (file) return { available: true, version: path.basename(file), note: file };
  return {
    available: false,
    reason: process.env.CHROME ? `CHROME=${process.env.CHROME} is not a program` : 'no Chrome, Chromium or Edge found',
    remedy: 'install one (Debian: apt-get install chromium) or set CHROME to its path; until then figures are SVG with approximate text',
  };
}

/** Starts the browser; the caller closes it. */
export async function launchBrowser(executablePath: string): Promise<Browser> {
  const { chromium } = await import('playwright-core');
  return chromium.launch({
    executablePath,
    args: flags,
    chromiumSandbox: false, // impossible as root and in many containers; pages hold our own figures only
    handleSIGINT: false, // an interrupted cell must not take the browser, or us, with it
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}

let opened: Promise<Page | null> | null = null;

/** The page, or null when no browser is installed or it does not start. */
export function sharedPage(): Promise<Page | null> {
  return (opened ??= openPage());
}

async function openPage(): Promise<Page | null> {
  const file = findBrowser();
  if (!file) return null;
  try {
    const browser = await launchBrowser(file);
    browser.on('disconnected', () => { opened = null; });
    return await (await browser.newContext({ offline: true, deviceScaleFactor: 1 })).newPage();
  } catch (error) {
    console.warn(`${file} does not start (${String(error).split('\n')[0]}); figures are drawn without it${os.EOL}`);
    return null;
  }
}

/** Ends the browser if it was started; a later `sharedPage` starts it anew. */
export async function closeSharedPage(): Promise<void> {
  const page = await opened;
  opened = null;
  await page?.context().browser()?.close();
}
