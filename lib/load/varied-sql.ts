/** The varied requests of instruction traces, for a policy before a database: statements that differ, one after another. */
import { createConnection, type Connection } from 'mysql2';
import { rowsInUsers, sqlAccount } from './sql.js';
import type { LoadTarget } from './types.js';
import { oneByOne, randomBelow, timeoutMs, type VariedClient } from './varied.js';

/**
 * Opens no connection before the first statement.
 * @param connections how many take turns.
 */
export function connectVariedSql({ address }: LoadTarget, connections: number): VariedClient {
  const open = new Map<number, Connection>();
  const connectionOf = (place: number) => {
    const there = open.get(place) ?? createConnection({ ...address, user: sqlAccount, database: sqlAccount, connectTimeout: timeoutMs });
    open.set(place, there);
    return there;
  };
  const sendOne = (index: number) => new Promise<void>((resolve, reject) => {
    const failed = (reason: string) => reject(new Error(`statement ${index} to ${address.host}:${address.port} failed: ${reason}`));
    connectionOf(index % connections).query({ sql: variedStatement(index), timeout: timeoutMs }, (error, rows) => {
      if (error) failed(error.message);
      else if (!Array.isArray(rows) || rows.length !== 1) failed('it did not give one row');
      else resolve();
    });
  });
  return oneByOne(sendOne, () => open.forEach((connection) => connection.destroy()));
}

const columns = ['*', 'id, name', 'name, email', 'id, name, email, about', 'about', 'email, id'];
const clauses = ['', ' LIMIT 1', ' ORDER BY name', ' ORDER BY id LIMIT 1'];

/** One row of the workbench's database by its primary key. The same for the same index, on every machine. */
export function variedStatement(index: number): string {
  const below = randomBelow(index);
  const pick = (list: readonly string[]) => list[below(list.length)];
  const statement = `SELECT ${pick(columns)} FROM users WHERE id = ${1 + below(rowsInUsers)}${pick(clauses)}`;
  return below(2) === 1 ? `${statement} /* request ${index} */` : statement;
}
