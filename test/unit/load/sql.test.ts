import { describe, expect, it } from 'vitest';
import { sendExactly } from '../../../lib/load/load.js';
import { isSql, selectByKey, selectByKeyPrepared } from '../../../lib/load/sql.js';

describe('what a load asks for', () => {
  it('is a statement unless it is a path', () => {
    expect([selectByKey, selectByKeyPrepared, '/', '/100'].map(isSql)).toEqual([true, true, false, false]);
  });
  it('cannot be a statement for the generator that speaks HTTP only', async () => {
    const target = { address: { host: '127.0.0.1', port: 1 }, tls: false };
    await expect(sendExactly(target, { requests: 1, connections: 1, path: selectByKey }, { cpus: [0], generator: 'npm' })).rejects.toThrow(/speaks no MySQL/);
  });
});
