import type { CoreParameters } from './parameters.js';

export declare const cores: readonly CoreParameters[];
