/**
 * MySQL in the place of HTTP: a load whose `path` is a statement is a MySQL load. `PREPARED ` in front has it prepared
 * once a connection and executed again and again, its one `?`, if any, being the user with id 7.
 *
 * In the request log an answer counts with status 200, a refusal by the server with 500.
 */

/** Name of the user without a password, and of the database that is theirs to read. */
export const sqlAccount = 'workbench';

/** Rows of its one table, `users`, with ids from 1. */
export const rowsInUsers = 20;

/** The paper's query: one row by its primary key, the same again and again. */
export const selectByKey = 'SELECT * FROM users WHERE id = 7';
export const selectByKeyPrepared = 'PREPARED SELECT * FROM users WHERE id = ?';

/** Whether a load asks for this of a MySQL server; paths of HTTP start with a slash. */
export function isSql(path: string): boolean {
  return !path.startsWith('/');
}
