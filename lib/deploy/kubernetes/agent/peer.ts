/**
 * Two programs that call each other over a pair of streams: one line of JSON a message. Both sides are alike, so that a
 * call can call back while it lasts, as a collector does with what it is to watch.
 */

/** What the other side may call, by name. Arguments and results are JSON. */
export type Methods = Record<string, (...args: never[]) => unknown>;

interface Call { id: number; method: string; args: unknown[] }
interface Answer { id: number; result?: unknown; error?: string }

export class Peer {
  private readonly waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  private last = 0;
  private rest = '';
  private ended: Error | null = null;

  /**
   * @param write sends text to the other side.
   * @param methods that the other side may call.
   */
  constructor(private readonly write: (text: string) => void, private readonly methods: Methods) {}

  /** @throws Error with the other side's message, or that the connection ended. */
  async call<T>(method: string, ...args: unknown[]): Promise<T> {
    if (this.ended) throw this.ended;
    const id = ++this.last;
    const answered = new Promise<T>((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    this.send({ id, method, args });
    return answered;
  }

  /** Takes what came from the other side, in whichever pieces. */
  receive(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop()!;
    for (const line of lines) if (line !== '') this.take(JSON.parse(line) as Call | Answer);
  }

  get hasEnded(): boolean {
    return this.ended !== null;
  }

  /** No answer comes any more: whoever waits for one is told why. */
  end(why: Error): void {
    this.ended ??= why;
    for (const { reject } of this.waiting.values()) reject(this.ended);
    this.waiting.clear();
  }

  private take(message: Call | Answer): void {
    if ('method' in message) return void this.answer(message);
    const call = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.error !== undefined) call?.reject(new Error(message.error));
    else call?.resolve(message.result as never);
  }

  private async answer({ id, method, args }: Call): Promise<void> {
    try {
      const found = this.methods[method] as ((...args: unknown[]) => unknown) | undefined;
      if (!found) throw new Error(`the other side has no method ${method}`);
      this.send({ id, result: await found(...args) });
    } catch (error) {
      this.send({ id, error: (error as Error).message });
    }
  }

  private send(message: Call | Answer): void {
    this.write(`${JSON.stringify(message)}\n`);
  }
}
