/** When fetch took each of the latest runs. The predictor may be that many runs ahead: it waits for the oldest. */
export class FetchQueue {
  private readonly times: Float64Array;
  private next = 0;

  constructor(runs: number) {
    this.times = new Float64Array(Math.max(1, runs));
  }

  get oldest(): number {
    return this.times[this.next];
  }

  push(time: number): void {
    this.times[this.next] = time;
    this.next = this.next + 1 === this.times.length ? 0 : this.next + 1;
  }

  /** Nothing is waited for before this time. */
  clear(time: number): void {
    this.times.fill(time);
  }
}
