import type { FrontendEvents } from './events.js';
import type { CoreParameters } from './parameters.js';

/** Shares of slots, which sum to 1. */
export interface TopDown {
  retiring: number;
  badSpeculation: number;
  frontend: number;
  /** Not modelled: a trace of code holds no data addresses and no dependences. The other three are therefore upper bounds. */
  backend: null;
}

export declare function topDown(events: FrontendEvents, core: CoreParameters): TopDown;
