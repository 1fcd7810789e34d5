/** The notebook kernel as lib sees it: set by environment/kernel/launcher.cjs, absent in tests and commands. */

/** Content of Jupyter's `display_data` message. */
export interface DisplayContent {
  /** One representation per MIME type; the client takes the richest it knows. */
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  /** `display_id` names an output that a later message may update. */
  transient: { display_id?: string };
}

export interface Kernel {
  /** Sends to the running cell's output; with `update`, replaces the output of the same `display_id`. */
  display(content: DisplayContent, update: boolean): void;
}

/** The kernel this code runs in, null outside notebooks. */
export function currentKernel(): Kernel | null {
  return (globalThis as Record<symbol, unknown>)[Symbol.for('sidecar-workbench.kernel')] as Kernel | undefined ?? null;
}

/** Shows one thing in several representations; outside a notebook prints its text. */
export function display(data: Record<string, unknown>, metadata: Record<string, unknown> = {}): void {
  const kernel = currentKernel();
  if (kernel) kernel.display({ data, metadata, transient: {} }, false);
  else console.log(data['text/plain']);
}
