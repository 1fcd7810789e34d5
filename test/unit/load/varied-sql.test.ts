import { describe, expect, it } from 'vitest';
import { variedStatement } from '../../../lib/load/varied-sql.js';

const statements = Array.from({ length: 200 }, (_, index) => variedStatement(index));

describe('varied statements', () => {
  it('ask for one row by its primary key, which is there', () => {
    for (const statement of statements) {
      const id = Number(/^SELECT [\w, *]+ FROM users WHERE id = (\d+)( |$)/.exec(statement)?.[1]);
      expect(id).toBeGreaterThanOrEqual(1);
      expect(id).toBeLessThanOrEqual(20);
    }
  });

  it('differ, in length too, and are the same for the same number', () => {
    expect(new Set(statements).size).toBeGreaterThan(150);
    expect(new Set(statements.map(({ length }) => length)).size).toBeGreaterThan(20);
    expect(statements.map((_, index) => variedStatement(index))).toEqual(statements);
  });
});
