/** How much code a request touches, per policy: the median over the requests of a trace. */
import { medianEstimate, scaled, type Estimate } from './statistics.js';
import type { RequestProfile } from './trace-profile.js';
import type { Component } from '../paper/components.js';

/** Bytes in a touched 64-byte line, in kB of 1000 bytes as the paper has them. */
const kilobytesPerLine = 64 / 1000;

export function codeKilobytes(requests: readonly RequestProfile[]): Estimate {
  return scaled(medianEstimate(requests.map(({ lines }) => lines)), kilobytesPerLine);
}

export function codePages(requests: readonly RequestProfile[]): Estimate {
  return medianEstimate(requests.map(({ pages }) => pages));
}

export function instructionsPerRequest(requests: readonly RequestProfile[]): Estimate {
  return medianEstimate(requests.map(({ instructions }) => instructions));
}

/** Code under one component; null where no request runs any. */
export function componentKilobytes(requests: readonly RequestProfile[], component: Component): Estimate | null {
  const lines = requests.map(({ byComponent }) => byComponent.get(component)?.lines ?? 0);
  return lines.every((count) => count === 0) ? null : scaled(medianEstimate(lines), kilobytesPerLine);
}
