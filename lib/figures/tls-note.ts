/** How the instructions of policies with TLS were had, where a figure shows some. */
const why = 'Valgrind hides the CPU\'s crypto instructions, so that it would count software routines that never run otherwise';

/** @param counted of each policy or point with TLS, whether its instructions are known. */
export function tlsNotes(counted: readonly boolean[]): string[] {
  if (counted.length === 0) return [];
  if (!counted.some(Boolean)) return [`Instructions of TLS are not counted: ${why}, and no request was stepped.`];
  return [`Instructions of TLS are those of requests that the CPU itself executed step by step: ${why}.`];
}
